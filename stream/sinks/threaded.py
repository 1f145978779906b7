"""A sink in a thread of its own, so that a slow one never ages the picture."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import suppress

from models.inference.priority import stand_back
from stream.deadline import LEAVE_S, NEVER, WRITE_S, Deadline
from stream.monitoring.health import Health
from stream.sinks.result import Result
from stream.sinks.sink import Idles, Sink, Waits

IDLE_S = 1.0
"""After so long without a result the other sink is told so: a recording in pieces ends one whose time is over."""
WAITING = 8
"""Results that may wait: a quarter of a second at 30 frames/s, more than the usual stutter of a disk (a guess)."""


class Threaded:
    """Hands results to another sink without ever waiting for it; those that it cannot keep up with are dropped and counted.

    What the other sink raises first is raised by the next `write`, `check` or `close`; from then on nothing is written.
    """

    def __init__(self, sink: Sink, waiting: int = WAITING, *, health: Health | None = None, source: str = "", steps_back: int = 0) -> None:
        """
        Args:
            health: is told what the thread is at.
            source: whose results it takes.
            steps_back: how far the thread, and those that the other sink starts, stand back behind others (`priority`).
        """
        self.sink = sink
        self.dropped = 0
        """Results that came while the queue was full, or too late."""
        self.lost = 0
        """Results that came after the other sink had failed, and the one at which it did."""
        self.notes: list[str] = []
        self._queue: queue.Queue[Result | None] = queue.Queue(waiting)
        self._error: Exception | None = None
        self._closing = threading.Event()
        self._deadline = NEVER
        self._health, self._source, self._steps_back = health or Health(), source, steps_back
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    @property
    def unwritten(self) -> int:
        return self.dropped + self.lost

    @property
    def full(self) -> bool:
        return self._queue.full()

    def hurry(self, deadline: Deadline) -> None:
        """From now on `close` waits for a limited time."""
        if not self._deadline.asked:
            self._deadline = deadline
        if isinstance(self.sink, Waits):
            self.sink.hurry(deadline)

    def write(self, result: Result) -> None:
        try:
            self._queue.put_nowait(result)
        except queue.Full:
            self.dropped += 1
        self.check()

    def check(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """Let the other sink write what waits, and close it. Any number of times. After `hurry`, one that hangs is left to itself."""
        if not self._closing.is_set():
            self._closing.set()
            with suppress(queue.Full):
                self._queue.put_nowait(None)  # wakes the thread; one with a full queue is awake
            self._thread.join(self._deadline.left_s(LEAVE_S) if self._deadline.asked else None)
            self.notes += self.sink.notes
            if self._thread.is_alive():
                self.notes.append(f"{self._source}: its output was not finished in time; what was written until then can be read.")
            if self.dropped:
                whose = f"{self._source}: " if self._source else ""
                self.notes.append(f"{whose}{self.dropped} frames were not recorded: writing them took longer than they came.")
        self.check()

    def _run(self) -> None:
        stand_back(self._steps_back)
        with self._health.thread("sink", self._source) as activity:
            failed = False
            for result in self._results():
                if failed:
                    self.lost += result is not None
                    continue
                if result is not None and self._deadline.left_s(WRITE_S) == 0:
                    self.dropped += 1
                    continue
                activity.busy("write")
                try:
                    self._pass_on(result)
                except Exception as error:  # noqa: BLE001 - handed to the thread that uses this sink
                    self._error, failed = error, True
                    self.lost += 1
                activity.idle()
            activity.busy("close")
            try:
                self.sink.close()
            except Exception as error:  # noqa: BLE001 - handed over, unless an earlier one was
                if not failed:
                    self._error = error

    def _pass_on(self, result: Result | None) -> None:
        if result is not None:
            self.sink.write(result)
        elif isinstance(self.sink, Idles):
            self.sink.idle()

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
