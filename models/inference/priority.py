"""Which threads wait where there is more work than cores."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress


def stand_back(steps: int) -> None:
    """Let the calling thread, and those that it starts from now on, have a core only where those before them leave one.

    For good: the system lets nobody but its administrator go forward again. On Linux only; elsewhere it does nothing.

    Args:
        steps: of `nice`.
    """
    if steps and sys.platform == "linux":
        with suppress(OSError):  # a sandbox that forbids it is no reason not to work
            own = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, own, min(19, os.getpriority(os.PRIO_PROCESS, own) + steps))
