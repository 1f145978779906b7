"""What is at and around given places now: all of the cascade, on a small picture of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.detection.cascade_networks import CascadeNetworks
from models.detection.detections import AROUND_REACH, Detections
from models.detection.stepwise import StepwiseCascade
from models.imaging.boxes import overlaps
from models.imaging.crops import cut_squares, whole_squares

AROUND_PX, AROUND_FACE_PX = 128, 20
"""Side of what is looked at, and of the smallest face that is found in it: the face itself has 32 px. Of the faces of ten clips that
O-Net alone, one to six frames later, did not find where they had been, that found four of five; 96 px with less around, three of five."""
AROUND_THRESHOLDS = (0.5, 0.5, 0.3)
"""Lowest scores to pass the networks there: whoever asks knows that there was a face (the authors' values for WIDER)."""
SAME_PLACE = 0.25
"""Least overlap (IoU) with the place asked about: it may have moved by three fifths of its side."""


class LookAround:
    """Looks around given places. For one thread at a time."""

    def __init__(self, networks: CascadeNetworks, pyramid_step: float) -> None:
        """`pyramid_step`: size of each pyramid level relative to the last."""
        self._around = StepwiseCascade(networks, AROUND_THRESHOLDS, pyramid_step)

    def __call__(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], found: Sequence[Detections]) -> None:
        """Writes what is surer into `found`, which has a row for each of (N, 4) `boxes` per image, in their order."""
        rows = [(number, row) for number, mine in enumerate(boxes) for row in range(len(mine))]
        squares = [whole_squares(boxes[number][row], AROUND_REACH)[0] for number, row in rows]
        crops = [cut_squares(images[number], square[None], AROUND_PX)[0] for (number, _), square in zip(rows, squares, strict=True)]
        looks = self._around.detect(crops, [AROUND_FACE_PX] * len(crops)) if crops else []
        for (number, row), square, look in zip(rows, squares, looks, strict=True):
            _take_nearest(found[number], row, boxes[number][row], look, square)


def _take_nearest(found: Detections, row: int, asked: np.ndarray, look: Detections, square: np.ndarray) -> None:
    """Writes into a row of `found` what the look into a square found nearest to the box asked about, if that is surer."""
    scale, corner = (square[2] - square[0]) / AROUND_PX, square[:2]
    boxes = look.boxes * scale + np.tile(corner, 2)
    nearness = overlaps(boxes, asked[None].astype(np.float32), "union")[:, 0]
    there = np.flatnonzero(nearness >= SAME_PLACE)
    if not len(there):
        return
    best = there[(nearness[there] * look.scores[there]).argmax()]
    if look.scores[best] > found.scores[row]:
        found.boxes[row], found.scores[row] = boxes[best], look.scores[best]
        found.landmarks[row] = look.landmarks[best] * scale + corner
