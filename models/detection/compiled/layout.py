"""What `compiled_cascade` knows before the first frame: how frames of one size become levels on a canvas, and crops of squares of any side.

Everything is a table, so that a compiled function only looks up, multiplies and adds. Levels are those of `pyramid.shrink` to the last bit,
as cv2 makes them. Crops are those of `crops.crop_squares`, but for squares from twice the crop's side on: on the CPU those shrink in steps
and are rounded after each.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.detection.pyramid import CELL_PX, FRAME, STRIDE_PX, Resize, even, level_recipes
from models.detection.tiling import pack_shelves, plan_pyramid

COEFFICIENT_BITS = 11
"""A linear resize of uint8 in cv2 weighs pixels in parts of 2048."""

ResizeTables = tuple[np.ndarray, ...]
"""One resize of a picture. Empty: to exactly half, each pixel the rounded mean of four. Else linear, as taps of rows and of columns.

Taps are (4, n) int32: for each of n pixels, which two it is made from, and in what parts of 2048.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """All levels of frames of one size, side by side on one canvas. A frame too small for the smallest face has no levels."""

    sources: tuple[int, ...]
    """From what each level is made: the number of an earlier level, or FRAME."""
    resizes: tuple[tuple[ResizeTables, ...], ...]
    """By level, the steps from its source."""
    pixels: np.ndarray
    """(canvas height, canvas width) int32, both even: which pixel of all levels, one after the other, each pixel of the canvas shows."""
    is_cell: np.ndarray
    """(rows, columns) bool: the cells of P-Net's answer whose windows lie within one level. Cells of two levels are never neighbours."""
    boxes: np.ndarray
    """(rows, columns, 4) float32: the window of each cell, in pixels of the frame."""


