"""A video file in place of a camera: at its own pace, over and over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from stream.frame import Frame
from stream.sources.live import LOOK_AFTER_S
from stream.sources.repeat import repeated
from stream.sources.source import Source, SourceStatus
from stream.sources.timeline import TIME_BASE

GIVEN_UP_S = 1.0
"""A machine that is later than this no longer tries to catch up (a guess)."""


class LoopSource:
    """A live source that plays a file until it is closed. It has no sound: its time and the file's are two."""

    def __init__(
        self,
        file: Source,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """
        Args:
            file: read from its start again and again.
            wait: sleeps for so many seconds, or until `close()`.
        """
        self._file = file
        self._clock = clock
        self._closing = threading.Event()
        self._wait = wait or self._closing.wait
        self.status = SourceStatus()
        self.info = replace(file.info, live=True, frames=None, has_audio=False)

    def close(self) -> None:
        self._closing.set()
        self._file.close()

    def __iter__(self) -> Iterator[Frame]:
        begun = started = self._clock()
        last = -1
        try:
            for index, (exact_s, frame) in enumerate(repeated(self._pass, self.info.rate)):
                time_s = float(exact_s)
                while (ahead_s := started + time_s - self._clock()) > 0 and not self._closing.is_set():
                    self._wait(min(ahead_s, LOOK_AFTER_S))
                    self.status.seen_at = time.monotonic()
                if self._closing.is_set():
                    return
                now = self._clock()
                if -ahead_s > GIVEN_UP_S:
                    started = now - time_s
                last = max(round((started - begun + time_s) / TIME_BASE), last + 1)
                self.status.state, self.status.seen_at = "up", time.monotonic()
                yield replace(frame, source=self.info.name, index=index, pts=last, time_base=TIME_BASE, captured_at=now)
        finally:
            self.status.state = "ended"

    def _pass(self) -> Source:
        """The file, for one more pass. What it had to say is said once, and not in each."""
        notes, self._file.status.notes = self._file.status.notes, []
        self.status.notes += [note for note in notes if note not in self.status.notes]
        return self._file
