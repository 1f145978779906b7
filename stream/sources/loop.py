"""A video file in place of a camera: at its own pace, over and over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from stream.frame import Frame
from stream.sources.live import LOOK_AFTER_S
from stream.sources.source import Source, SourceStatus
from stream.sources.timeline import TIME_BASE

USUAL_STEP_S = 0.04
"""Between the last frame of one pass and the first of the next, where the file has a single frame and declares no rate."""
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
            for index, (time_s, frame) in enumerate(self._endless()):
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

    def _endless(self) -> Iterator[tuple[float, Frame]]:
        """Each frame and its time in seconds since the first frame of the first pass."""
        pass_s = 0.0
        step_s = float(1 / self.info.rate) if self.info.rate else USUAL_STEP_S
        while not self._closing.is_set():
            first_s = last_s = None
            for frame in self._file:
                first_s = frame.time_s if first_s is None else first_s
                if last_s is not None:
                    step_s = frame.time_s - last_s
                last_s = frame.time_s
                yield pass_s + last_s - first_s, frame
            if first_s is None or last_s is None:
                return  # closed, or the file has become empty
            self._note()
            pass_s += last_s - first_s + step_s

    def _note(self) -> None:
        """What the file has to say, once and not in each pass."""
        notes, self._file.status.notes = self._file.status.notes, []
        self.status.notes += [note for note in notes if note not in self.status.notes]
