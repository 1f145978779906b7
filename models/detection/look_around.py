"""What is at and around given places now: all of the cascade, on a small picture of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.detection.cascade_networks import CascadeNetworks
from models.detection.detections import AROUND_REACH, Detections, take_nearest
from models.detection.stepwise import StepwiseCascade
from models.imaging.crops import cut_squares, whole_squares

AROUND_PX, AROUND_FACE_PX = 128, 20
"""Side of what is looked at, and of the smallest face that is found in it: the face itself has 32 px. Of the faces of ten clips that
O-Net alone, one to six frames later, did not find where they had been, that found four of five; 96 px with less around, three of five."""
AROUND_THRESHOLDS = (0.5, 0.5, 0.3)
"""Lowest scores to pass the networks there: whoever asks knows that there was a face (the authors' values for WIDER)."""


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
            scale, corner = (square[2] - square[0]) / AROUND_PX, square[:2]
            there = Detections(look.boxes * scale + np.tile(corner, 2), look.scores, look.landmarks * scale + corner)
            take_nearest(found[number], row, boxes[number][row], there)
