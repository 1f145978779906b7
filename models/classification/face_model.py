"""What every model of faces is: it cuts what it wants to see of each, answers for all at once, and puts an answer into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.detection.detections import Detections


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means."""

    label: str
    probability: float
    """0..1, of `label`."""
    probabilities: Mapping[str, float]
    """Each label's probability."""
    is_face: bool
    """False where the label says that the detector was wrong."""


class FaceModel(Protocol):
    """A model of faces. One thread at a time."""

    @property
    def name(self) -> str: ...

    @property
    def labels(self) -> Sequence[str]:
        """What `verdict` may say."""
        ...

    @property
    def decides_by_threshold(self) -> bool:
        """Whether `verdict` decides between two by a threshold."""
        ...

    @property
    def reach(self) -> float:
        """How far beyond a box it looks on each side, in sides of the box made square."""
        ...

    def cut(self, image: np.ndarray, detections: Detections) -> np.ndarray:
        """What it wants to see of each face.

        Args:
            image: (H, W, 3) uint8 RGB.
            detections: N faces in it.

        Returns:
            (N, side, side, 3) uint8.
        """
        ...

    def answer(self, crops: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """One row for each face, all in one call. What a row holds is the model's own; the mean of a face's rows is one, too.

        Args:
            crops: (N, side, side, 3) uint8, as `cut` gives them, of any pictures; N may be 0.
            scores: (N,) the detector's, 0..1.

        Returns:
            (N, K) float32.
        """
        ...

    def verdict(self, answer: np.ndarray, threshold: float | None = None) -> Verdict:
        """What a row (K,) of `answer` says.

        Args:
            threshold: 0..1, where the model decides by one; None: its own.
        """
        ...

    def lead(self, answer: np.ndarray, threshold: float | None = None) -> float:
        """How much a row (K,) of `answer` would have to change for `verdict` to say another label: 0 or more, as probability."""
        ...
