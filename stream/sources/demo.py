"""A camera for those who have none: it moves over a portrait, as if someone walked past it with a phone."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from models.imaging.pictures import read_picture
from models.imaging.portrait import portrait_path
from stream.frame import Frame, SourceInfo
from stream.media import cv2
from stream.sources.source import SourceStatus

FACE_CENTRE = (245.0, 150.0)
"""Of the portrait (Grace Hopper's, 512×600, public domain, shipped by matplotlib), px."""

CYCLE_S = 12.0
"""After so long everything repeats."""

AWAY_S = (8.0, 11.0)
"""In this part of each cycle the camera looks aside; the face is out of sight for about its middle half."""

AWAY_PX = 900.0
"""How far aside, in pixels of the portrait."""

WALL = (92, 104, 110)
"""RGB of what is around the portrait."""


class DemoSource:
    """A live source of smooth pictures with one face, mostly."""

    def __init__(
        self,
        seconds: float | None = None,
        *,
        rate: int = 30,
        size: tuple[int, int] = (854, 480),
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """
        Args:
            seconds: how long it goes on; None: until closed.
            rate: frames/s. A reader that is late misses frames, as with every camera.
            size: width and height, px.
            wait: sleeps for so many seconds, or until `close()`.
        """
        self._seconds = seconds
        self._size = size
        self._clock = clock
        self._closing = threading.Event()
        self._wait = wait or self._closing.wait
        self._portrait = read_picture(portrait_path())
        self.status = SourceStatus()
        self.info = SourceInfo(name="demo", width=size[0], height=size[1], live=True, rate=Fraction(rate))

    def close(self) -> None:
        self._closing.set()

    def __iter__(self) -> Iterator[Frame]:
        rate = self.info.rate or Fraction(30)
        tick = index = 0
        started = self._clock()
        self.status.state = "up"
        try:
            while not self._closing.is_set() and (self._seconds is None or tick / rate < self._seconds):
                ahead_s = started + float(tick / rate) - self._clock()
                if ahead_s > 0:
                    self._wait(ahead_s)
                    continue
                image = self.look(float(tick / rate))
                yield Frame.of_image(image, source="demo", index=index, pts=tick, time_base=1 / rate, captured_at=self._clock())
                index += 1
                tick = max(tick + 1, math.ceil((self._clock() - started) * rate))
        finally:
            self.status.state = "ended"

    def look(self, time_s: float) -> np.ndarray:
        """(height, width, 3) uint8 RGB: what the camera sees at a time."""
        width, height = self._size
        phase = 2 * math.pi * time_s / CYCLE_S
        zoom = height / 480 * (1.05 + 0.35 * math.sin(phase))
        tilt = math.radians(6 * math.sin(2 * phase))
        x = FACE_CENTRE[0] + 110 * math.sin(2 * phase) + AWAY_PX * _aside(time_s % CYCLE_S)
        y = FACE_CENTRE[1] + 40 + 45 * math.sin(3 * phase)
        cos, sin = zoom * math.cos(tilt), zoom * math.sin(tilt)
        to_view = np.array([[cos, -sin, width / 2 - cos * x + sin * y], [sin, cos, height / 2 - sin * x - cos * y]])
        interpolation = cv2.INTER_LINEAR if zoom > 0.7 else cv2.INTER_AREA
        return cv2.warpAffine(self._portrait, to_view, self._size, flags=interpolation, borderMode=cv2.BORDER_CONSTANT, borderValue=WALL)


def _aside(time_s: float) -> float:
    """0 while the camera looks at the face, up to 1 and back while it looks away, without a jerk."""
    start, end = AWAY_S
    if not start < time_s < end:
        return 0.0
    return math.sin(math.pi * (time_s - start) / (end - start)) ** 2
