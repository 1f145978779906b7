"""A long video in segments that are worked on side by side, by processes that share nothing but files.

probe ──> look, one for each segment ──> thread, once, in order ──> paint, one for each segment ──> join, once
"""
