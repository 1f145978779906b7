"""What is asked of the models about one frame, and their answer: whoever follows a source asks, the analyser has it answered in batches."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.detection.detections import Detections
from stream.analysis.track_identity import Gallery
from stream.frame import Frame


@dataclass(slots=True, eq=False)
class Search:
    """Which faces are anywhere in a frame?"""

    frame: Frame
    min_face_px: int
    """Side of the smallest face to find."""
    weak: bool = False
    """Also what is hardly a face."""
    found: Detections = field(default_factory=Detections.none)
    """The answer, best first."""


@dataclass(slots=True, eq=False)
class Check:
    """What is at these places of a frame?"""

    frame: Frame
    boxes: np.ndarray
    """(N, 4) float32 px, N > 0."""
    searched: Detections | None = None
    """What is anywhere in the frame, also what is hardly a face, where that is known: then nobody need look around the places."""
    found: Detections = field(default_factory=Detections.none)
    """The answer, a row for each box, in their order."""


@dataclass(slots=True, eq=False)
class Alike:
    """Does what is at these places of a frame look as what was at those of an earlier one?"""

    before: Frame
    boxes_before: np.ndarray
    """(N, 4) float32 px, N > 0, in the earlier frame."""
    frame: Frame
    boxes: np.ndarray
    """(N, 4) float32 px."""
    same: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    """The answer, (N,) bool."""


@dataclass(slots=True, eq=False)
class Ask:
    """What does the face model say to these faces of a frame?"""

    frame: Frame
    faces: Detections
    """N > 0 of them."""
    rows: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """The answer, (N, K) float32."""
    crops: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0, 3), np.uint8))
    """What the model saw of each, (N, S, S, 3) uint8."""


@dataclass(slots=True, eq=False)
class Who:
    """Which of the known people are these faces of a frame?"""

    frame: Frame
    faces: Detections
    """N > 0 of them, large and frontal enough."""
    vectors: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """The answer: (N, F) float32 that describe them; what is blurred has none: NaN."""
    scores: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    """(N, P) float32: how like each of P people each is."""
    gallery: Gallery | None = None
    """Those people."""


Requests = list[Search] | list[Check] | list[Alike] | list[Ask] | list[Who]
"""What is asked at a time is of one kind."""
