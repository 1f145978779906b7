"""What a run has found, read back from its events: pictures are drawn again without looking again.

events ── SavedEvents (which sources, where each begins) ──> Reading (one source's, in step with its frames) ──> Replaying ──> pipeline
"""
