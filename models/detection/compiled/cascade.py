"""The whole cascade of `mtcnn` as one compiled function for frames of one size: frames go up once, boxes come down once.

Written in `keras.ops`, so that any backend of Keras compiles it. Shapes are fixed, so each step has a fixed number of places for what it
keeps; what finds no place is dropped, worst scores first, and counted. An empty place has score -1. In shapes, B is frames of a batch,
N places of a step.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from models.detection.cascade import NMS_OVERLAP, ONET_PX, REPORTED_SHIFT_PX, RNET_PX
from models.detection.compiled import steps
from models.detection.compiled.layout import crop_tables, grown_tables, plan_layout
from models.detection.compiled.steps import CropTables, Tensor
from models.detection.detections import Detections
from models.detection.pyramid import FRAME, LARGE_PICTURE_PX
from models.detection.size_cache import Size, SizeCache
from models.detection.weights import read_mtcnn_weights
from models.inference.keras_backend import compile_with_keras, prepare_tensorflow

if TYPE_CHECKING:
    import keras

_log = logging.getLogger(__name__)

FRAMES_BEFORE_COMPILING = 16
"""Frames of one size that are looked at without, before it is worth the seconds that compiling takes (a guess)."""
CASCADES_KEPT = 4
LARGEST_BATCH = 16
LARGEST_BATCH_PX = 16 * 1920 * 1080
"""Bounds the memory of one call: with min_face_px 20 about 100 bytes for each of these pixels (a guess)."""


class Fallback(Protocol):
    """Detects in images of any sizes."""

    def detect(self, images: Sequence[np.ndarray], min_faces: Sequence[int]) -> list[Detections]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Places for candidates of one frame: enough for all but the fullest of group photos in data/detect."""

    proposed: int = 1024
    """After P-Net and the suppression within each level, before that across levels."""
    refined_small: int = 512
    """For R-Net, squares of up to 95 px."""
    refined_large: int = 64
    """For R-Net, larger squares, which cost more."""
    output_small: int = 128
    """For O-Net, squares of up to 191 px."""
    output_large: int = 16
    """For O-Net, larger squares, which cost more."""


class _Tables(NamedTuple):
    """What `layout` knows, as tensors that the compiled function takes besides the frames."""

    resizes: list[list[list[Tensor]]]
    pixels: Tensor
    is_cell: Tensor
    boxes: Tensor
    refine: CropTables
    output: CropTables


