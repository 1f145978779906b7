"""Lines to whoever reads them: a pipe that nobody empties holds up nobody else."""

from __future__ import annotations

import os
import select
import threading
from collections import deque

from stream.deadline import NEVER, SHOW_S, Deadline
from stream.monitoring.health import Health

WAITING_LINES = 1000
"""So many may wait for the reader: half a minute of looks, half a megabyte."""
SLICE_S = 0.1
"""How often a blocked pipe is looked at again."""


class Lines:
    """Writes lines to a pipe or terminal from a thread of its own. `put` never waits; who wants to lose nothing looks at `full` before."""

    def __init__(self, descriptor: int, health: Health | None = None) -> None:
        self.error: OSError | None = None
        """Why nothing can be written any more; `BrokenPipeError` where the reader has gone."""
        self.lost = 0
        """Lines that nobody read in time."""
        self._descriptor = descriptor
        self._health = health or Health()
        self._waiting: deque[bytes] = deque()
        self._news = threading.Condition()
        self._closing = False
        self._deadline = NEVER
        self._over = False
        """The reader had its time: nothing more is written."""
        self._given_up = False
        """Nobody waits for the reader any more."""
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether the next line would be lost."""
        return len(self._waiting) >= WAITING_LINES and self.error is None and not self._over

    def put(self, line: str) -> None:
        with self._news:
            if self.full or self._over:
                self.lost += 1
            elif self.error is None:
                self._waiting.append(line.encode("utf-8", "backslashreplace"))
                self._news.notify()

    def hurry(self, deadline: Deadline) -> None:
        """The user wants to end: what is not read soon is lost."""
        if not self._deadline.asked:
            self._deadline = deadline

    def close(self) -> None:
        """Wait until all is written; after `hurry` not for long. The descriptor stays open."""
        with self._news:
            self._closing = True
            self._news.notify()
        try:
            while self._thread.is_alive():
                self._thread.join(SLICE_S)
        except BaseException:
            self._given_up = True  # Ctrl-C: the user does not want to wait
            raise

    def _run(self) -> None:
        with self._health.thread("sink") as activity:
            while line := self._next():
                activity.busy("write events")
                try:
                    if not self._write(memoryview(line)):
                        with self._news:
                            self.lost += 1 + len(self._waiting)
                            self._waiting.clear()
                            self._over = True
                        return
                except OSError as error:
                    self.error = error
                    return
                activity.idle()

    def _next(self) -> bytes | None:
        with self._news:
            self._news.wait_for(lambda: self._waiting or self._closing)
            return self._waiting.popleft() if self._waiting else None

    def _write(self, left: memoryview) -> bool:
        """Whether all of it was written before the time was over."""
        while left:
            if self._takes_some():
                left = left[os.write(self._descriptor, left[: select.PIPE_BUF]) :]  # so much never blocks where some can be written
            elif self._given_up or self._deadline.left_s(SHOW_S) == 0:
                return False
        return True

    def _takes_some(self) -> bool:
        return bool(select.select([], [self._descriptor], [], SLICE_S)[1])
