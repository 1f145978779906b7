"""Whether every thread makes progress: each says what it is at, anyone may look how long it has been at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(eq=False)
class Pulse:
    """What one thread is at. It alone writes; anyone reads."""

    part: str
    """capture, worker, renderer or sink."""
    source: str = ""
    """Whose, where each source has one of its own."""
    sign: Callable[[], float | None] = lambda: None
    """When (`time.monotonic()`) there was a sign of life inside the piece of work: a camera that is away may stay away."""
    _work: tuple[str, float] | None = None

    def begins(self, work: str) -> None:
        """A piece of work begins, and an earlier one is done."""
        self._work = (work, time.monotonic())

    def rests(self) -> None:
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
        self._pulses: list[Pulse] = []
        self._lock = threading.Lock()

    @contextmanager
    def thread(self, part: str, source: str = "", sign: Callable[[], float | None] = lambda: None) -> Iterator[Pulse]:
        """A thread, from its begin to its end."""
        pulse = Pulse(part, source, sign)
        with self._lock:
            self._pulses.append(pulse)
        try:
            yield pulse
        finally:
            with self._lock:
                self._pulses.remove(pulse)

    @property
    def pulses(self) -> list[Pulse]:
        """Of every thread there is now."""
        with self._lock:
            return list(self._pulses)

    @property
    def stalled(self) -> list[Pulse]:
        """The threads that make no progress."""
        return [pulse for pulse in self.pulses if pulse.busy_s > self.stalled_after_s]
