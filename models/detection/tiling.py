"""Where P-Net looks: a pyramid's levels drawn on tiles, and the way back from a tile's cells to the picture.

P-Net's 12-px window moves in steps of 2 px, so a part of a level that starts at an even place and has even sides gives the same cells
wherever it lies. Levels are cut so that neighbouring parts share 10 px, and packed on tiles of one fixed size: whatever the picture's size,
the network sees one shape. Where a size comes again and again, a network for tiles made to its measure pays: all levels on one sheet as
wide as the first, cut into strips.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.detection.pyramid import CELL_PX, STRIDE_PX, Level, even, level_sizes, shrink

TILE_PX = 128
"""Side of a tile. Of 128 to 512 the least padding from 480p to 1080p: 1.2 to 1.35 tile pixels for each pixel of the pyramid."""
OVERLAP_PX = CELL_PX - STRIDE_PX
CACHED_TILES = 1000
"""Plans of more tiles than this (14 MB) are made anew each time rather than kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of a level and its place on a tile. All numbers are even px; the last row and column may lie just outside the level."""

    level: int
    y: int
    x: int
    height: int
    width: int
    tile: int
    tile_y: int
    tile_x: int


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How pictures of one size are looked at."""

    height: int
    width: int
    levels: tuple[Level, ...]
    parts: tuple[tuple[Part, ...], ...]
    """By tile."""
    tile_height: int
    tile_width: int
    """px, even."""
    cells: np.ndarray
    """(tiles, rows, columns) int32, as P-Net answers: the number of each cell in the grid of all levels, -1 where windows cross parts."""
    grid_size: int
    """Cells of all levels. Each row ends, and each level begins and ends, in spare cells: a cell ± a row ± 1 is a neighbour or spare."""

    def row_lengths(self, cells: np.ndarray) -> np.ndarray:
        """(N,) how far apart the cells above and below each of `cells` are in the grid."""
        return np.asarray(np.array([level.columns + 1 for level in self.levels], np.int64)[self._level_of(cells)])

    def boxes(self, cells: np.ndarray) -> np.ndarray:
        """(N, 4) float32: the windows that `cells` (N,) look at, in pixels of the picture."""
        of_level = self._level_of(cells)
        numbers = np.array(
            [(level.first_cell, level.columns + 1, self.width / level.width, self.height / level.height) for level in self.levels]
        ).reshape(-1, 4)
        first, row_length, scale_x, scale_y = numbers[of_level].T
        row, column = np.divmod(cells - first, row_length)
        corner = np.stack([column, row, column, row], axis=1) * STRIDE_PX + [0, 0, CELL_PX, CELL_PX]
        return np.asarray(corner * np.stack([scale_x, scale_y, scale_x, scale_y], axis=1), np.float32)

    def _level_of(self, cells: np.ndarray) -> np.ndarray:
        return np.asarray(np.searchsorted([level.first_cell for level in self.levels], cells, side="right") - 1)


def plan_pyramid(height: int, width: int, min_face_px: int, step: float, *, strips: int = 0) -> Plan:
    """The levels for a picture of that size: the first makes `min_face_px` 12 px, each next is `step` of the one before, down to 12 px.

    Args:
        height: of the picture, px.
        width: of the picture, px.
        min_face_px: smallest face to find.
        step: between 0 and 1.
        strips: 0 cuts the levels for tiles of TILE_PX. Else all levels lie on one sheet, cut into so many tiles, nearly a tenth less to
            look at.
    """
    area = (CELL_PX / min_face_px) ** 2 * height * width
    plan = _cached_plan if area < CACHED_TILES * TILE_PX**2 / 3 else _plan
    return plan(height, width, min_face_px, step, strips)


