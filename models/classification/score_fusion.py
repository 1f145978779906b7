"""Two opinions about one find, the detector's score and a network's probability, made into one probability.

Each is taken as evidence: logits are weighted and added (logistic regression; Platt 1999), fitted on finds that neither was chosen on. The
detector looks at 48 px and a tight box, the classifier at 150 px and what is around it: they err in different places.
"""

from __future__ import annotations

import numpy as np

from models.detection.cascade import PRESETS

CERTAIN = 1e-6
"""Nearer than this to 0 or 1 no opinion counts."""
NO_SCORE = PRESETS["live"][0][2]
"""What a find counts as whose score is not known: the least that the detector's default threshold lets through."""
HELD = 1e-3
"""Weight of the squares of what is fitted (ridge): finds that are all right do not make anything infinitely sure."""


def logit(probabilities: np.ndarray) -> np.ndarray:
    """Log odds, float64, of probabilities in any shape; finite also of 0 and 1."""
    held = np.clip(np.asarray(probabilities, np.float64), CERTAIN, 1 - CERTAIN)
    return np.asarray(np.log(held / (1 - held)))


def fuse(probabilities: np.ndarray, scores: np.ndarray, weights: tuple[float, float, float]) -> np.ndarray:
    """The probability of a face from both opinions.

    Args:
        probabilities: (N,) the network's.
        scores: (N,) the detector's, 0..1. NaN where there is none: `NO_SCORE`.
        weights: of the network's logit, of the detector's, and what is added.

    Returns:
        (N,) float32.
    """
    network, detector, bias = weights
    known = np.nan_to_num(np.asarray(scores, np.float64), nan=NO_SCORE)
    both = 1 / (1 + np.exp(-(network * logit(probabilities) + detector * logit(known) + bias)))
    return np.asarray(both, np.float32)


def fit_fusion(probabilities: np.ndarray, scores: np.ndarray, faces: np.ndarray) -> tuple[float, float, float]:
    """The weights for `join` under which what is known is likeliest; faces and what is none count the same in sum.

    Args:
        probabilities: (N,) the network's.
        scores: (N,) the detector's.
        faces: (N,) bool, some of each: which finds are faces.
    """
    x = np.stack([logit(probabilities), logit(scores), np.ones(len(faces))], axis=1)
    each = np.where(faces, 1 / faces.sum(), 1 / (~faces).sum()) / 2
    missed = np.where(faces, 1 / (faces.sum() + 2), 1 / ((~faces).sum() + 2))
    targets = np.where(faces, 1 - missed, missed)  # softened, as in `calibration`
    ridge = HELD * np.diag([1.0, 1.0, 0.0])
    weights = np.array([1.0, 0.0, 0.0])
    for _ in range(100):  # Newton's steps; the loss is convex, and a few are enough
        said = 1 / (1 + np.exp(-(x @ weights)))
        slope = x.T @ (each * (targets - said)) - ridge @ weights
        curve = (x * (each * np.maximum(said * (1 - said), 1e-9))[:, None]).T @ x + ridge
        step = np.linalg.solve(curve, slope)
        weights = weights + step * min(1.0, 2.0 / np.abs(step).max(initial=1e-9))
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[0]), float(weights[1]), float(weights[2])
