"""What hides a face: blurred, in coarse cells, or filled. Nothing of what lay below can be computed from it.

A face keeps so few cells, whatever its size, that they say next to nothing of it, and each is moved by noise, so that they are not those
that another picture of the face would give. A blur is the same cells, smoothed: a filter can be undone as far as its kernel leaves
something (McPherson, Shokri, Shmatikov 2016, recognise faces behind YouTube's blur), what was averaged to one number cannot. Cells and
noise stay with a face from frame to frame: averaging over time gives nothing either.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stream.drawing.ink import Area
from stream.faces import Hidden, HideShape, HideStyle
from stream.media import cv2

CELLS: dict[HideStyle, int] = {"blur": 4, "pixelate": 4}
"""Across a cover, which is nearly twice as wide as its face. Of 381 faces in photos for training our detector found again, blurred over 5
and 4 cells, .026 and none; in 8, 6 and 5 cells .005, none and none. Of 281 in five cells the nearest of 100 people was the right one in
.021, where chance gives .01."""
NOISE = 14.0
"""Grey levels, a standard deviation."""
COLOUR_NOISE = 3.0
"""The same of the two samples of colour in a video: little, as it is seen more."""
HALVED_FROM = 16
"""Pixels across a cell from which the picture is halved first, by means of four: cv2.INTER_AREA alone takes ten times as long."""
FILLED = 24
"""Grey of what is filled: dark, and no colour that anything below has."""
FAR = 1e8
"""Px: no picture is as large."""
SECRET = secrets.randbits(64)
"""Of this run: who knows the program does not know the noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Hides one place: a `Mark`."""

    area: Area
    """All of it, whole pixels; it may reach out of the picture."""
    style: HideStyle
    shape: HideShape
    key: int = 0
    """Of the noise."""

    def paint_rgb(self, picture: np.ndarray) -> None:
        height, width = picture.shape[:2]
        if (inside := _inside(self.area, width, height)) is None:
            return
        x1, y1, x2, y2 = inside
        place = picture[y1:y2, x1:x2]
        filling = np.full(place.shape, FILLED, np.uint8) if self.style == "fill" else self._mixed(place)
        cv2.copyTo(filling, self._mask(inside), place)

    def paint_planes(self, planes: list[np.ndarray], matrix: int, *, full: bool) -> None:
        del matrix  # what is mixed stays in its own colours, and grey is grey
        height, width = planes[0].shape
        if (inside := _inside(self.area, width, height)) is None:
            return
        x1, y1, x2, y2 = inside
        mask = self._mask(inside)
        grey = FILLED if full else round(16 + FILLED * 219 / 255)
        left, top, right, bottom = x1 // 2, y1 // 2, (x2 + 1) // 2, (y2 + 1) // 2
        halved = _halved(mask, x1 % 2, y1 % 2, right - left, bottom - top)
        for number, (plane, value) in enumerate(zip(planes, (grey, 128, 128), strict=True)):
            place = plane[y1:y2, x1:x2] if number == 0 else plane[top:bottom, left:right]
            filling = np.full(place.shape, value, np.uint8) if self.style == "fill" else self._mixed(place, number)
            cv2.copyTo(filling, mask if number == 0 else halved[: place.shape[0], : place.shape[1]], place)

    def _mixed(self, place: np.ndarray, channel: int = 0) -> np.ndarray:
        """The place as a few numbers, made large again."""
        height, width = place.shape[:2]
        columns, rows = self._cells(width, height, 1 if channel == 0 else 2)
        while place.shape[0] >= HALVED_FROM * rows and place.shape[1] >= HALVED_FROM * columns:
            place = cv2.resize(place, (-(-place.shape[1] // 2), -(-place.shape[0] // 2)), interpolation=cv2.INTER_LINEAR)
        small = cv2.resize(place, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)
        noise = np.random.default_rng([SECRET, self.key, channel]).normal(0, NOISE if channel == 0 else COLOUR_NOISE, (rows, columns))
        small += (noise[..., None] if small.ndim == 3 else noise).astype(np.float32)
        cells = np.clip(small, 0, 255).astype(np.uint8)
        if self.style == "pixelate":
            return cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST)
        return cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)

    def _cells(self, width: int, height: int, samples_px: int) -> tuple[int, int]:
        """Columns and rows of cells for a part of the area, in samples of so many px. They are as large as those of all of it: of a face
        at the picture's edge no more is left.
        """
        x1, y1, x2, y2 = self.area
        side = min(x2 - x1, y2 - y1) / CELLS[self.style] / samples_px
        return max(1, min(width, round(width / side))), max(1, min(height, round(height / side)))

    def _mask(self, inside: Area) -> np.ndarray:
        """(rows, columns) uint8: 255 where the part of the area that lies in the picture is covered."""
        x1, y1, x2, y2 = self.area
        left, top, right, bottom = inside
        return _shape(x2 - x1, y2 - y1, self.shape, (left - x1, top - y1, right - x1, bottom - y1))


def covers(hidden: Hidden | None, width: int, height: int) -> Sequence[Cover]:
    """What hides all that is to be hidden in a picture of that size."""
    if hidden is None:
        return ()
    if hidden.whole:
        return (Cover((0, 0, width, height), hidden.style, "rectangle"),)
    made = []
    for number, area in enumerate(hidden.areas):
        x1, y1 = np.floor(np.clip(area[:2], -FAR, FAR)).astype(int).tolist()
        x2, y2 = np.ceil(np.clip(area[2:], -FAR, FAR)).astype(int).tolist()
        if _inside((x1, y1, x2, y2), width, height) is not None:
            made.append(Cover((x1, y1, x2, y2), hidden.style, hidden.shape, hidden.keys[number] if hidden.keys else 0))
    return made


def _inside(area: Area, width: int, height: int) -> Area | None:
    x1, y1, x2, y2 = max(0, area[0]), max(0, area[1]), min(width, area[2]), min(height, area[3])
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


@lru_cache(maxsize=8)
def _shape(width: int, height: int, shape: HideShape, part: Area) -> np.ndarray:
    left, top, right, bottom = part
    mask = np.zeros((bottom - top, right - left), np.uint8)
    if shape == "rectangle":
        mask[:] = 255
    else:
        y, x = np.ogrid[top:bottom, left:right]
        np.multiply(((2 * x + 1 - width) / width) ** 2 + ((2 * y + 1 - height) / height) ** 2 <= 1, 255, out=mask, casting="unsafe")
    mask.flags.writeable = False
    return mask


def _halved(mask: np.ndarray, left: int, top: int, columns: int, rows: int) -> np.ndarray:
    """For samples of colour, of which each covers four pixels: covered where one of them is."""
    whole = np.zeros((2 * rows, 2 * columns), np.uint8)
    whole[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    either = whole[::2] | whole[1::2]
    return np.asarray(either[:, ::2] | either[:, 1::2])