class CompiledCascade:
    """Finds faces in frames of one size. For one thread at a time."""

    def __init__(
        self,
        height: int,
        width: int,
        min_face_px: int,
        thresholds: tuple[float, float, float],
        pyramid_step: float,
        batch_size: int = 1,
        limits: Limits | None = None,
    ) -> None:
        """Compiles and warms up, which takes seconds.

        Args:
            height: of the frames, px.
            width: of the frames, px.
            min_face_px: side of the smallest face to find, at least 12.
            thresholds: lowest scores, 0..1, to pass P-, R- and O-Net.
            pyramid_step: size of each pyramid level relative to the last, between 0 and 1.
            batch_size: frames that the function takes at a time; fewer are padded.
            limits: places for candidates.
        """
        self.batch_size = batch_size
        self.dropped = np.zeros(3, np.int64)
        """Candidates that found no place before the suppression across levels, before R-Net and before O-Net, in all frames so far."""
        self.compilations = 0
        """How often the function was traced to be compiled: once, in here, and never again. Under Torch, how often it ran."""
        self._shape = (height, width, 3)
        self._thresholds = thresholds
        self._limits = limits or Limits()
        layout = plan_layout(height, width, min_face_px, pyramid_step)
        self._sources = layout.sources
        if not self._sources:
            return  # no face fits into the frame
        largest_px = 2 * min(height, width)  # no window is larger than the frame, and regression never doubles one
        tables = _Tables(
            [[list(resize) for resize in level] for level in layout.resizes],
            layout.pixels,
            layout.is_cell,
            layout.boxes,
            CropTables(*crop_tables(RNET_PX, largest_px), grown_tables(RNET_PX)),
            CropTables(*crop_tables(ONET_PX, largest_px), grown_tables(ONET_PX)),
        )
        self._pnet, self._rnet, self._onet = _load_networks()
        self._run = compile_with_keras(self._cascade, tables)
        self._run(np.zeros((batch_size, *self._shape), np.uint8))

    def __call__(self, frames: np.ndarray) -> list[Detections]:
        """The faces in each of (N, height, width, 3) uint8 RGB frames, N >= 0. A box may reach a little out of its frame."""
        return [found for found, _ in self.counted(frames)]

    def counted(self, frames: np.ndarray) -> list[tuple[Detections, int]]:
        """The same, each with the number of candidates that found no place."""
        if frames.shape[1:] != self._shape or frames.dtype != np.uint8:
            raise ValueError(f"compiled for frames of (N, {', '.join(map(str, self._shape))}) uint8, not {frames.shape} {frames.dtype}")
        if not self._sources:
            return [(Detections.none(), 0) for _ in frames]
        found = []
        for start in range(0, len(frames), self.batch_size):
            batch = frames[start : start + self.batch_size]
            count = len(batch)
            if count < self.batch_size:
                batch = np.concatenate([batch, np.zeros((self.batch_size - count, *self._shape), np.uint8)])
            answers, faces, dropped = self._run(batch)
            self.dropped += dropped[:count].sum(axis=0)
            for number in range(count):
                mine = np.array(answers[number, : faces[number]])
                found.append((Detections(mine[:, :4], mine[:, 4], mine[:, 5:].reshape(-1, 5, 2)), int(dropped[number].sum())))
        return found

    def _cascade(self, frames: Tensor, tables: _Tables) -> list[Tensor]:
        """All of it, in tensors.

        Returns:
            (B, N, 15) float32: box, score and landmarks of the faces, best first; (B,) int32 how many; (B, 3) int32 `dropped`.
        """
        from keras import ops

        self.compilations += 1
        limits = self._limits
        boxes, scores, offsets, no_place = self._propose(frames, tables)
        dropped = [no_place]
        scores = steps.suppress(boxes, scores, NMS_OVERLAP)
        squares = steps.whole_squares(steps.regress(boxes, offsets))
        places = (limits.refined_small, limits.refined_large)
        squares, scores, crops, no_place = steps.cut(frames, squares, scores, tables.refine, places)
        dropped.append(no_place)

        answers, offsets = steps.over_places(self._rnet, crops)
        scores = ops.where((scores >= 0) & (answers > self._thresholds[1]), answers, -1.0)
        scores, (squares, offsets) = steps.best_first(scores, squares, offsets)
        scores = steps.suppress(squares, scores, NMS_OVERLAP)
        squares = steps.whole_squares(steps.regress(squares, offsets))
        places = (limits.output_small, limits.output_large)
        squares, scores, crops, no_place = steps.cut(frames, squares, scores, tables.output, places)
        dropped.append(no_place)

        answers, offsets, landmarks = steps.over_places(self._onet, crops)
        scores = ops.where((scores >= 0) & (answers > self._thresholds[2]), answers, -1.0)
        landmarks = squares[..., None, :2] + landmarks * (squares[..., None, 2:] - squares[..., None, :2])
        landmarks = ops.reshape(landmarks, (*scores.shape, 10))
        boxes = steps.regress(squares, offsets) + REPORTED_SHIFT_PX
        scores, (boxes, landmarks) = steps.best_first(scores, boxes, landmarks)
        scores = steps.suppress(boxes, scores, NMS_OVERLAP, over="smaller")
        scores, (boxes, landmarks) = steps.best_first(scores, boxes, landmarks)
        found = ops.concatenate([boxes, scores[..., None], landmarks], axis=-1)
        faces = ops.sum(ops.cast(scores >= 0, "int32"), axis=1)
        return [found, faces, ops.stack(dropped, axis=1)]

    def _propose(self, frames: Tensor, tables: _Tables) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """P-Net over all levels of the frames.

        Returns:
            boxes (B, N, 4), scores (B, N), best first, and offsets (B, N, 4) of the windows that stay in their level; dropped (B,).
        """
        from keras import ops

        batch = frames.shape[0]
        levels: list[Tensor] = []
        for source, resizes in zip(self._sources, tables.resizes, strict=True):
            levels.append(functools.reduce(steps.resize, resizes, frames if source == FRAME else levels[source]))
        pixels = ops.concatenate([ops.reshape(level, (batch, -1, 3)) for level in levels], axis=1)
        canvas = ops.cast(ops.take(pixels, tables.pixels, axis=1), "float32")
        answers = self._pnet(canvas, training=False)
        scores, offsets = ops.sigmoid(answers[..., 0]), answers[..., 1:]
        scores = ops.where(tables.is_cell[None] & (scores >= self._thresholds[0]), scores, -1.0)
        scores = ops.reshape(steps.thin(scores), (batch, -1))
        places = min(self._limits.proposed, scores.shape[1])
        dropped = steps.too_many(scores, places)
        scores, numbers = ops.top_k(scores, places)
        boxes = ops.take(ops.reshape(tables.boxes, (-1, 4)), numbers, axis=0)
        return boxes, scores, steps.pick(ops.reshape(offsets, (batch, -1, 4)), numbers), dropped


