"""Memory that threads free, and who may have it next."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

ARENAS = 2
"""With glibc's own choice, 8 for each core, the memory of a run with three sources rose by 178 MiB an hour, with 2 by 13 (two runs side by
side, minutes 6 to 13, two cores; with many cores, whether threads get in each other's way was not measured)."""
_M_ARENA_MAX = -8
"""glibc, malloc.h."""


def share_arenas() -> None:
    """Lets all threads of this process share a few heaps, so that what one frees serves the others. To be called before there are any.

    For a program, not for a library: it holds for the whole process. Only for glibc; whoever has chosen in the environment is left alone.
    """
    chosen = "MALLOC_ARENA_MAX" in os.environ or "glibc.malloc.arena_max" in os.environ.get("GLIBC_TUNABLES", "")
    if sys.platform == "linux" and not chosen:
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
