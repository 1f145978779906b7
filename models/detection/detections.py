"""The detector's answer for one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class Detections:
    """Faces found in one image, best first. No face is three arrays of length 0, never None."""

    boxes: np.ndarray
    """(N, 4) float32, pixels of the full image: x1, y1, x2, y2; half-open, so x2 - x1 is the width."""
    scores: np.ndarray
    """(N,) float32, 0..1: how sure the detector is. Descending."""
    landmarks: np.ndarray
    """(N, 5, 2) float32, pixels (x, y): left eye, right eye, nose, left and right mouth corner, as seen in the picture."""

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def none(cls) -> Self:
        """No face at all."""
        return cls(np.zeros((0, 4), np.float32), np.zeros((0,), np.float32), np.zeros((0, 5, 2), np.float32))
