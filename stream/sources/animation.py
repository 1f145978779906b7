"""Animated GIF, APNG, WebP and AVIF: short videos. Pillow reads them, because FFmpeg knows no animated WebP and drops transparency."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from stream.errors import SourceError
from stream.frame import Frame, SourceInfo
from stream.sources.source import SourceStatus

SHORTEST_MS = 20
"""A shorter stay, or none, means `USUAL_MS`: so do all browsers."""

USUAL_MS = 100

TIME_BASE = Fraction(1, 1000)


class AnimationSource:
    """The frames of one animated picture, played once."""

    def __init__(self, address: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = Path(address)
        self._clock = clock
        self._closing = threading.Event()
        self.status = SourceStatus()
        try:
            with Image.open(self._path) as animation:
                width, height = animation.size
                rate = Fraction(1000, max(1, _stay_ms(animation)))
        except OSError as error:
            raise SourceError(f"{address}: cannot be read ({error.strerror or error}).") from error
        self.info = SourceInfo(name=address, width=width, height=height, rate=rate, path=self._path)

    def close(self) -> None:
        self._closing.set()

    def __iter__(self) -> Iterator[Frame]:
        self.status.state = "up"
        try:
            with Image.open(self._path) as animation:
                yield from self._frames(animation)
        finally:
            self.status.state = "ended"

    def _frames(self, animation: Image.Image) -> Iterator[Frame]:
        pts = index = 0
        while not self._closing.is_set():
            try:
                animation.seek(index)
                image = _over_white(animation)
            except EOFError:
                return
            except (OSError, ValueError, SyntaxError) as error:
                if index == 0:
                    raise SourceError(f"{self.info.name}: not one frame of it could be decoded.") from error
                self.status.notes.append(f"{self.info.name}: is damaged or cut off; its first {index} frames were used.")
                return
            yield Frame.of_image(image, source=self.info.name, index=index, pts=pts, time_base=TIME_BASE, captured_at=self._clock())
            pts += _stay_ms(animation)
            index += 1


def _stay_ms(animation: Image.Image) -> int:
    """How long the current frame is shown. Pillow knows it once the frame is decoded."""
    stay = round(animation.info.get("duration", 0))
    return stay if stay >= SHORTEST_MS else USUAL_MS


def _over_white(animation: Image.Image) -> np.ndarray:
    shown = animation.convert("RGBA")
    return np.array(Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB"))
