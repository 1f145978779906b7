"""Sources that begin again each time they end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from stream.frame import USUAL_RATE, Frame
from stream.sources.source import Source, SourceStatus


def repeated(begin: Callable[[], Iterable[Frame]], rate: Fraction | None) -> Iterator[tuple[Fraction, Frame]]:
    """The frames of one pass after another, until one gives none: each with its time in seconds since the first frame of the first pass.

    Args:
        begin: gives the frames of the next pass.
        rate: declared frames per second: between two passes lies one frame, which is as long as the one before, or so long.
    """
    pass_s, step_s = Fraction(0), 1 / (rate or USUAL_RATE)
    while True:
        first_s = last_s = None
        for frame in begin():
            time_s = frame.pts * frame.time_base
            first_s = time_s if first_s is None else first_s
            step_s = step_s if last_s is None else time_s - last_s
            last_s = time_s
            yield pass_s + last_s - first_s, frame
        if first_s is None or last_s is None:
            return
        pass_s += last_s - first_s + step_s


class RepeatSource:
    """A file or some pictures, opened anew each time they end, as one source whose time goes on."""

    def __init__(self, open_one: Callable[[], Source]) -> None:
        self._open_one = open_one
        self._closing = threading.Event()
        self._source = open_one()
        self._begun = False
        self.info = replace(self._source.info, has_audio=False, frames=None)  # the sound would not start again

    @property
    def status(self) -> SourceStatus:
        return self._source.status

    def close(self) -> None:
        self._closing.set()
        self._source.close()

    def __iter__(self) -> Iterator[Frame]:
        for index, (time_s, frame) in enumerate(repeated(self._pass, self.info.rate)):
            yield frame if self.info.still else replace(frame, index=index, pts=round(time_s / frame.time_base))

    def _pass(self) -> Iterable[Frame]:
        if self._closing.is_set():
            return ()
        if self._begun:
            self._source = self._open_one()
        self._begun = True
        return self._source