class CompiledCascades:
    """Compiled cascades for the sizes of frames that come again and again. Pictures of other sizes are left to another way."""

    def __init__(
        self,
        thresholds: tuple[float, float, float],
        pyramid_step: float,
        fallback: Fallback,
        cascades: SizeCache[CompiledCascade] | None = None,
        *,
        drops: bool = True,
    ) -> None:
        """
        Args:
            thresholds: lowest scores, 0..1, to pass P-, R- and O-Net.
            pyramid_step: size of each pyramid level relative to the last, between 0 and 1.
            fallback: detects in images of sizes that did not come often enough yet.
            cascades: where compiled ones are kept, and from when on there is one.
            drops: False: an image in which a candidate found no place is left to the fallback, too, which has places for all.
        """
        self._thresholds = thresholds
        self._step = pyramid_step
        self._fallback, self._drops = fallback, drops
        self._cascades = cascades or SizeCache[CompiledCascade](FRAMES_BEFORE_COMPILING, CASCADES_KEPT)
        self.dropped = 0
        """Candidates that found no place, in all frames so far."""

    def detect(self, images: Sequence[np.ndarray], min_faces: Sequence[int]) -> list[Detections]:
        """The faces in each image.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes.
            min_faces: the smallest face to find in each, px.
        """
        groups: dict[Size, list[int]] = {}
        for number, (image, min_face_px) in enumerate(zip(images, min_faces, strict=True)):
            groups.setdefault((image.shape[0], image.shape[1], min_face_px), []).append(number)
        found: dict[int, Detections] = {}
        for size, numbers in groups.items():
            cascade = self._cascade_for(size, len(numbers))
            if cascade is not None:
                answers = cascade.counted(np.stack([images[number] for number in numbers]))
                for number, (mine, dropped) in zip(numbers, answers, strict=True):
                    if self._drops or not dropped:
                        found[number] = mine
                        self._count_dropped(dropped, size)
        rest = [number for number in range(len(images)) if number not in found]
        if rest:
            others = self._fallback.detect([images[number] for number in rest], [min_faces[number] for number in rest])
            found.update(zip(rest, others, strict=True))
        return [found[number] for number in range(len(images))]

    def expect(self, size: Size, at_a_time: int) -> None:
        """Compiles for frames of a size of which so many will come together, again and again."""
        if _fits(size):
            self._cascades.expect(size, lambda: self._compile(size, at_a_time, "such frames are expected"))

    def _cascade_for(self, size: Size, count: int) -> CompiledCascade | None:
        """The cascade for frames of this size, which so many more came of, if it is worth its compilation."""
        if not _fits(size):
            return None
        return self._cascades.get(size, count, lambda: self._compile(size, count, f"more than {self._cascades.pictures_before} came"))

    def _compile(self, size: Size, at_a_time: int, reason: str) -> CompiledCascade:
        height, width, min_face_px = size
        batch_size = min(2 ** (at_a_time - 1).bit_length(), LARGEST_BATCH, max(LARGEST_BATCH_PX // (height * width), 1))
        _log.info("compiling the detector for frames of %d×%d px, %d at a time: %s", width, height, batch_size, reason)
        return CompiledCascade(height, width, min_face_px, self._thresholds, self._step, batch_size)

    def _count_dropped(self, count: int, size: Size) -> None:
        if count and not self.dropped:
            _log.warning("a frame of %d×%d px has more places that may be faces than are looked at: %d left out", size[1], size[0], count)
        self.dropped += count


def _fits(size: Size) -> bool:
    """Whether frames of that size can be looked at in one piece."""
    return size[0] * size[1] <= LARGE_PICTURE_PX


@functools.cache
def _load_networks() -> tuple[keras.Model, keras.Model, keras.Model]:
    """P-, R- and O-Net: one of each, whatever the sizes of the frames."""
    prepare_tensorflow()
    from models.detection import keras_networks as networks

    models = networks.create_pnet(), networks.create_rnet(), networks.create_onet()
    networks.set_mtcnn_weights(models[0], read_mtcnn_weights("pnet"))
    networks.set_mtcnn_weights(models[1], read_mtcnn_weights("rnet"))
    networks.set_mtcnn_weights(models[2], read_mtcnn_weights("onet"))
    return models
