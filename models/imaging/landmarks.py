"""What five landmarks tell of a face: left eye, right eye, nose, left and right mouth corner, as seen in the picture."""

from __future__ import annotations

import numpy as np

TURNED_AWAY = 0.6
"""How far the nose lies beside the middle of the eyes, in distances of the eyes, on a face in profile (a guess)."""


def frontality(landmarks: np.ndarray) -> np.ndarray:
    """(N,) 1 for a face that looks into the camera, 0 for one in profile or beyond; from (N, 5, 2) landmarks."""
    eyes = landmarks[:, 1] - landmarks[:, 0]
    apart = np.maximum(np.linalg.norm(eyes, axis=1), 1e-3)
    nose = landmarks[:, 2] - (landmarks[:, 0] + landmarks[:, 1]) / 2
    beside = np.abs((nose * eyes).sum(axis=1)) / apart**2
    return np.asarray(np.clip(1 - beside / TURNED_AWAY, 0, 1))
