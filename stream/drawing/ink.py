"""Ink: what is drawn on a picture, kept apart from it, so that it goes onto RGB and onto the planes of a video alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from stream.media import cv2

Color = tuple[int, int, int]
"""Red, green, blue; 0 to 255."""
Area = tuple[int, int, int, int]
"""x1, y1, x2, y2 in whole pixels, half-open."""

RED_AND_BLUE = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
"""The shares of red and blue in brightness, by the colour matrix's number in H.273: 709, FCC, 601 twice, 240M, 2020."""


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """A small picture to be laid upon a larger one: a `Mark`."""

    left: int
    """Where it goes, pixels of the larger picture; all of it lies inside."""
    top: int
    color: np.ndarray
    """(rows, columns, 3) uint8 RGB."""
    opacity: np.ndarray | None = None
    """(rows, columns) uint8: 0 leaves what is below, 255 hides it. None: 255 everywhere."""

    def paint_rgb(self, picture: np.ndarray) -> None:
        rows, columns = self.color.shape[:2]
        place = picture[self.top : self.top + rows, self.left : self.left + columns]
        if self.opacity is None:
            place[:] = self.color
        else:
            share = self.opacity[..., None].astype(np.float32) / 255
            place[:] = np.rint(place + (self.color - place.astype(np.float32)) * share)

    def paint_planes(self, planes: list[np.ndarray], matrix: int, *, full: bool) -> None:
        top, left = self.top % 2, self.left % 2  # grown to whole samples of colour, with ink that hides nothing
        rows, columns = self.color.shape[:2]
        around = (top, (top + rows) % 2, left, (left + columns) % 2)
        opacity = np.full((rows, columns), 255, np.uint8) if self.opacity is None else self.opacity
        share = cv2.copyMakeBorder(opacity, *around, cv2.BORDER_CONSTANT).astype(np.float32) / 255
        color = cv2.copyMakeBorder(cv2.transform(self.color, _to_yuv(matrix, full=full)), *around, cv2.BORDER_CONSTANT)
        values = color * share[..., None]
        _lay(planes[0], self.top - top, self.left - left, values[..., 0], share)
        halved_size = share.shape[1] // 2, share.shape[0] // 2
        halved, halved_share = (cv2.resize(one, halved_size, interpolation=cv2.INTER_AREA) for one in (values, share))
        for channel in (1, 2):
            _lay(planes[channel], self.top // 2, self.left // 2, halved[..., channel], halved_share)


def _lay(plane: np.ndarray, top: int, left: int, values: np.ndarray, share: np.ndarray) -> None:
    """`values` are multiplied by their share already. What reaches beyond the plane is nothing but padding."""
    place = plane[top : top + len(values), left : left + values.shape[1]]
    rows, columns = place.shape
    place[:] = np.rint(place * (1 - share[:rows, :columns]) + values[:rows, :columns])


@lru_cache(maxsize=16)
def _to_yuv(matrix: int, *, full: bool) -> np.ndarray:
    """(3, 4) float32: from bytes of R, G, B and a 1 to bytes of Y, U, V (ITU-T H.273, 8.3)."""
    red, blue = RED_AND_BLUE.get(matrix, RED_AND_BLUE[6])
    y = np.array([red, 1 - red - blue, blue])
    u = (np.array([0, 0, 1]) - y) / (2 * (1 - blue))
    v = (np.array([1, 0, 0]) - y) / (2 * (1 - red))
    luma, chroma, black = (1.0, 1.0, 0.0) if full else (219 / 255, 224 / 255, 16.0)
    return np.column_stack([np.stack([luma * y, chroma * u, chroma * v]), [black, 128.0, 128.0]]).astype(np.float32)
