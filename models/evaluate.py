"""How good a model is: shares with their intervals, ROC, thresholds, and which finds of a detector are faces."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from models.boxes import iou


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with what chance leaves open."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """0..1; of nothing, 0."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval: the true share lies in it 19 times out of 20."""
        if not self.of:
            return 0.0, 1.0
        z2 = 1.96**2
        centre = (self.count + z2 / 2) / (self.of + z2)
        half = 1.96 / (self.of + z2) * math.sqrt(self.count * (self.of - self.count) / self.of + z2 / 4)
        return max(centre - half, 0.0), min(centre + half, 1.0)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({self.count} of {self.of}; 95 % interval {low:.1%} to {high:.1%})"


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """How likely a random positive scores above a random negative (the area under the ROC curve); ties count half. NaN-free: 0.5 of nothing."""
    if not len(positive) or not len(negative):
        return 0.5
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / 2 / len(negative))


def threshold_keeping(share: float, positive: np.ndarray) -> float:
    """The highest threshold, of whole thousandths, that keeps at least `share` of the scores `positive` (n >= 1)."""
    lost = int(len(positive) * (1 - share) + 1e-9)
    return math.floor(float(np.sort(positive)[lost]) * 1000) / 1000


def best_threshold(positive: np.ndarray, negative: np.ndarray) -> float:
    """The threshold with the best balanced accuracy: in the middle of the widest such gap between two scores; 0.5 where nothing speaks against it."""
    edges = np.unique(np.concatenate([positive, negative, [0.0, 1.0]]))
    middles = (edges[:-1] + edges[1:]) / 2
    kept = (positive[None] >= middles[:, None]).mean(axis=1)
    refused = (negative[None] < middles[:, None]).mean(axis=1)
    best = np.flatnonzero(kept + refused >= (kept + refused).max() - 1e-12)
    widest = best[(edges[best + 1] - edges[best]).argmax()]
    low, high = edges[widest], edges[widest + 1]
    return 0.5 if low < 0.5 <= high else float(middles[widest])


def true_and_false(boxes: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which finds are faces (IoU of 0.5 with a labelled one), and which are none (IoU under 0.3, centre in no labelled face).

    Args:
        boxes: (N, 4) finds.
        faces: (M, 4) labelled faces.

    Returns:
        Two (N,) bool. Loose boxes and second boxes of one face are neither.
    """
    overlap = iou(boxes, faces).max(axis=1, initial=0)
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
    inside = ((centres > faces[None, :, :2]) & (centres < faces[None, :, 2:])).all(axis=2).any(axis=1)
    return overlap >= 0.5, (overlap < 0.3) & ~inside
