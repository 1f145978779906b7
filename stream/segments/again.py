"""Single frames of a file, decoded once more."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Generator

from stream.errors import SourceError
from stream.frame import Frame
from stream.segments.cut import Cut
from stream.segments.notes import picture_mark
from stream.segments.records import Records
from stream.sources.video_part import Stretch, frames_of

KEPT_PIXELS = 6e7
"""Of the newest frames so many pixels are kept: whoever asks for one asks for those around it, too."""


class Again:
    """Gives any frame that there are notes of."""

    def __init__(self, cut: Cut, records: Records) -> None:
        self.decoded = 0
        """Frames that had to be decoded so far."""
        self._cut, self._records = cut, records
        self._kept: OrderedDict[int, Frame] = OrderedDict()
        self._frames: Generator[Frame, None, None] | None = None
        self._at = 0
        """The time of the frame that was decoded last."""

    def at(self, pts: int) -> Frame:
        """The frame that is shown at that time, ticks.

        Raises:
            SourceError: it cannot be decoded alone.
        """
        if pts in self._kept:
            return self._kept[pts]
        key = self._records.keys[max(bisect_right(self._records.keys, pts) - 1, 0)]
        if self._frames is None or not key <= self._at < pts:
            self.close()
            self._frames = frames_of(self._cut.path, self._cut.info.name, Stretch(key, key, 0, key, 0, 0), onwards=True)
        for frame in self._frames:
            self.decoded += 1
            self._at = frame.pts
            self._keep(frame)
            if frame.pts == pts:
                if picture_mark(frame) != self._records.of(pts).mark:
                    break
                return frame
            if frame.pts > pts:
                break
        raise SourceError(f"{self._cut.info.name}: its picture at {float(pts * self._cut.time_base):.2f} s cannot be decoded by itself.")

    def close(self) -> None:
        if self._frames is not None:
            self._frames.close()
            self._frames = None

    def _keep(self, frame: Frame) -> None:
        self._kept[frame.pts] = frame
        while len(self._kept) > 1 and len(self._kept) * frame.width * frame.height > KEPT_PIXELS:
            self._kept.popitem(last=False)
