"""Finds faces: MTCNN (Zhang, Zhang, Li, Qiao, 2016), the authors' weights (from the package `mtcnn`) in the authors' cascade.

Where this differs from their MATLAB code, in half-open pixels counted from 0 (theirs are inclusive and counted from 1):
- A window of a level covers exactly its share of the picture: cell i of a level of scale s looks at 2i/s to (2i+12)/s. Theirs is set at
  (2i+1)/s - 1 to (2i+12)/s, rounded down, and its offsets are taken for 11/s px.
- Squares are set on the nearest whole pixels; theirs are rounded down, half a pixel up and left on average, twice.
- Boxes are reported where theirs are; landmarks too (`cascade.REPORTED_SHIFT_PX` says why that takes a shift of one alone).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from models.detection.cascade import NMS_OVERLAP, PRESETS, REPORTED_SHIFT_PX, Preset
from models.detection.cascade_networks import load_as_keras, load_on_openvino
from models.detection.detections import Detections
from models.detection.flip_averaging import FlipAveraged
from models.detection.proposals import Proposer
from models.detection.pyramid import CELL_PX
from models.detection.stepwise import Candidates, answered
from models.imaging.boxes import clip, nms, regress
from models.imaging.crops import whole_squares
from models.inference.device import Device, choose_device
from models.inference.keras_backend import forbid_tf32
from models.inference.network import Precision

if TYPE_CHECKING:
    from models.detection.compiled.cascade import CompiledCascades


class MTCNN:
    """Finds faces and their landmarks in pictures. For one thread at a time."""

    def __init__(
        self,
        *,
        min_face_px: int = 20,
        preset: Preset = "live",
        thresholds: tuple[float, float, float] | None = None,
        pyramid_step: float | None = None,
        mirror: bool = False,
        device: Device = "auto",
        precision: Precision = "auto",
        clip_boxes: bool = False,
    ) -> None:
        """Loads, compiles and warms up the networks.

        Args:
            min_face_px: side of the smallest face to find, at least 12. Twice as large is four times as fast.
            preset: the authors' values to live use, or "wider", theirs for benchmarks: more faces (AP on facemask 0.77 to 0.81), four times
                the false finds, 1.7 times the time.
            thresholds: lowest scores, 0..1, to pass P-, R- and O-Net; the preset's by default.
            pyramid_step: size of each pyramid level relative to the last, between 0 and 1; the preset's by default.
            mirror: O-Net also looks at each face mirrored: landmarks 7 % closer (mean error 0.050 to 0.046 of the eyes' distance), a tenth
                more time.
            device: "auto" takes the GPU where there is one.
            precision: "auto" computes in bfloat16 where the processor has it and the faces found stay the same; "f32" never.
            clip_boxes: cut boxes at the picture's edges; as found, they may reach a little out.
        """
        if preset not in PRESETS:
            raise ValueError(f"preset is {' or '.join(PRESETS)}, not {preset!r}")
        thresholds = PRESETS[preset][0] if thresholds is None else thresholds
        pyramid_step = PRESETS[preset][1] if pyramid_step is None else pyramid_step
        if len(thresholds) != 3 or not all(0 <= threshold <= 1 for threshold in thresholds):
            raise ValueError(f"thresholds are three numbers from 0 to 1, for P-, R- and O-Net, not {thresholds!r}")
        if not 0 < pyramid_step < 1:
            raise ValueError(f"pyramid_step lies between 0 and 1, not {pyramid_step!r}")
        self.min_face_px = _checked_min_face(min_face_px)
        self.thresholds = thresholds
        self.pyramid_step = pyramid_step
        self.clip_boxes = clip_boxes
        self.device, _ = choose_device(device)
        if self.device == "gpu" and precision == "f32":
            forbid_tf32()
        self.networks = load_as_keras() if self.device == "gpu" else load_on_openvino(precision)
        if mirror:
            self.networks = replace(self.networks, output=FlipAveraged(self.networks.output))
        self._proposer = Proposer(thresholds[0], pyramid_step)
        self._compiled = _load_compiled(thresholds, pyramid_step) if self.device == "gpu" and not mirror else None

    def detect(self, images: Sequence[np.ndarray], min_face_px: int | Sequence[int] | None = None) -> list[Detections]:
        """The faces in each image.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes. Those of one size share the work of the first network.
            min_face_px: the smallest face to find, for all images or for each; the detector's own by default.

        Returns:
            One answer per image, in order. A box may reach a little out of its image, except with `clip_boxes`.
        """
        images = [_checked_image(image, number) for number, image in enumerate(images)]
        min_faces = self._min_faces(min_face_px, len(images))
        if self._compiled is not None:
            found = self._compiled.detect(images, min_faces, otherwise=self._detect_step_by_step)
        else:
            found = self._detect_step_by_step(images, min_faces)
        return [_clipped(mine, image) for mine, image in zip(found, images, strict=True)] if self.clip_boxes else found

    def expect(self, height: int, width: int, min_face_px: int | None = None, at_a_time: int = 1) -> None:
        """Gets ready for frames of one size that will come again and again, as a camera's and a video's do.

        On a GPU that compiles for them, which takes seconds, before the first is there rather than when the size has proved frequent. On a
        CPU there is nothing to wait for.

        Args:
            height: of the frames, px.
            width: of the frames, px.
            min_face_px: the smallest face to find; the detector's own by default.
            at_a_time: frames that will be handed to `detect` together.
        """
        if self._compiled is not None:
            (min_face_px,) = self._min_faces(min_face_px, 1)
            self._compiled.expect((height, width, min_face_px), at_a_time)

    @property
    def candidates_dropped(self) -> int:
        """Places that may be faces and were not looked at, because a GPU looks at so many in a frame and no more: in all frames so far."""
        return self._compiled.dropped if self._compiled is not None else 0

    def _detect_step_by_step(self, images: Sequence[np.ndarray], min_faces: Sequence[int]) -> list[Detections]:
        """Pictures of any sizes through the three networks. Each network goes on with one picture while the one before has the next."""
        proposed = self._propose(images, min_faces)
        refined = self._refine(images, proposed)
        found = dict(self._output(images, refined))
        return [found[number] for number in range(len(images))]

    def _min_faces(self, min_face_px: int | Sequence[int] | None, count: int) -> list[int]:
        if min_face_px is None:
            return [self.min_face_px] * count
        if not isinstance(min_face_px, Sequence | np.ndarray):
            return [_checked_min_face(min_face_px)] * count
        if len(min_face_px) != count:
            raise ValueError(f"min_face_px has {len(min_face_px)} values for {count} images")
        return [_checked_min_face(value) for value in min_face_px]

    def _propose(self, images: Sequence[np.ndarray], min_faces: Sequence[int]) -> Iterator[Candidates]:
        """P-Net over each image's pyramid: squares of whole pixels that may hold a face."""
        proposals = self._proposer(images, min_faces, self.networks.propose, self.networks.propose_strips)
        for number, (boxes, scores, offsets) in proposals:
            best = nms(boxes, scores, NMS_OVERLAP)
            yield Candidates(number, whole_squares(regress(boxes[best], offsets[best])))

    def _refine(self, images: Sequence[np.ndarray], proposed: Iterable[Candidates]) -> Iterator[Candidates]:
        """R-Net on what P-Net proposed: fewer, better squares of whole pixels."""
        for found, (scores, offsets) in answered(self.networks.refine, images, proposed, 24):
            passing = np.flatnonzero(scores > self.thresholds[1])
            kept = passing[nms(found.boxes[passing], scores[passing], NMS_OVERLAP)]
            yield Candidates(found.image, whole_squares(regress(found.boxes[kept], offsets[kept])))

    def _output(self, images: Sequence[np.ndarray], refined: Iterable[Candidates]) -> Iterator[tuple[int, Detections]]:
        """O-Net on what R-Net left: the number of each image and its faces."""
        for found, (scores, offsets, landmarks) in answered(self.networks.output, images, refined, 48):
            passing = np.flatnonzero(scores > self.thresholds[2])
            squares = found.boxes[passing]
            boxes = regress(squares, offsets[passing]) + np.float32(REPORTED_SHIFT_PX)
            points = squares[:, None, :2] + landmarks[passing] * (squares[:, None, 2:] - squares[:, None, :2])
            kept = nms(boxes, scores[passing], NMS_OVERLAP, over="smaller")
            yield found.image, Detections(boxes[kept], scores[passing][kept], points[kept])


def _clipped(found: Detections, image: np.ndarray) -> Detections:
    """The finds with their boxes cut at the image's edges; one wholly outside is left out."""
    boxes = clip(found.boxes, image.shape[1], image.shape[0])
    inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return Detections(boxes[inside], found.scores[inside], found.landmarks[inside])


def _load_compiled(thresholds: tuple[float, float, float], pyramid_step: float) -> CompiledCascades:
    """For GPUs: frames whose size comes again and again go through all of this in one compiled function."""
    from models.detection.compiled.cascade import CompiledCascades

    return CompiledCascades(thresholds, pyramid_step)


def _checked_min_face(min_face_px: object) -> int:
    if not isinstance(min_face_px, Integral) or isinstance(min_face_px, bool):
        raise TypeError(f"min_face_px is a whole number of pixels, not {min_face_px!r}")
    if min_face_px < CELL_PX:
        raise ValueError(f"min_face_px is at least {CELL_PX}, the window of the first network, not {min_face_px}")
    return int(min_face_px)


def _checked_image(image: object, number: int) -> np.ndarray:
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image {number} is a numpy array of (height, width, 3) uint8, not {type(image).__name__}")
    if image.dtype != np.uint8:
        raise TypeError(f"image {number} has dtype uint8 (0..255), not {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image {number} has shape (height, width, 3) RGB, not {image.shape}; detect takes a list of images")
    return np.ascontiguousarray(image)
