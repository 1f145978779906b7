"""Whether every thread makes progress: each says what it is at, anyone may look how long it has been at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(eq=False)
class ThreadActivity:
    """What one thread is at. It alone writes; anyone reads."""

    part: str
    """capture, worker, renderer or sink."""
    source: str = ""
    """Whose, where each source has one of its own."""
    sign: Callable[[], float | None] = lambda: None
    """When (`time.monotonic()`) there was a sign of life inside the piece of work: a camera that is away may stay away."""
    _work: tuple[str, float] | None = None

    def busy(self, work: str) -> None:
        """A piece of work begins, and an earlier one is done."""
        self._work = (work, time.monotonic())

    def idle(self) -> None:
        """The work is done: from here on the thread waits for others."""
        self._work = None

    @property
    def busy_s(self) -> float:
        """For how long it has been at one piece of work without a sign of life; 0 while it waits for others."""
        work = self._work
        return 0.0 if work is None else max(0.0, time.monotonic() - max(work[1], self.sign() or 0.0))

    def __str__(self) -> str:
        name = f"{self.part} {self.source}".strip()
        work = self._work
        return f"{name}: waits" if work is None else f"{name}: {work[0]}, for {self.busy_s:.1f} s"


class Health:
    """The threads of a run. Any thread may call any method."""

    def __init__(self, stalled_after_s: float = 10.0) -> None:
        self.stalled_after_s = stalled_after_s
        """A thread that has been at one piece of work for longer makes no progress."""
        self.ready = False
        """A first look has been given to its outputs."""
        self._activities: list[ThreadActivity] = []
        self._lock = threading.Lock()

    @contextmanager
    def thread(self, part: str, source: str = "", sign: Callable[[], float | None] = lambda: None) -> Iterator[ThreadActivity]:
        """A thread, from its begin to its end."""
        activity = ThreadActivity(part, source, sign)
        with self._lock:
            self._activities.append(activity)
        try:
            yield activity
        finally:
            with self._lock:
                self._activities.remove(activity)

    @property
    def activities(self) -> list[ThreadActivity]:
        """Of every thread there is now."""
        with self._lock:
            return list(self._activities)

    @property
    def stalled(self) -> list[ThreadActivity]:
        """The threads that make no progress."""
        return [activity for activity in self.activities if activity.busy_s > self.stalled_after_s]
