"""Steps of the cascade on tensors of fixed shape, in `keras.ops`: what `boxes`, `crops` and `mtcnn.thin_cells` do on arrays.

B is frames of a batch, N places for candidates; an empty place has score -1 and a box of any kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from models import boxes as arrays

if TYPE_CHECKING:
    import keras

Tensor = Any
"""A tensor of Keras's backend."""


SHIFT_PX = float(arrays.regress(np.zeros((1, 4), np.float32), np.zeros((1, 4), np.float32))[0, 0])
"""How far `boxes.regress` moves a box that no network moved."""


class Halves(NamedTuple):
    """Frames, their halves, quarters and so on, all pixels in one row: `crops.Halves` for a batch."""

    pixels: Tensor
    """(pixels of all frames and halves, 3) uint8: first all frames, then all halves, and so on."""
    sizes: list[tuple[int, int]]
    """(height, width) of the frames, the halves and so on."""


def resize(pictures: Tensor, taps: Sequence[Tensor]) -> Tensor:
    """(B, h, w, 3) uint8 out of (B, H, W, 3) uint8 as cv2 does it, to the last bit. `taps` are a `compiled_layout.Resize`."""
    from keras import ops

    pixels = ops.cast(pictures, "int32")
    if not taps:
        batch, height, width, _ = pictures.shape
        fours = ops.sum(ops.reshape(pixels, (batch, height // 2, 2, width // 2, 2, 3)), axis=(2, 4))
        return ops.cast((fours + 2) // 4, "uint8")
    rows, columns = taps
    wide = sum(ops.take(pixels, columns[i], axis=2) * columns[i + 2][:, None] for i in (0, 1)) // 2**4
    both = sum(ops.take(wide, rows[i], axis=1) * rows[i + 2][:, None, None] // 2**16 for i in (0, 1))
    return ops.cast((both + 2) // 4, "uint8")


def thin(scores: Tensor) -> Tensor:
    """Suppression within each level, as `mtcnn.thin_cells` says.

    Args:
        scores: (B, rows, columns) float32 of the cells of P-Net, -1 where there is no candidate.

    Returns:
        The same, -1 also where a cell falls to a neighbour.
    """
    from keras import ops

    rows, columns = scores.shape[1:]

    def step(open_: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        padded = ops.pad(open_, ((0, 0), (1, 1), (1, 1)), constant_values=-1.0)
        around = [padded[:, y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
        best = open_ >= 0
        for earlier, later in zip(around[:4], around[5:], strict=True):
            best = best & (open_ > earlier) & (open_ >= later)  # of equal cells the first is the better
        padded = ops.pad(best, ((0, 0), (1, 1), (1, 1)))
        decided = best
        for y in range(3):
            for x in range(3):
                decided = decided | padded[:, y : y + rows, x : x + columns]
        return ops.where(decided, -1.0, open_), ops.where(best, open_, kept)

    return ops.while_loop(lambda open_, kept: ops.any(open_ >= 0), step, (scores, ops.full_like(scores, -1.0)))[1]


def suppress(boxes: Tensor, scores: Tensor, threshold: float, over: Literal["union", "smaller"] = "union") -> Tensor:
    """Greedy non-maximum suppression, as `boxes.nms`.

    All boxes at once: who has no better rival left stays, again until nothing changes. The best of all is right after the first round, and
    each round makes right whoever depends on nobody else, so the end is what going through them one by one gives; few rounds in practice.

    Args:
        boxes: (B, N, 4), best first.
        scores: (B, N), descending.
        threshold: largest overlap at which both boxes stay.
        over: what the shared area is divided by.

    Returns:
        The scores, -1 where a box falls.
    """
    from keras import ops

    corner, end = ops.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2]), ops.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    shared = ops.prod(ops.maximum(end - corner, 0.0), axis=-1)
    area = ops.prod(ops.maximum(boxes[..., 2:] - boxes[..., :2], 0.0), axis=-1)
    a, b = area[:, :, None], area[:, None, :]
    whole = a + b - shared if over == "union" else ops.minimum(a, b)
    overlap = ops.where(whole > 0, shared / ops.where(whole > 0, whole, 1.0), 0.0)
    order = ops.arange(scores.shape[1])
    falls_to = (overlap > threshold) & (order[:, None] > order[None, :])  # (B, N, N): row falls to column, if that stays
    valid = scores >= 0

    def step(stays: Tensor, changed: Tensor) -> tuple[Tensor, Tensor]:
        now = valid & ops.logical_not(ops.any(falls_to & stays[:, None, :], axis=2))
        return now, ops.any(now != stays)

    stays, _ = ops.while_loop(lambda stays, changed: changed, step, (valid, ops.any(valid)))
    return ops.where(stays, scores, -1.0)


def pick(values: Tensor, numbers: Tensor) -> Tensor:
    """(B, N, ...): of each frame's `values` (B, M, ...) those at `numbers` (B, N)."""
    from keras import ops

    batch, count, *rest = values.shape
    flat = ops.reshape(values, (batch * count, *rest))
    return ops.take(flat, numbers + (ops.arange(batch, dtype="int32") * count)[:, None], axis=0)


def best_first(scores: Tensor, *values: Tensor, places: int | None = None) -> tuple[Tensor, list[Tensor]]:
    """The `places` best (all by default) of (B, M) `scores`, descending, and theirs of `values` (B, M, ...). Equal keep order."""
    from keras import ops

    scores, numbers = ops.top_k(scores, min(places or scores.shape[1], scores.shape[1]))
    return scores, [pick(value, ops.cast(numbers, "int32")) for value in values]


def too_many(scores: Tensor, places: int) -> Tensor:
    """(B,) int32: how many of the candidates of (B, M) `scores` find no place."""
    from keras import ops

    return ops.maximum(ops.sum(ops.cast(scores >= 0, "int32"), axis=1) - places, 0)


def regress(boxes: Tensor, offsets: Tensor) -> Tensor:
    """As `boxes.regress`, on (B, N, 4)."""
    from keras import ops

    sides = boxes[..., 2:] - boxes[..., :2]
    return boxes + offsets * ops.concatenate([sides, sides], axis=-1) + SHIFT_PX


def square(boxes: Tensor) -> Tensor:
    """As `boxes.square`, on (B, N, 4)."""
    from keras import ops

    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    half = ops.max(boxes[..., 2:] - boxes[..., :2], axis=-1, keepdims=True) / 2
    return ops.concatenate([centres - half, centres + half], axis=-1)


def over_places(network: keras.Model, crops: Tensor) -> list[Tensor]:
    """The answers (B, N, ...) of a network to crops (B, N, size, size, 3)."""
    from keras import ops

    batch, count, *sides = crops.shape
    answers = network(ops.reshape(crops, (batch * count, *sides)), training=False)
    return [ops.reshape(answer, (batch, count, *answer.shape[1:])) for answer in answers]


def halve(frames: Tensor, resizes: Sequence[Sequence[Tensor]]) -> Halves:
    """Frames (B, H, W, 3) uint8 and what `resizes`, one after the other, make of them."""
    from keras import ops

    pictures = [frames]
    for taps in resizes:
        pictures.append(resize(pictures[-1], taps))
    pixels = ops.concatenate([ops.reshape(picture, (-1, 3)) for picture in pictures], axis=0)
    return Halves(pixels, [picture.shape[1:3] for picture in pictures])


def cut(halves: Halves, squares: Tensor, size_px: int) -> Tensor:
    """(B, N, size_px, size_px, 3) float32 of whole numbers 0..255: what is in squares (B, N, 4), as `crops.Halves.squares`."""
    from keras import ops

    batch = squares.shape[0]
    heights, widths = ([size[axis] for size in halves.sizes] for axis in (0, 1))
    sides = squares[..., 2] - squares[..., 0]
    halvings = sum(ops.cast(sides >= size_px * 2**times, "int32") for times in range(1, len(heights))) + ops.zeros_like(sides, "int32")
    starts = [batch * int(np.dot(heights[:times], widths[:times])) for times in range(len(heights))]
    start, height, width = (ops.take(np.array(table, np.int32), halvings)[..., None] for table in (starts, heights, widths))
    start = start + ops.arange(batch, dtype="int32")[:, None, None] * height * width

    along = (np.arange(size_px, dtype=np.float32) + 0.5) / size_px * sides[..., None]
    x = (squares[..., 0:1] + along) * (ops.cast(width, "float32") / widths[0]) - 0.5
    y = (squares[..., 1:2] + along) * (ops.cast(height, "float32") / heights[0]) - 0.5
    left, top = ops.floor(x), ops.floor(y)
    crops = 0.0
    for row, in_row in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, in_column in ((left, 1 - (x - left)), (left + 1, x - left)):
            in_row_there = ops.where((row >= 0) & (row < ops.cast(height, "float32")), in_row, 0.0)  # black outside
            in_column_there = ops.where((column >= 0) & (column < ops.cast(width, "float32")), in_column, 0.0)
            whole_row, whole_column = ops.clip(ops.cast(row, "int32"), 0, height - 1), ops.clip(ops.cast(column, "int32"), 0, width - 1)
            numbers = (start + whole_row * width)[..., :, None] + whole_column[..., None, :]
            share = in_row_there[..., :, None] * in_column_there[..., None, :]
            crops = crops + ops.cast(ops.take(halves.pixels, numbers, axis=0), "float32") * share[..., None]
    return ops.round(crops)
