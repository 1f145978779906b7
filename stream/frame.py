"""A picture and the moment it belongs to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

T = TypeVar("T")

USUAL_RATE = Fraction(25)
"""Frames per second where a source declares none (FFmpeg's own assumption)."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known about a source before its pictures are looked at."""

    name: str
    """As the user would write it, without any password."""
    width: int = 0
    """Upright, pixels; 0 while unknown (a camera that has not answered yet, a folder of mixed pictures)."""
    height: int = 0
    live: bool = False
    """The pictures happen now: old ones lose their worth. False for files and pictures."""
    still: bool = False
    """Each frame is a picture of its own: no time passes from one to the next."""
    rate: Fraction | None = None
    """Frames per second, as declared: a hint for encoders, never a clock."""
    path: Path | None = None
    """The file, or the folder below which all pictures lie; None for cameras and addresses."""
    pictures: tuple[Path, ...] = ()
    """The files of the pictures, where each is one of its own."""
    has_audio: bool = False
    has_more: bool = False
    """The file holds something beside pictures and sound: subtitles, chapters, a cover, data."""
    frames: int | None = None
    """About how many there will be: for progress, never for counting."""
    pixel_aspect: Fraction | None = None
    """Width of a pixel of the upright picture relative to its height, as declared."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the file says about itself: title, artist, date ..."""
    picture_tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the file says about its pictures: language, title."""
    picture_flags: int = 0
    """What the file says its pictures are for: FFmpeg's bits (`av.stream.Disposition`)."""
    begins_anywhere: bool = False
    """Its clock was running when it began, as in a transport stream: when that was means nothing."""
    metadata: object | None = None
    """What a picture that is no file says besides its pixels (`Metadata` of `models.imaging`); that of files is read where it is needed."""
    file_name: str = ""
    """What a picture that is no file is called where it becomes one; empty for all others."""
    named: bool = False
    """`name` is one that the user gave it (`sources` in the settings): fit to be a file's."""


def upright(plane: np.ndarray, quarter_turns: int, *, mirrored: bool) -> np.ndarray:
    """(rows, columns, ...) with left and right exchanged if it is mirrored, then turned by 90° counter-clockwise so often. A view."""
    return np.rot90(plane[:, ::-1] if mirrored else plane, quarter_turns)


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on two pictures has no single answer
class Frame:
    """One upright picture and the moment it belongs to. Safe to share between threads."""

    source: str
    """The source's name; for pictures the picture's own path, as the user would write it."""
    index: int
    """0 for the first frame of the source; always 0 for pictures."""
    pts: int
    """Presentation time in `time_base` ticks. Strictly increasing within a source."""
    time_base: Fraction
    """Seconds per tick, exact. Never multiply a frame number by 1/fps instead."""
    captured_at: float
    """`time.monotonic()` seconds at which the picture arrived."""
    width: int
    """Upright, pixels."""
    height: int
    make_image: Callable[[], np.ndarray]
    """Gives the (height, width, 3) uint8 RGB array, on the first use of `image`, and again after `forget_image`."""
    decoded: object | None = None
    """The decoder's own picture (an `av.VideoFrame`, not yet turned upright), None where there was none."""
    quarter_turns: int = 0
    """How often `decoded` must be turned by 90° counter-clockwise (as `numpy.rot90` does) to be upright: 0..3."""
    mirrored: bool = False
    """Left and right of `decoded` must be exchanged before it is turned: what the front cameras of some phones write."""
    make_part: Callable[[int, int, int, int, int], np.ndarray | None] | None = None
    """Gives that part of the array, so many times smaller, without making all of it; None where it cannot."""
    make_luma: Callable[[], np.ndarray | None] | None = None
    """Gives the brightness of `decoded`, where it is kept apart from the colours."""
    _image: list[np.ndarray] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _made_of_it: dict[Callable[[Frame], object], object] = field(default_factory=dict, repr=False)

    @classmethod
    def of_image(
        cls,
        image: np.ndarray,
        *,
        source: str,
        captured_at: float,
        index: int = 0,
        pts: int = 0,
        time_base: Fraction = Fraction(1, 1000),
    ) -> Frame:
        """A frame around an array that exists already: (height, width, 3) uint8 RGB, upright."""
        height, width = image.shape[:2]
        return cls(source, index, pts, time_base, captured_at, width, height, lambda: image)

    @property
    def image(self) -> np.ndarray:
        """(height, width, 3) uint8, RGB. Read-only: several threads share it."""
        with self._lock:  # the worker and the renderer may ask at the same moment; converting twice costs more
            if not self._image:
                image = self.make_image()
                image.flags.writeable = False
                self._image.append(image)
            return self._image[0]

    def forget_image(self) -> None:
        """It is not wanted soon: where the decoder's picture is there, a third as large, it is made again of that."""
        if self.decoded is not None:
            with self._lock:
                self._image.clear()

    def once(self, make: Callable[[Frame], T]) -> T:
        """What `make` gives for this frame, which several want: made for the first of them."""
        if make not in self._made_of_it:
            self._made_of_it[make] = make(self)
        return cast("T", self._made_of_it[make])

    def part(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        """`image[top:bottom, left:right]`, to the bit, and cheaper where only that is wanted. Read-only; pixels inside the picture."""
        if not self._image and self.make_part is not None and (part := self.make_part(left, top, right, bottom, 1)) is not None:
            return part
        return self.image[top:bottom, left:right]

    def small_part(self, left: int, top: int, right: int, bottom: int, smaller: int) -> np.ndarray | None:
        """The same so many times smaller, each pixel the mean of a square, which is cheaper still. What does not fill a square at the right
        and at the bottom is left out. None where the decoder's picture does not allow that.
        """
        return self.make_part(left, top, right, bottom, smaller) if self.make_part is not None else None

    @property
    def brightness(self) -> np.ndarray:
        """(height, width) uint8: how bright each pixel is, roughly. A view."""
        luma = self.make_luma() if self.make_luma is not None else None
        return self.image[..., 1] if luma is None else self.upright(luma)

    def upright(self, plane: np.ndarray) -> np.ndarray:
        """A plane that lies as `decoded` does, (rows, columns, ...), made upright: a view."""
        return upright(plane, self.quarter_turns, mirrored=self.mirrored)

    @property
    def time_s(self) -> float:
        """Seconds since the zero of the source's own clock."""
        return self.pts * self.time_base.numerator / self.time_base.denominator  # the same to the bit as by way of a Fraction, sooner
