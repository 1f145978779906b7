"""What finds faces, whatever is inside, and the one place that builds it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from models.detection.cascade import MIN_FACE_PX, Preset
from models.detection.detections import Detections
from models.inference.device import Device
from models.inference.network import Precision
from models.places import at_home

Kind = Literal["mtcnn", "yunet"]


class Detector(Protocol):
    """Finds faces and their landmarks in pictures. For one thread at a time."""

    @property
    def name(self) -> str:
        """The kind, as a bundle's `detector` names the one that its weights were fitted on."""
        ...

    @property
    def candidates_dropped(self) -> int:
        """Places that may be faces and were not looked at for want of room, in all pictures so far."""
        ...

    def detect(
        self, images: Sequence[np.ndarray], min_face_px: int | Sequence[int] | None = None, *, weak: bool = False
    ) -> list[Detections]:
        """The faces in each image.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes.
            min_face_px: the smallest face to find, for all images or for each; the detector's own by default.
            weak: also what is hardly a face, from WEAKEST on: for whoever must miss none.

        Returns:
            One answer per image, in order, each best first.
        """
        ...

    def check(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], *, around: bool = False) -> list[Detections]:
        """A cheap look at given places: what is there now.

        Args:
            images: (H, W, 3) uint8 RGB arrays of any sizes.
            boxes: for each image (N, 4) boxes, px, where a face is or was.
            around: look further around each, for a face that has moved: to AROUND_REACH instead of CHECK_REACH.

        Returns:
            For each image one row for each box, in the order of the boxes: the box refined, the score of what is there (low where that is
            no face) and its landmarks.
        """
        ...

    def expect(self, height: int, width: int, min_face_px: int | None = None, at_a_time: int = 1) -> None:
        """Gets ready for frames of one size that will come again and again, so many together. Changes no answer."""
        ...


@dataclass(frozen=True)
class DetectorOptions:
    """Which detector, and how it looks. What belongs to another kind than the one asked for is refused, not ignored."""

    kind: Kind = "mtcnn"
    weights: Path | None = None
    """The ONNX file of a YuNet; MTCNN brings its own."""
    min_face_px: int = MIN_FACE_PX
    score: float | None = None
    """Lowest score of a find, 0..1; None: YuNet's own. MTCNN has `thresholds` instead."""
    preset: Preset = "live"
    thresholds: tuple[float, float, float] | None = None
    pyramid_step: float | None = None
    mirror: bool = False
    """These four are MTCNN's, which explains them."""
    device: Device = "auto"
    precision: Precision = "auto"
    clip_boxes: bool = False

    def fingerprint(self) -> str:
        """The same for the same options and, whatever its name, the same file of weights."""
        options = {name: value for name, value in asdict(self).items() if name != "weights"}
        weights = at_home(self.weights).read_bytes() if self.weights is not None else b""
        return hashlib.sha256(repr(sorted(options.items())).encode() + weights).hexdigest()

    @property
    def words(self) -> list[str]:
        """What differs from the defaults, as typed: `detector.kind=yunet`. Of a path the last part: words end up in model cards."""
        differs = {field.name: value for field in fields(self) if (value := getattr(self, field.name)) != field.default}
        said = {name: value.name if isinstance(value, Path) else value for name, value in differs.items()}
        return [f"detector.{name}={json.dumps(value, separators=(',', ':'))}".replace('"', "") for name, value in said.items()]

    def __post_init__(self) -> None:
        """
        Raises:
            ValueError: something is missing, or belongs to another kind.
        """
        if self.kind not in ("mtcnn", "yunet"):
            raise ValueError(f"kind is mtcnn or yunet, not {self.kind!r}")
        if self.kind == "yunet" and self.weights is None:
            raise ValueError("kind yunet needs weights: the path of its ONNX file")
        foreign = ("weights", "score") if self.kind == "mtcnn" else ("preset", "thresholds", "pyramid_step", "mirror")
        for name in foreign:
            if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                raise ValueError(f"{name} has no meaning for kind {self.kind}: leave it out, or choose another kind")


def load_detector(options: DetectorOptions | None = None) -> Detector:
    """The detector that the options describe, loaded and warm; by default MTCNN with its defaults.

    Raises:
        ModelError: weights are missing, damaged or of another network.
        FacestreamError: a GPU was asked for on a machine without one.
        ValueError: an option is out of range.
    """
    options = DetectorOptions() if options is None else options
    if not isinstance(options, DetectorOptions):
        raise TypeError(f"options are DetectorOptions, such as DetectorOptions(min_face_px=40), not {type(options).__name__}")
    if options.kind == "yunet" and options.weights is not None:
        from models.detection.yunet import YuNet

        return YuNet(
            options.weights,
            min_face_px=options.min_face_px,
            score=options.score,
            device=options.device,
            precision=options.precision,
            clip_boxes=options.clip_boxes,
        )
    from models.detection.mtcnn import MTCNN

    return MTCNN(
        min_face_px=options.min_face_px,
        preset=options.preset,
        thresholds=options.thresholds,
        pyramid_step=options.pyramid_step,
        mirror=options.mirror,
        device=options.device,
        precision=options.precision,
        clip_boxes=options.clip_boxes,
    )
