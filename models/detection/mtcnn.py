"""Finds faces: MTCNN (Zhang, Zhang, Li, Qiao, 2016), the authors' weights (from the package `mtcnn`) in the authors' cascade.

Where this differs from their MATLAB code, in half-open pixels counted from 0 (theirs are inclusive and counted from 1):
- A window of a level covers exactly its share of the picture: cell i of a level of scale s looks at 2i/s to (2i+12)/s. Theirs is set at
  (2i+1)/s - 1 to (2i+12)/s, rounded down, and its offsets are taken for 11/s px.
- Squares are set on the nearest whole pixels; theirs are rounded down, half a pixel up and left on average, twice.
- Boxes are reported where theirs are; landmarks too (`cascade.REPORTED_SHIFT_PX` says why that takes a shift of one alone).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from models.detection.cascade import MIN_FACE_PX, PRESETS, Preset
from models.detection.cascade_networks import load_as_keras, load_on_openvino
from models.detection.checked_input import checked_boxes, checked_images, checked_min_face, checked_min_faces
from models.detection.detections import Detections
from models.detection.flip_averaging import FlipAveraged
from models.detection.look_around import LookAround
from models.detection.pyramid import CELL_PX
from models.detection.stepwise import StepwiseCascade
from models.imaging.checked import checked_share
from models.inference.device import Device, choose_device
from models.inference.keras_backend import forbid_tf32
from models.inference.network import Precision

if TYPE_CHECKING:
    from models.detection.compiled.cascade import CompiledCascades


WEAK = (0.48, 0.48, 0.27)
"""Thresholds for weak finds: so far below those of "wider" that no rounding of bfloat16 loses what it finds (a guess)."""


class Cascade(Protocol):
    """All three networks, however they are run."""

    def detect(self, images: Sequence[np.ndarray], min_faces: Sequence[int]) -> list[Detections]: ...


class MTCNN:
    """Finds faces and their landmarks in pictures. A `Detector`; for one thread at a time."""

    name = "mtcnn"

    def __init__(
        self,
        *,
        min_face_px: int = MIN_FACE_PX,
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
        if not isinstance(preset, str) or preset not in PRESETS:
            raise ValueError(f"preset is {' or '.join(PRESETS)}, not {preset!r}")
        thresholds = PRESETS[preset][0] if thresholds is None else thresholds
        pyramid_step = PRESETS[preset][1] if pyramid_step is None else pyramid_step
        if not isinstance(thresholds, Sequence | np.ndarray) or isinstance(thresholds, str):
            raise TypeError(f"thresholds are three numbers from 0 to 1, for P-, R- and O-Net, not {thresholds!r}")
        if len(thresholds) != 3:
            raise ValueError(f"thresholds are three numbers from 0 to 1, for P-, R- and O-Net, not {thresholds!r}")
        for network, threshold in zip(("P-Net", "R-Net", "O-Net"), thresholds, strict=True):
            checked_share(threshold, f"the threshold of {network}")
        if not 0 < checked_share(pyramid_step, "pyramid_step") < 1:
            raise ValueError(f"pyramid_step lies between 0 and 1, not {pyramid_step!r}")
        self.min_face_px = checked_min_face(min_face_px, CELL_PX)
        self.thresholds = thresholds
        self.pyramid_step = pyramid_step
        self.clip_boxes = clip_boxes
        self.device, _ = choose_device(device)
        if self.device == "gpu" and precision == "f32":
            forbid_tf32()
        networks = load_as_keras() if self.device == "gpu" else load_on_openvino(precision)
        if mirror:
            networks = replace(networks, output=FlipAveraged(networks.output))
        self._stepwise = StepwiseCascade(networks, thresholds, pyramid_step)
        weak_step = max(pyramid_step, PRESETS["wider"][1])
        self._weak = StepwiseCascade(networks, _lower(thresholds, WEAK), weak_step)
        self._look_around = LookAround(networks, pyramid_step)
        compiles = self.device == "gpu" and not mirror
        self._compiled = _load_compiled(thresholds, pyramid_step, self._stepwise) if compiles else None
        self._weak_compiled = _load_compiled(self._weak.thresholds, weak_step, self._weak, drops=False) if compiles else None

    def detect(
        self, images: Sequence[np.ndarray], min_face_px: int | Sequence[int] | None = None, *, weak: bool = False
    ) -> list[Detections]:
        """The faces in each image.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes. Those of one size share the work of the first network.
            min_face_px: the smallest face to find, for all images or for each; the detector's own by default.
            weak: also what is hardly a face: all that the authors' recipe for benchmarks, "wider", finds.

        Returns:
            One answer per image, in order. A box may reach a little out of its image, except with `clip_boxes`.
        """
        images = checked_images(images)
        min_faces = checked_min_faces(min_face_px, len(images), self.min_face_px, CELL_PX)
        found = self._cascade(weak=weak).detect(images, min_faces)
        if not self.clip_boxes:
            return found
        return [mine.within(image.shape[1], image.shape[0]) for mine, image in zip(found, images, strict=True)]

    def check(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], *, around: bool = False) -> list[Detections]:
        """What is at given places now: the third network alone, on the square around each box.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes.
            boxes: for each image (N, 4) boxes, px, as `detect` gives them.
            around: look around each box with all of the cascade, too, for a face that has moved. Costs five times as much.

        Returns:
            For each image one row for each box, in the order of the boxes: the box refined, the score of what is there (low where that is
            no face) and its landmarks.
        """
        images = checked_images(images)
        places = checked_boxes(boxes, len(images))
        found = self._stepwise.check(images, places)
        if around:
            self._look_around(images, places, found)
        if not self.clip_boxes:
            return found
        return [mine.clipped(image.shape[1], image.shape[0]) for mine, image in zip(found, images, strict=True)]

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
            (min_face_px,) = checked_min_faces(min_face_px, 1, self.min_face_px, CELL_PX)
            self._compiled.expect((height, width, min_face_px), at_a_time)

    def _cascade(self, *, weak: bool) -> Cascade:
        if weak:
            return self._weak_compiled or self._weak
        return self._compiled or self._stepwise

    @property
    def candidates_dropped(self) -> int:
        """Places that may be faces and were not looked at, because a GPU looks at so many in a frame and no more: in all frames so far."""
        return sum(one.dropped for one in (self._compiled, self._weak_compiled) if one is not None)


def _lower(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float, float]:
    return min(one[0], other[0]), min(one[1], other[1]), min(one[2], other[2])


def _load_compiled(
    thresholds: tuple[float, float, float], pyramid_step: float, fallback: StepwiseCascade, *, drops: bool = True
) -> CompiledCascades:
    """For GPUs: frames whose size comes again and again go through all of this in one compiled function."""
    from models.detection.compiled.cascade import CompiledCascades

    return CompiledCascades(thresholds, pyramid_step, fallback, drops=drops)
