"""Which threads wait where there is more work than cores: looks for recordings, and both for the picture on the screen."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

LOOKS, RECORDINGS = 10, 5
"""How far the threads stand back, in steps of `nice`. Eight cameras in a window and recorded, on 2 busy cores: 14.7 of 15 pictures/s were
shown, 14.4 with 5 and 5, 12.3 without (measured; a camera was looked at every 0.6, 0.6 and 0.4 s at the longest). A thread that waits
for the interpreter's lock is not at work, so the one that holds it goes on."""


def stand_back(steps: int) -> None:
    """Let the calling thread, and those that it starts from now on, have a core only where those before them leave one.

    For good: the system lets nobody but its administrator go forward again. On Linux only; elsewhere it does nothing.
    """
    if steps and sys.platform == "linux":
        with suppress(OSError):  # a sandbox that forbids it is no reason not to work
            own = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, own, min(19, os.getpriority(os.PRIO_PROCESS, own) + steps))
