"""Until something has come about: the one loop in which tests wait."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(done: Callable[[], object], seconds: float = 30, but: Callable[[], object] = lambda: "nothing came") -> None:
    """Ask until the answer is true.

    Args:
        but: what there is instead, for the message when the time is over.
    """
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"not within {seconds} s: {but()}"
        time.sleep(0.02)