def plan_layout(height: int, width: int, min_face_px: int, step: float) -> Layout:
    """The layout for frames of that size; levels and windows are those of `plan_pyramid`."""
    plan = plan_pyramid(height, width, min_face_px, step)
    levels = plan.levels
    places, canvas_height, canvas_width = pack_shelves([(even(level.height), even(level.width)) for level in levels])
    pixels = np.zeros((canvas_height, canvas_width), np.int32)
    is_cell = np.zeros([max((side - CELL_PX) // STRIDE_PX + 1, 0) for side in pixels.shape], bool)
    boxes = np.zeros((*is_cell.shape, 4), np.float32)
    first_pixel = 0
    for level, (y, x) in zip(levels, places, strict=True):
        row, column = (np.minimum(np.arange(even(side)), side - 1) for side in (level.height, level.width))
        pixels[y : y + len(row), x : x + len(column)] = first_pixel + row[:, None] * level.width + column
        first_pixel += level.height * level.width
        at = np.s_[y // STRIDE_PX :, x // STRIDE_PX :]
        numbers = level.first_cell + np.arange(level.rows)[:, None] * (level.columns + 1) + np.arange(level.columns)
        is_cell[at][: level.rows, : level.columns] = True
        boxes[at][: level.rows, : level.columns] = plan.boxes(numbers.reshape(-1)).reshape(*numbers.shape, 4)
    recipes = level_recipes(height, width, tuple((level.height, level.width) for level in levels))
    sizes = {FRAME: (height, width)} | {i: (level.height, level.width) for i, level in enumerate(levels)}
    resizes = tuple(_resize_tables(sizes[recipe.source], recipe.resizes) for recipe in recipes)
    return Layout(tuple(recipe.source for recipe in recipes), resizes, pixels, is_cell, boxes)


def _resize_tables(size: tuple[int, int], resizes: Sequence[Resize]) -> tuple[ResizeTables, ...]:
    """The steps of a `LevelRecipe` from a picture of (height, width) px on."""
    sizes = [size, *((step.height, step.width) for step in resizes)]
    return tuple(_tables_of(step, before) for step, before in zip(resizes, sizes, strict=False))


def _tables_of(step: Resize, size: tuple[int, int]) -> ResizeTables:
    if size == (2 * step.height, 2 * step.width):
        return ()  # where a linear resize and one by area are the same, in cv2 too
    if step.kind == "area":
        raise ValueError(f"a picture of {size[1]}×{size[0]} px is shrunk by area, which has no table; LARGE_PICTURE_PX bounds it")
    return _taps(size[0], step.height), _taps(size[1], step.width)


def _taps(side: int, wanted: int) -> np.ndarray:
    """(4, wanted) int32, see `ResizeTables`."""
    place = ((np.arange(wanted) + 0.5) * (side / wanted) - 0.5).astype(np.float32)
    low = np.floor(place)
    share = place - low
    parts = [np.rint(part * np.float32(2**COEFFICIENT_BITS)) for part in (1 - share, share)]
    return np.stack([np.clip(low, 0, side - 1), np.clip(low + 1, 0, side - 1), *parts]).astype(np.int32)


@functools.lru_cache(maxsize=4)
def crop_tables(size_px: int, largest_px: int) -> tuple[np.ndarray, np.ndarray]:
    """How `crops.crop_squares` shrinks or grows squares of each side, along one axis.

    Args:
        size_px: side of the crops.
        largest_px: side of the largest square.

    Returns:
        first (largest_px + 1, size_px) int32: by side and pixel of the crop, the first pixel of the square that counts for it;
        weights (largest_px + 1, size_px, taps) float32: how much it and the following count. Side 0 is empty.
    """
    firsts, weights = [np.zeros(size_px, np.int64)], [np.zeros((size_px, 1))]
    row = np.arange(size_px)[:, None]
    for side in range(1, largest_px + 1):
        if side < 4 * size_px:
            matrix = _shrinking_matrix(side, size_px) if side > size_px else _linear_matrix(side, size_px)
            first = (matrix > 0).argmax(axis=1)
            columns = first[:, None] + np.arange((matrix > 0).sum(axis=1).max())
            mine = np.where(columns < side, matrix[row, np.minimum(columns, side - 1)], 0)
        else:  # halved first, as crop_squares does
            half = -(-side // 2)
            pixels = np.minimum(firsts[half][:, None] + np.arange(weights[half].shape[1]), half - 1)
            low, share = _linear_taps(pixels, side, half)
            first = low[:, 0]
            mine = np.zeros((size_px, 2 * weights[half].shape[1] + 2))
            np.add.at(mine, (row, low - first[:, None]), weights[half] * (1 - share))
            np.add.at(mine, (row, low - first[:, None] + 1), weights[half] * share)
            mine = mine[:, : np.flatnonzero(mine.any(axis=0)).max() + 1]
        firsts.append(first)
        weights.append(mine)
    table = np.zeros((largest_px + 1, size_px, max(mine.shape[1] for mine in weights)), np.float32)
    for side, mine in enumerate(weights):
        table[side, :, : mine.shape[1]] = mine
    return np.array(firsts, np.int32), table


def grown_tables(size_px: int) -> np.ndarray:
    """How `crops.crop_squares` grows squares of sides up to `size_px`, in the whole numbers that cv2 counts in.

    Returns:
        (size_px + 1, 3, size_px, size_px) float32: by side, what pixels count across, in parts of 2048; what the upper of two rows counts;
        what the lower counts. Each is by pixel of the crop and pixel of the square.
    """
    tables = np.zeros((size_px + 1, 3, size_px, size_px), np.float32)
    pixel = np.arange(size_px)
    for side in range(1, size_px + 1):
        low, high, low_parts, high_parts = _taps(side, size_px)
        across, upper, lower = tables[side]
        across[pixel, low] += low_parts
        across[pixel, high] += high_parts
        upper[pixel, low], lower[pixel, high] = low_parts, high_parts
    return tables


def _linear_matrix(side: int, wanted: int) -> np.ndarray:
    """(wanted, side): cv2.INTER_LINEAR along one axis."""
    low, share = _linear_taps(np.arange(wanted), side, wanted)
    matrix = np.zeros((wanted, side))
    matrix[np.arange(wanted), low] = 1 - share
    matrix[np.arange(wanted), np.minimum(low + 1, side - 1)] += share
    return matrix


def _shrinking_matrix(side: int, wanted: int) -> np.ndarray:
    """(wanted, side): how `crops.crop_squares` shrinks to more than a quarter along one axis."""
    if side < 2 * wanted:
        return _area_matrix(side, wanted)
    return np.asarray(_area_matrix(2 * wanted, wanted) @ _linear_matrix(side, 2 * wanted))


def _area_matrix(side: int, wanted: int) -> np.ndarray:
    """(wanted, side), wanted <= side: cv2.INTER_AREA along one axis, the mean of what each pixel covers."""
    edges = np.arange(wanted + 1)[:, None] * (side / wanted)
    pixel = np.arange(side)
    covered = np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel)
    return np.asarray(np.maximum(covered, 0) * (wanted / side))


def _linear_taps(pixels: np.ndarray, side: int, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """For `pixels` of the result: the first of the two pixels each is made from, and the share of the second."""
    place = np.clip((pixels + 0.5) * (side / wanted) - 0.5, 0, side - 1)
    low = place.astype(np.int64)
    return low, place - low
