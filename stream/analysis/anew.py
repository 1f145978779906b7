"""Moments at which a file is looked at as if nothing were known."""

from __future__ import annotations

ANEW_S = 6.0
"""Whenever a file's clock passes a multiple of this, the whole picture is searched, all faces are answered for, and how they move is learnt
anew: what follows does not depend on what was long before, so that a file can be followed from any such moment. A multiple of the usual
times, so that it costs nothing."""


def passes_anew(before_s: float, time_s: float) -> bool:
    """Whether all is looked at anew in the later of two frames that follow each other."""
    return before_s // ANEW_S != time_s // ANEW_S
