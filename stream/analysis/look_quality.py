"""How much a look at a face is worth beside others of the same face."""

from __future__ import annotations

import numpy as np

from models.detection.detections import Detections
from models.imaging.landmarks import frontality
from stream.media import cv2

ENOUGH_PX = 80.0
"""Side from which a larger face says no more (a guess: half of what models look at)."""
SHARP_PX, SHARP = 64, 150.0
"""Side at which sharpness is measured, and the variance of the Laplacian there that counts half (a guess)."""
LEAST = 0.05
"""What the worst look is worth: of a face that nobody saw better it is still all there is."""


def look_weights(crops: np.ndarray, faces: Detections) -> np.ndarray:
    """What each look is worth: by the face's size and sharpness, how far it is turned away, and the detector's score.

    Args:
        crops: (N, S, S, 3) uint8 RGB, of the faces.
        faces: N of them.

    Returns:
        (N,) float32, LEAST to 1.
    """
    sides = np.sqrt(np.maximum((faces.boxes[:, 2:] - faces.boxes[:, :2]).prod(axis=1), 0))
    sharpness = np.array([_sharpness(crop) for crop in crops], np.float32)
    worth = np.minimum(sides / ENOUGH_PX, 1) * sharpness / (sharpness + SHARP) * frontality(faces.landmarks) * faces.scores
    return np.asarray(np.clip(worth, LEAST, 1), np.float32)


def judged(crop: np.ndarray) -> np.ndarray:
    """(SHARP_PX, SHARP_PX) uint8: the part of a crop that its sharpness is told from. Of a crop of that size, its green."""
    return np.asarray(cv2.resize(crop[..., 1], (SHARP_PX, SHARP_PX), interpolation=cv2.INTER_AREA))


def _sharpness(crop: np.ndarray) -> float:
    return float(cv2.Laplacian(judged(crop), cv2.CV_32F).var())
