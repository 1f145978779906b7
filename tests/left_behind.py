"""What a process holds: its threads and its open files."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_for


def held() -> Counter[str]:
    """How many threads of each name, and how many open files of each place, there are now."""
    threads = [f"thread {thread.name.rstrip('0123456789-')}" for thread in threading.enumerate()]
    files = []
    for link in Path("/proc/self/fd").iterdir():
        try:
            files.append(f"file {str(link.readlink()).split(':[')[0]}")
        except FileNotFoundError:  # the one that reads this folder
            continue
    return Counter(threads + files)


@contextmanager
def nothing_more_is_held() -> Iterator[None]:
    """At the end there is no thread and no open file that was not there before, or a moment later."""
    before = held()
    yield

    def left() -> Counter[str]:
        gc.collect()
        return held() - before

    wait_for(lambda: not left(), 2, but=left)
