"""How much of a picture a head takes, of which a face was found."""

from __future__ import annotations

import math

import numpy as np

BESIDE, ABOVE, BELOW = 0.35, 0.6, 0.35
"""How far a head's cover goes beyond the detector's box on each side, in sides of the box. People who were asked to draw around whole faces
(250 photos of `detect/fddb_single`) went .17 beyond it on the left and right, .53 above and .18 below in 99.7 of 100; on `detect/facemask`,
where the detector sees half of a face, .30 and .61 in 99 of 100. An ellipse of this size holds all of the box itself."""
BEHIND = 0.5
"""How much further it goes where the back of a head in profile is, in sides (looked at)."""


def head(box: np.ndarray, landmarks: np.ndarray, margin: float) -> np.ndarray:
    """(4,) float32 px around the whole head: x1, y1, x2, y2.

    Args:
        box: (4,) px, the detector's.
        landmarks: (5, 2) px.
        margin: how many times as far beyond the box as it must be.
    """
    x1, y1, x2, y2 = box.tolist()
    side = math.sqrt(max(x2 - x1, 1.0) * max(y2 - y1, 1.0))
    beside, above, below = (share * side * margin for share in (BESIDE, ABOVE, BELOW))
    x, y = (BEHIND * side * share for share in _backwards(landmarks))
    return np.array(
        [x1 - beside + min(x, 0), y1 - above + min(y, 0), x2 + beside + max(x, 0), y2 + below + max(y, 0)],
        np.float32,
    )


def _backwards(landmarks: np.ndarray) -> tuple[float, float]:
    """Which way the back of the head is, and how far: (0, 0) for a face that looks into the camera, of length 1 for a profile."""
    if not np.isfinite(landmarks).all():
        return 0.0, 0.0
    eyes = landmarks[1] - landmarks[0]
    apart = max(float(np.hypot(*eyes)), 1e-3)
    nose = landmarks[2] - (landmarks[0] + landmarks[1]) / 2
    beside = float(np.clip(float(nose @ eyes) / apart**2, -1, 1))
    return -beside * float(eyes[0]) / apart, -beside * float(eyes[1]) / apart
