"""Faces that sit still are checked in several frames of a file at once: one call of four costs half as much as four calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.detection.detections import Detections
from models.imaging.boxes import iou
from stream.analysis.followed import Track
from stream.analysis.requests import Check
from stream.frame import Frame

AHEAD_OVERLAP = 0.85
"""Least overlap (IoU) of where a face was looked for ahead of time and where it should be by what was seen since (a guess)."""


class Ahead:
    """What was seen ahead of time, at places where faces were expected to be by then."""

    def __init__(self, checks: Sequence[Check] = (), tracks: Sequence[Track] = ()) -> None:
        self._checks = {id(check.frame): check for check in checks}
        self._tracks = list(tracks)  # kept, so that no other one gets the same id
        self._rows = {id(track): row for row, track in enumerate(tracks)}

    def holds(self, frame: Frame) -> bool:
        return id(frame) in self._checks

    def take(self, frame: Frame, track: Track, expected: np.ndarray) -> Detections | None:
        """What was seen of a track in a frame, if that was where it is expected now."""
        check, row = self._checks.get(id(frame)), self._rows.get(id(track))
        if check is None or row is None or iou(check.boxes[row : row + 1], expected[None])[0, 0] < AHEAD_OVERLAP:
            return None
        return check.found.take(np.array([row]))
