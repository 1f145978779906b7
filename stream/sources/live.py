"""What all live sources share: trying again for ever, times that only grow, and ending within a second."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from stream.frame import Frame, SourceInfo
from stream.media import av
from stream.settings.schema import Settings, SourceSettings
from stream.sources.pyav_frame import Orientations, frame_of
from stream.sources.source import SourceStatus
from stream.sources.timeline import TIME_BASE, Timeline

logger = logging.getLogger(__name__)


LOOK_AFTER_S = 0.5
"""How long a pause may go on before the source says that it is still at it."""


class Lost(Exception):  # noqa: N818 - an event, not a fault of the program
    """There is no picture for the time being. The text is the cause, in a few words, without any password."""


class Over(Exception):  # noqa: N818 - the same
    """There will be no more pictures: the camera said so."""


@dataclass(frozen=True, slots=True)
class Alive:
    """No picture, but a sign that one is on its way."""

    cause: str = ""
    """Why there is none yet, in a few words."""
    patience_s: float = 0.0
    """The next ones of this connection may be so far apart, where that is more than `read_timeout_s`."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture as it came from a camera."""

    pixels: av.VideoFrame | np.ndarray
    """The decoder's own, or (height, width, 3) uint8 RGB."""
    arrived_at: float
    """`time.monotonic()` seconds."""
    camera_s: Fraction | None = None
    """The camera's own time in seconds, from any zero; None where it tells none."""
    decode_errors: int = 0
    """How much could not be decoded since the picture before."""


Connect = Callable[[threading.Event], Generator[Picture | Alive | None, None, None]]
"""Connects, then gives pictures, and None for each half second without one. Ends soon when the event is set.

Raises `Lost` when there is no connection (any more), `Over` when there never will be; ends when the camera ended the stream.
"""


class LiveSource:
    """A camera that never gives up: a first connection that fails is the same case as one that breaks off."""

    def __init__(
        self,
        info: SourceInfo,
        connect: Connect,
        settings: SourceSettings | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.info = info
        self.status = SourceStatus()
        self._connect = connect
        self._settings = settings or Settings().source
        self._clock = clock
        self._closing = threading.Event()
        self._timeline = Timeline()
        self._orientations = Orientations()
        self._index = 0
        self._causes: set[str] = set()
        """ProgressReporter since the source was last up: each is logged once."""
        self._last_at = 0.0
        """When the newest picture arrived."""

    def close(self) -> None:
        self._closing.set()

    def __iter__(self) -> Iterator[Frame]:
        longest_pause_s = self._settings.retry_min_s
        try:
            while not self._closing.is_set():
                before = self._index
                try:
                    yield from self._connection()
                    cause = "the stream ended"
                except Lost as lost:
                    cause = str(lost)
                except Over:
                    return
                if self._closing.is_set():
                    return
                self._say_lost(cause)
                if self._index > before:
                    longest_pause_s = self._settings.retry_min_s
                self._pause(random.uniform(self._settings.retry_min_s, longest_pause_s))
                longest_pause_s = max(self._settings.retry_min_s, min(self._settings.retry_max_s, 2 * longest_pause_s))
        finally:
            self.status.state = "ended"

    def _pause(self, seconds: float) -> None:
        until = self._clock() + seconds
        while (left_s := until - self._clock()) > 0 and not self._closing.wait(min(left_s, LOOK_AFTER_S)):
            self.status.seen_at = time.monotonic()

    def _connection(self) -> Iterator[Frame]:
        """The frames of one connection."""
        self._timeline.reconnect()
        self._orientations = Orientations()
        last = self._clock() + self._settings.open_timeout_s  # connecting has its own time
        patience_s = self._settings.read_timeout_s
        with closing(self._connect(self._closing)) as pictures:
            for picture in pictures:
                if self._closing.is_set():
                    return
                self.status.seen_at = time.monotonic()
                if isinstance(picture, Picture):
                    last = picture.arrived_at
                    yield self._frame(picture)
                elif picture is not None:
                    last, patience_s = self._clock(), max(patience_s, picture.patience_s)
                    if picture.cause and self.status.state != "up":
                        self.status.cause = picture.cause
                elif self._clock() - last > patience_s:
                    raise Lost("timed out: no picture came")

    def _frame(self, picture: Picture) -> Frame:
        pts = self._timeline.place(picture.camera_s, picture.arrived_at)
        name, index, pixels = self.info.name, self._index, picture.pixels
        self._index += 1
        if isinstance(pixels, np.ndarray):
            frame = Frame.of_image(pixels, source=name, index=index, pts=pts, time_base=TIME_BASE, captured_at=picture.arrived_at)
        else:
            lies = self._orientations.of(pixels)
            frame = frame_of(pixels, lies, source=name, index=index, pts=pts, time_base=TIME_BASE, captured_at=picture.arrived_at)
        if (frame.width, frame.height) != (self.info.width, self.info.height):
            self.info = replace(self.info, width=frame.width, height=frame.height)
        if self.status.state != "up":
            self._say_up(picture.arrived_at, again=index > 0)
        self._last_at = picture.arrived_at
        self.status.decode_errors += picture.decode_errors
        return frame

    def _say_up(self, now: float, *, again: bool) -> None:
        about = {"source": self.info.name}
        if self._causes and again:
            logger.warning("%s: is back after %.1f s.", self.info.name, now - self._last_at, extra=about)
        elif self._causes:
            logger.warning("%s: is there.", self.info.name, extra=about)
        self._causes.clear()
        self.status.reconnects += again
        self.status.cause = ""
        self.status.state = "up"

    def _say_lost(self, cause: str) -> None:
        if cause not in self._causes:
            self._causes.add(cause)
            logger.warning("%s: %s; trying again until it answers.", self.info.name, cause, extra={"source": self.info.name})
        self.status.cause = cause
        self.status.state = "lost"
