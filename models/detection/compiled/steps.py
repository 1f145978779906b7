"""Steps of the cascade on tensors of fixed shape, in `keras.ops`: what `boxes`, `crops` and `thin_cells` do on arrays.

B is frames of a batch, N places for candidates; an empty place has score -1 and a box of any kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import keras

Tensor = Any
"""A tensor of Keras's backend."""


class CropTables(NamedTuple):
    """How a square of any side becomes a crop: `layout.crop_tables`."""

    first: Tensor
    """(sides, size_px) int32."""
    weights: Tensor
    """(sides, size_px, taps) float32."""
    grown: Tensor
    """(size_px + 1, 3, size_px, size_px) float32: `layout.grown_tables`."""


def resize(pictures: Tensor, taps: Sequence[Tensor]) -> Tensor:
    """(B, h, w, 3) uint8 out of (B, H, W, 3) uint8 as cv2 does it, to the last bit. `taps` are a `layout.ResizeTables`."""
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
    """Suppression within each level, as `thin_cells` says.

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
    return boxes + offsets * ops.concatenate([sides, sides], axis=-1)


def whole_squares(boxes: Tensor) -> Tensor:
    """As `crops.whole_squares` without a margin, on (B, N, 4)."""
    from keras import ops

    side = ops.max(boxes[..., 2:] - boxes[..., :2], axis=-1, keepdims=True)
    corner = ops.round((boxes[..., :2] + boxes[..., 2:]) / 2 - side / 2)
    return ops.concatenate([corner, corner + ops.maximum(ops.round(side), 1.0)], axis=-1)


def over_places(network: keras.Model, crops: Tensor) -> list[Tensor]:
    """The answers (B, N, ...) of a network to crops (B, N, size, size, 3)."""
    from keras import ops

    batch, count, *sides = crops.shape
    answers = network(ops.reshape(crops, (batch * count, *sides)), training=False)
    return [ops.reshape(answer, (batch, count, *answer.shape[1:])) for answer in answers]


def cut(
    frames: Tensor, squares: Tensor, scores: Tensor, tables: CropTables, places: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Finds places for the best candidates and cuts them, as `crops.crop_squares`.

    Args:
        frames: (B, H, W, 3) uint8.
        squares: (B, M, 4) float32, whole numbers.
        scores: (B, M).
        tables: for the size of the crops.
        places: for how many small squares, with sides below four times the crop's, and for how many larger ones, each of which costs a
            product of matrices with the whole frame.

    Returns:
        squares (B, N, 4), scores (B, N), crops (B, N, size, size, 3) float32 of whole numbers 0..255; (B,) int32 how many found no place.
    """
    from keras import ops

    size = tables.first.shape[1]
    small = squares[..., 2] - squares[..., 0] < 4 * size
    parts, dropped = [], []
    for mine, count, how in ((small, places[0], _cut_small), (ops.logical_not(small), places[1], _cut_large)):
        my_scores = ops.where(mine, scores, -1.0)
        dropped.append(too_many(my_scores, count))
        my_scores, (my_squares,) = best_first(my_scores, squares, places=count)
        corner = ops.cast(my_squares[..., :2], "int32")
        side = ops.clip(ops.cast(my_squares[..., 2] - my_squares[..., 0], "int32"), 1, tables.first.shape[0] - 1)
        parts.append((my_squares, my_scores, ops.round(how(frames, corner[..., 0], corner[..., 1], side, tables))))
    squares, scores, crops = (ops.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    return squares, scores, crops, dropped[0] + dropped[1]


def _cut_small(frames: Tensor, x: Tensor, y: Tensor, side: Tensor, tables: CropTables) -> Tensor:
    """(B, N, size, size, 3): a patch as large as the largest square at each corner, then two products of small matrices."""
    from keras import ops

    batch, height, width, _ = frames.shape
    length = 4 * tables.first.shape[1] - 1
    rows, columns = (start[..., None] + ops.arange(length, dtype="int32") for start in (y, x))
    frame = ops.arange(batch, dtype="int32")[:, None, None] * height
    numbers = ((frame + ops.clip(rows, 0, height - 1)) * width)[..., :, None] + ops.clip(columns, 0, width - 1)[..., None, :]
    patches = ops.cast(ops.take(ops.reshape(frames, (-1, 3)), numbers, axis=0), "float32")
    vertical = _matrices(y, side, tables, y, length, height)
    horizontal = _matrices(x, side, tables, x, length, width)
    crops = ops.einsum("bnpw,bnowc->bnopc", horizontal, ops.einsum("bnoh,bnhwc->bnowc", vertical, patches))

    size = tables.first.shape[1]
    inside = ((rows >= 0) & (rows < height))[..., :size, None] & ((columns >= 0) & (columns < width))[..., None, :size]
    patches = ops.where(inside[..., None], patches[:, :, :size, :size], 0.0)
    grows = (side <= size)[..., None, None, None]
    return ops.where(grows, _grow(patches, ops.take(tables.grown, ops.minimum(side, size), axis=0)), crops)


def _grow(patches: Tensor, tables: Tensor) -> Tensor:
    """cv2.INTER_LINEAR of uint8, as `resize`, on patches (B, N, size, size, 3) float32 that begin with the square."""
    from keras import ops

    across, upper, lower = (tables[:, :, i] for i in range(3))
    wide = ops.floor(ops.einsum("bnpw,bnhwc->bnhpc", across, patches) / 2**4)
    halves = sum(ops.floor(ops.einsum("bnoh,bnhpc->bnopc", rows, wide) / 2**16) for rows in (upper, lower))
    return ops.floor((halves + 2) / 4)


def _cut_large(frames: Tensor, x: Tensor, y: Tensor, side: Tensor, tables: CropTables) -> Tensor:
    """(B, N, size, size, 3): two products with the whole frame, whatever the sides."""
    from keras import ops

    _, height, width, _ = frames.shape
    vertical = _matrices(y, side, tables, ops.zeros_like(y), height, height)
    horizontal = _matrices(x, side, tables, ops.zeros_like(x), width, width)
    return ops.einsum("bnpw,bnowc->bnopc", horizontal, ops.einsum("bnoh,bhwc->bnowc", vertical, ops.cast(frames, "float32")))


def _matrices(corner: Tensor, side: Tensor, tables: CropTables, start: Tensor, length: int, limit: int) -> Tensor:
    """(B, N, size, length): how much each of `length` pixels from `start` (B, N) on counts for each pixel of the crop, along one axis.

    The square begins at `corner` (B, N) and is `side` (B, N) long. Pixels before 0 and from `limit` on are outside: black.
    """
    from keras import ops

    first = ops.take(tables.first, side, axis=0) + corner[..., None]
    weights = ops.take(tables.weights, side, axis=0)
    taps = weights.shape[-1]
    pixel = start[..., None, None] + ops.arange(length, dtype="int32")
    tap = pixel - first[..., None]
    counts = (tap >= 0) & (tap < taps) & (pixel >= 0) & (pixel < limit)
    return ops.where(counts, ops.take_along_axis(weights, ops.clip(tap, 0, taps - 1), axis=-1), 0.0)
