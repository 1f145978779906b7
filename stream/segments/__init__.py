"""A long video in segments that are worked on side by side, by processes that share nothing but files.

probe ──> look, one for each segment ──> thread, once, in order ──> paint, one for each segment ──> join, once

What comes out is what `facestream run` gives in one piece: the same events, the same times, the same sound. `whole.in_segments` does all
of it in one process. Whoever spreads the passes over machines hands each the `Cut` that `probe` made, the settings and the paths of files
that all machines see. A pass may be done again: it writes its one file anew, from the same files. Where it raises a `SourceError`, the
video is to be worked on in one piece, which then tells what is wrong with it.
"""
