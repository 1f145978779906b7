"""A source that begins again each time it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from stream.frame import Frame
from stream.sources.source import Source, SourceStatus


class Again:
    """A file or some pictures, from the start again each time they end, as one source whose time goes on."""

    def __init__(self, open_one: Callable[[], Source]) -> None:
        self._open_one = open_one
        self._closing = threading.Event()
        self._source = open_one()
        self.info = replace(self._source.info, has_audio=False, frames=None)  # the sound would not start again

    @property
    def status(self) -> SourceStatus:
        return self._source.status

    def close(self) -> None:
        self._closing.set()
        self._source.close()

    def __iter__(self) -> Iterator[Frame]:
        index = pts = 0
        before, step = None, 1
        while not self._closing.is_set():
            begun_at, before = index, None
            for frame in self._source:
                step = step if before is None else frame.pts - before
                before, pts = frame.pts, pts + step
                yield frame if self.info.still else replace(frame, index=index, pts=pts)
                index += 1
            if index == begun_at:
                return
            self._source = self._open_one()
