"""A picture at many sizes: P-Net has one window of 12 px, and sees each face at the size at which it fills that."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

CELL_PX = 12
"""Side of P-Net's window, and so of the smallest face it can see at a level."""
STRIDE_PX = 2
NEARLY_TWICE = 1.9
"""From this ratio of sizes to 4 / 1.9 a linear resize takes each pixel from about the four it covers."""
LARGE_PICTURE_PX = 25_000_000
"""Larger pictures are shrunk by cv2.INTER_AREA, slower, without a copy of twice the level's size: bounds memory."""


@dataclass(frozen=True, slots=True)
class Level:
    """The picture at one size."""

    height: int
    width: int
    """px, as in the authors' code: rounded up."""
    rows: int
    columns: int
    """Cells of P-Net's answer."""
    first_cell: int
    """Number of its top left cell in the grid of all levels."""


def level_sizes(height: int, width: int, min_face_px: int, step: float) -> list[tuple[int, int]]:
    """(height, width) of each level in px, largest first; none where the picture is smaller than the smallest face."""
    sizes, scale = [], CELL_PX / min_face_px
    while min(height, width) * scale >= CELL_PX:
        sizes.append((math.ceil(height * scale - 1e-9), math.ceil(width * scale - 1e-9)))  # 1e-9: 400 * 0.6 must not round up
        scale *= step
    return sizes


def even(side: int) -> int:
    return side + side % 2


def shrink(image: np.ndarray, sizes: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
    """The picture at each of `sizes` (height, width), largest first, each pixel the mean of what it covers, nearly.

    Area resizing of every level from the picture (cv2.INTER_AREA) costs more than P-Net. A linear resize to half is the mean of four
    pixels, so a level is made from one about twice as large where there is one, and else from the picture by way of twice its own size:
    as many faces found, six times as fast.
    """
    levels: list[np.ndarray] = []
    for height, width in sizes:
        twice = next((level for level in reversed(levels) if height * NEARLY_TWICE <= level.shape[0]), image)
        levels.append(_resize(twice, height, width))
        yield levels[-1]


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image
    while image.shape[0] >= 4 * height:
        image = cv2.resize(image, (-(-image.shape[1] // 2), -(-image.shape[0] // 2)), interpolation=cv2.INTER_LINEAR)
    if NEARLY_TWICE * height <= image.shape[0] <= height * 4 / NEARLY_TWICE:
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    if image.shape[0] * image.shape[1] > LARGE_PICTURE_PX:
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    doubled = cv2.resize(image, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)
    return cv2.resize(doubled, (width, height), interpolation=cv2.INTER_AREA)
