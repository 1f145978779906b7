"""A picture at many sizes: P-Net has one window of 12 px, and sees each face at the size at which it fills that."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

CELL_PX = 12
"""Side of P-Net's window, and so of the smallest face it can see at a level."""
STRIDE_PX = 2
NEARLY_TWICE = 1.9
"""From this ratio of sizes to 4 / 1.9 a linear resize takes each pixel from about the four it covers."""
FRAME = -1
"""As the source of a level: the picture itself."""
LARGE_PICTURE_PX = 25_000_000
"""Larger pictures are shrunk by cv2.INTER_AREA, slower, without a copy of twice the level's size: bounds memory."""


_INTERPOLATIONS = {"linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}


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


@dataclass(frozen=True, slots=True)
class Resize:
    """One resize of a picture."""

    height: int
    width: int
    """px, of what comes out."""
    kind: Literal["linear", "area"]
    """As cv2 has them. By area only to half, or from a picture of more than LARGE_PICTURE_PX."""


@dataclass(frozen=True, slots=True)
class LevelRecipe:
    """How a level is made."""

    source: int
    """From what: the number of an earlier level, or FRAME."""
    resizes: tuple[Resize, ...]
    """One after the other."""


def level_sizes(height: int, width: int, min_face_px: int, step: float) -> list[tuple[int, int]]:
    """(height, width) of each level in px, largest first; none where the picture is smaller than the smallest face."""
    sizes, scale = [], CELL_PX / min_face_px
    while min(height, width) * scale >= CELL_PX:
        sizes.append((math.ceil(height * scale - 1e-9), math.ceil(width * scale - 1e-9)))  # 1e-9: 400 * 0.6 must not round up
        scale *= step
    return sizes


def even(side: int) -> int:
    return side + side % 2


@functools.lru_cache(maxsize=32)
def level_recipes(height: int, width: int, sizes: tuple[tuple[int, int], ...]) -> tuple[LevelRecipe, ...]:
    """How a picture of (height, width) px becomes each of `sizes`, largest first: each pixel the mean of what it covers, nearly.

    Area resizing of every level from the picture (cv2.INTER_AREA) costs more than P-Net. A linear resize to half is the mean of four
    pixels, so a level is made from one about twice as large where there is one, and else from the picture by way of twice its own size:
    as many faces found, six times as fast.
    """
    recipes = []
    for number, wanted in enumerate(sizes):
        source = next((earlier for earlier in reversed(range(number)) if wanted[0] * NEARLY_TWICE <= sizes[earlier][0]), FRAME)
        recipes.append(LevelRecipe(source, tuple(_resizes((height, width) if source == FRAME else sizes[source], wanted))))
    return tuple(recipes)


def shrink(image: np.ndarray, sizes: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
    """The picture at each of `sizes` (height, width), largest first, as `level_recipes` says."""
    levels: list[np.ndarray] = []
    for recipe in level_recipes(image.shape[0], image.shape[1], tuple(sizes)):
        level = image if recipe.source == FRAME else levels[recipe.source]
        for step in recipe.resizes:
            level = cv2.resize(level, (step.width, step.height), interpolation=_INTERPOLATIONS[step.kind])
        levels.append(level)
        yield level


def _resizes(size: tuple[int, int], wanted: tuple[int, int]) -> Iterator[Resize]:
    """The steps from one (height, width) to another."""
    if size == wanted:
        return
    (height, width), (wanted_height, wanted_width) = size, wanted
    while height >= 4 * wanted_height:
        height, width = -(-height // 2), -(-width // 2)
        yield Resize(height, width, "linear")
    if NEARLY_TWICE * wanted_height <= height <= wanted_height * 4 / NEARLY_TWICE:
        yield Resize(wanted_height, wanted_width, "linear")
        return
    if height * width <= LARGE_PICTURE_PX:
        yield Resize(2 * wanted_height, 2 * wanted_width, "linear")
    yield Resize(wanted_height, wanted_width, "area")
