"""A sink in a thread of its own, so that a slow one never ages the picture."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from models.inference.priority import stand_back
from stream.monitoring.health import Health
from stream.sinks.result import Result
from stream.sinks.sink import Sink, Waits

IDLE_S = 1.0
"""After so long without a result the other sink is polled: a recording in pieces ends one whose time is over."""
HURRIED_S = 0.8
"""How long the other sink may write what waits once the user wants to end; the rest is dropped and counted."""
LEFT_S = 0.8
"""How long it may then take to finish its output, before its thread is left behind."""
WAITING = 8
"""Results that may wait: a quarter of a second at 30 frames/s, more than the usual stutter of a disk (a guess)."""


class Threaded:
    """Hands results to another sink without ever waiting for it; those that it cannot keep up with are dropped and counted.

    What the other sink raises first is raised by the next `write`, `poll` or `close`; from then on nothing is written.
    """

    def __init__(
        self,
        sink: Sink,
        waiting: int = WAITING,
        *,
        health: Health | None = None,
        source: str = "",
        steps_back: int = 0,
        on_failure: Callable[[Exception], None] | None = None,
    ) -> None:
        """
        Args:
            health: is told what the thread is at.
            source: whose results it takes.
            steps_back: how far the thread, and those that the other sink starts, stand back behind others (`priority`).
            on_failure: is given what the other sink raises, in place of raising it: then that is the end of this output alone.
        """
        self.sink = sink
        self.dropped = 0
        """Results that came while the queue was full."""
        self.lost = 0
        """Results that came after the other sink had failed, and the one at which it did."""
        self.notes: list[str] = []
        self._on_failure = on_failure
        self._queue: queue.Queue[Result | None] = queue.Queue(waiting)
        self._error: Exception | None = None
        self._closing = threading.Event()
        self._until = float("inf")
        """`time.monotonic()` until which what waits is still written."""
        self._health, self._source, self._steps_back = health or Health(), source, steps_back
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Results that the other sink has not had yet."""
        return self._queue.qsize()

    @property
    def full(self) -> bool:
        """Whether the next result would be dropped."""
        return self._queue.full()

    def hurry(self) -> None:
        """From now on `close` waits for a limited time."""
        self._until = min(self._until, time.monotonic() + HURRIED_S)
        if isinstance(self.sink, Waits):
            self.sink.hurry()

    def write(self, result: Result) -> None:
        self._raise()
        try:
            self._queue.put_nowait(result)
        except queue.Full:
            self.dropped += 1

    def poll(self, stale: Result | None = None) -> None:
        self._raise()

    def close(self) -> None:
        """Let the other sink write what waits, and close it. Any number of times. After `hurry`, one that hangs is left to itself."""
        if not self._closing.is_set():
            self._closing.set()
            with suppress(queue.Full):
                self._queue.put_nowait(None)  # wakes the thread; one with a full queue is awake
            self._thread.join(None if self._until == float("inf") else max(0.0, self._until + LEFT_S - time.monotonic()))
            self.notes += self.sink.notes
            if self._thread.is_alive():
                self.notes.append(f"{self._source}: its output was not finished in time; what was written until then can be read.")
            if self.dropped:
                whose = f"{self._source}: " if self._source else ""
                self.notes.append(f"{whose}{self.dropped} frames were not recorded: writing them took longer than they came.")
        self._raise()

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is None:
            return
        if self._on_failure is None:
            raise error
        self._on_failure(error)

    def _run(self) -> None:
        stand_back(self._steps_back)
        with self._health.thread("sink", self._source) as pulse:
            failed = False
            for result in self._results():
                if failed:
                    self.lost += result is not None
                    continue
                if result is not None and time.monotonic() > self._until:
                    self.dropped += 1
                    continue
                pulse.begins("write")
                try:
                    if result is None:
                        self.sink.poll()
                    else:
                        self.sink.write(result)
                except Exception as error:  # noqa: BLE001 - handed to the thread that uses this sink
                    self._error, failed = error, True
                    self.lost += 1
                pulse.rests()
            pulse.begins("close")
            try:
                self.sink.close()
            except Exception as error:  # noqa: BLE001 - handed over, unless an earlier one was
                if not failed:
                    self._error = error

    def _results(self) -> Iterator[Result | None]:
        """What comes until `close`; None each time that nothing came for `IDLE_S`."""
        while True:
            try:
                result = self._queue.get(timeout=0 if self._closing.is_set() else IDLE_S)
            except queue.Empty:
                if self._closing.is_set():
                    return
                yield None
                continue
            if result is not None:
                yield result
