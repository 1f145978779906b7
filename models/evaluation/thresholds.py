"""How good a model is: shares with their intervals, ROC, thresholds, and which finds of a detector are faces."""

from __future__ import annotations

import math

import numpy as np


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """How likely a random positive scores above a random negative: the area under the ROC curve. Ties count half; 0.5 of nothing."""
    if not len(positive) or not len(negative):
        return 0.5
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / 2 / len(negative))


def threshold_removing(share: float, negative: np.ndarray) -> float:
    """The lowest threshold, of whole thousandths, that is above at least `share` of the scores `negative` (n >= 1)."""
    removed = max(math.ceil(len(negative) * share - 1e-9), 1)
    return min((math.floor(float(np.sort(negative)[removed - 1]) * 1000) + 1) / 1000, 1.0)


def best_threshold(positive: np.ndarray, negative: np.ndarray) -> float:
    """The threshold with the best balanced accuracy: 0.5 where that is one, else the middle of the widest gap between scores."""
    edges = np.unique(np.concatenate([positive, negative, [0.0, 1.0]]))
    middles = (edges[:-1] + edges[1:]) / 2
    kept = (positive[None] >= middles[:, None]).mean(axis=1)
    refused = (negative[None] < middles[:, None]).mean(axis=1)
    best = np.flatnonzero(kept + refused >= (kept + refused).max() - 1e-12)
    widest = best[(edges[best + 1] - edges[best]).argmax()]
    low, high = edges[widest], edges[widest + 1]
    return 0.5 if low < 0.5 <= high else float(middles[widest])
