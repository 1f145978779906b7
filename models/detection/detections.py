"""The detector's answer for one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.imaging.boxes import clip, overlaps

WEAKEST = 0.3
"""Lowest score that weak finds reach down to, at least (the lowest that MTCNN's authors use)."""
CHECK_REACH, AROUND_REACH = 0.5, 1.5
"""How far beyond a box `Detector.check` may look on each side, in sides of the box made square, by itself and when it looks around: what
lies further changes no answer."""
SAME_PLACE = 0.25
"""Least overlap (IoU) of a find with a place that is asked about: it may have moved by three fifths of its side."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class Detections:
    """Faces in one image. No face is three arrays of length 0, never None.

    From `Detector.detect` they come best first. From `Detector.check` there is one row for each box that was asked about, in the order of
    those boxes.
    """

    boxes: np.ndarray
    """(N, 4) float32, pixels of the full image: x1, y1, x2, y2; half-open, so x2 - x1 is the width."""
    scores: np.ndarray
    """(N,) float32, 0..1: how sure the detector is. From `detect` descending."""
    landmarks: np.ndarray
    """(N, 5, 2) float32, pixels (x, y): left eye, right eye, nose, left and right mouth corner, as seen in the picture."""

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def none(cls) -> Self:
        """No face at all."""
        return cls(np.zeros((0, 4), np.float32), np.zeros((0,), np.float32), np.zeros((0, 5, 2), np.float32))

    @classmethod
    def joined(cls, parts: Sequence[Detections]) -> Self:
        """All rows, those of the first part first."""
        arrays = zip(*((one.boxes, one.scores, one.landmarks) for one in parts), strict=True)
        return cls(*(np.concatenate(same) for same in arrays)) if parts else cls.none()

    def take(self, rows: np.ndarray) -> Detections:
        """Those of `rows`, (M,) indices."""
        return Detections(self.boxes[rows], self.scores[rows], self.landmarks[rows])

    def clipped(self, width_px: int, height_px: int) -> Detections:
        """The same rows, each box cut at the edges of a picture of that size; of one wholly outside nothing is left but an edge."""
        return Detections(clip(self.boxes, width_px, height_px), self.scores, self.landmarks)

    def within(self, width_px: int, height_px: int) -> Detections:
        """The boxes cut at the edges of a picture of that size, without those wholly outside."""
        cut = self.clipped(width_px, height_px)
        return cut.take(np.flatnonzero((cut.boxes[:, 2:] > cut.boxes[:, :2]).all(axis=1)))


def take_nearest(found: Detections, row: int, asked: np.ndarray, there: Detections) -> None:
    """Writes into a row of `found` which of the finds `there` is nearest to the box asked about, (4,) px, if that is surer."""
    nearness = overlaps(there.boxes, asked[None].astype(np.float32), "union")[:, 0]
    near = np.flatnonzero(nearness >= SAME_PLACE)
    if not len(near):
        return
    best = near[(nearness[near] * there.scores[near]).argmax()]
    if there.scores[best] > found.scores[row]:
        found.boxes[row], found.scores[row], found.landmarks[row] = there.boxes[best], there.scores[best], there.landmarks[best]