def _plan(height: int, width: int, min_face_px: int, step: float, strips: int) -> Plan:
    levels, first_cell = [], 0
    for level_height, level_width in level_sizes(height, width, min_face_px, step):
        rows, columns = (even(side) // STRIDE_PX - CELL_PX // STRIDE_PX + 1 for side in (level_height, level_width))
        first_cell += columns + 2
        levels.append(Level(level_height, level_width, rows, columns, first_cell))
        first_cell += rows * (columns + 1) + columns + 2
    tiles, tile_height, tile_width = _pack_strips(levels, strips) if strips and levels else (_pack(levels), TILE_PX, TILE_PX)
    cells = np.full((len(tiles), _cells(tile_height), _cells(tile_width)), -1, np.int32)
    for part in (part for tile in tiles for part in tile):
        level = levels[part.level]
        rows, columns = _cells(part.height), _cells(part.width)
        row = part.y // STRIDE_PX + np.arange(rows)[:, None]
        column = part.x // STRIDE_PX + np.arange(columns)
        top, left = part.tile_y // STRIDE_PX, part.tile_x // STRIDE_PX
        cells[part.tile, top : top + rows, left : left + columns] = level.first_cell + row * (level.columns + 1) + column
    return Plan(height, width, tuple(levels), tiles, tile_height, tile_width, cells, first_cell)


def _cells(side: int) -> int:
    """Of P-Net's answer to so many px."""
    return (side - CELL_PX) // STRIDE_PX + 1


_cached_plan = functools.lru_cache(maxsize=32)(_plan)


def _spans(side: int) -> list[tuple[int, int]]:
    """(start, length) of the parts that cover an even `side`: whole tiles and a rest, each sharing OVERLAP_PX with the next."""
    starts = range(0, max(side - OVERLAP_PX, 1), TILE_PX - OVERLAP_PX)
    return [(start, min(TILE_PX, side - start)) for start in starts]


def _pack(levels: Sequence[Level]) -> tuple[tuple[Part, ...], ...]:
    """Places every part of every level on a tile: largest first, each where its shorter side fits best."""
    wanted = [
        (number, y, x, height, width)
        for number, level in enumerate(levels)
        for y, height in _spans(even(level.height))
        for x, width in _spans(even(level.width))
    ]
    wanted.sort(key=lambda part: -max(part[3:]))
    tiles: list[list[Part]] = []
    spaces: list[tuple[int, int, int, int, int]] = []  # tile, y, x, height, width
    for number, y, x, height, width in wanted:
        fitting = [
            (min(space[3] - height, space[4] - width), i) for i, space in enumerate(spaces) if space[3] >= height and space[4] >= width
        ]
        if fitting:
            tile, top, left, space_height, space_width = spaces.pop(min(fitting)[1])
        else:
            tile, top, left, space_height, space_width = len(tiles), 0, 0, TILE_PX, TILE_PX
            tiles.append([])
        tiles[tile].append(Part(number, y, x, height, width, tile, top, left))
        wide = space_width - width > space_height - height
        below = (tile, top + height, left, space_height - height, width if wide else space_width)
        beside = (tile, top, left + width, space_height if wide else height, space_width - width)
        spaces += [space for space in (below, beside) if min(space[3:]) >= CELL_PX]
    return tuple(tuple(tile) for tile in tiles)


def _pack_strips(levels: Sequence[Level], count: int) -> tuple[tuple[tuple[Part, ...], ...], int, int]:
    """Places the levels uncut on one sheet and cuts that across: up to `count` tiles, each sharing OVERLAP_PX with the next.

    Returns:
        The parts of each tile; height and width of a tile.
    """
    sizes = [(even(level.height), even(level.width)) for level in levels]
    places, sheet_height, width = pack_shelves(sizes)
    rows = -(-_cells(sheet_height) // count)
    height = (rows - 1) * STRIDE_PX + CELL_PX
    tiles: list[tuple[Part, ...]] = []
    for top in range(0, _cells(sheet_height) * STRIDE_PX, rows * STRIDE_PX):
        parts = []
        for number, ((part_height, part_width), (y, x)) in enumerate(zip(sizes, places, strict=True)):
            first, last = max(y, top), min(y + part_height, top + height)
            if last - first >= CELL_PX:  # a lower rest holds no window that the tile before or after does not hold
                parts.append(Part(number, first - y, 0, last - first, part_width, len(tiles), first - top, x))
        tiles.append(tuple(parts))
    return tuple(tiles), height, width


def pack_shelves(sizes: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], int, int]:
    """Places rectangles (height, width), largest first, on shelves as wide as the first: places (y, x), height and width of it all."""
    width, bottom = sizes[0][1] if sizes else 0, 0
    places: list[tuple[int, int]] = []
    spaces: list[tuple[int, int, int, int]] = []  # y, x, height, width
    for tall, wide in sizes:
        space = next((space for space in spaces if space[2] >= tall and space[3] >= wide), None)
        if space is None:
            space = (bottom, 0, tall, width)
            bottom += tall
        else:
            spaces.remove(space)
        y, x, space_height, space_width = space
        places.append((y, x))
        spaces += [(y, x + wide, space_height, space_width - wide), (y + tall, x, space_height - tall, wide)]
    return places, bottom, width


def draw_tiles(image: np.ndarray, plan: Plan, at_a_time: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The tiles of one picture, drawn, each level made when the first tile needs it.

    Args:
        image: (H, W, 3) uint8 of the plan's size.
        plan: from `plan_pyramid`.
        at_a_time: the most tiles in a batch.

    Yields:
        (n, rows, columns) of the plan's cells, and the n tiles they lie on, (n, height, width, 3) uint8. Space without a part holds
        anything.
    """
    waiting = shrink(image, [(level.height, level.width) for level in plan.levels])
    levels: list[np.ndarray] = []
    for first in range(0, len(plan.parts), at_a_time):
        batch = plan.parts[first : first + at_a_time]
        tiles = np.empty((len(batch), plan.tile_height, plan.tile_width, 3), np.uint8)
        for part in (part for tile in batch for part in tile):
            while len(levels) <= part.level:
                levels.append(next(waiting))
            place = tiles[part.tile - first, part.tile_y : part.tile_y + part.height, part.tile_x : part.tile_x + part.width]
            _draw(levels[part.level], part, place)
        yield plan.cells[first : first + len(batch)], tiles


def _draw(picture: np.ndarray, part: Part, place: np.ndarray) -> None:
    """Copies a part to its place; an odd level's last row and column are drawn twice to make it even."""
    source = picture[part.y : part.y + part.height, part.x : part.x + part.width]
    height, width = source.shape[:2]
    place[:height, :width] = source
    if width < part.width:
        place[:height, width] = source[:, -1]
    if height < part.height:
        place[height] = place[height - 1]
