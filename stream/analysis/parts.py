"""Checks and looks of the face model at parts of frames: of a large picture only what lies around its faces is made RGB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.detections import CHECK_REACH, Detections
from stream.analysis.requests import Ask, Check
from stream.frame import Frame

if TYPE_CHECKING:
    from models.detection.detector import Detector


def answer_checks(detector: Detector, checks: Sequence[Check]) -> None:
    """Has all places of all frames checked in one call."""
    parts = [_part(check.frame, box, CHECK_REACH) for check in checks for box in check.boxes]
    boxes = [box[None] - corner for box, (_, corner) in zip((box for check in checks for box in check.boxes), parts, strict=True)]
    answers = iter(zip(detector.check([image for image, _ in parts], boxes), parts, strict=True))
    for check in checks:
        mine = [_moved(found, corner) for found, (_, corner) in (next(answers) for _ in check.boxes)]
        check.found = joined(mine)


def answer_asks(model: FaceModel, asks: Sequence[Ask]) -> None:
    """Has all faces of all frames answered for in one call."""
    for ask in asks:
        crops = []
        for number in range(len(ask.faces)):
            face = ask.faces.take(np.array([number]))
            image, corner = _part(ask.frame, face.boxes[0], model.reach)
            crops.append(model.cut(image, _moved(face, -corner)))
        ask.crops = np.concatenate(crops)
    answers = model.answer(np.concatenate([ask.crops for ask in asks]), np.concatenate([ask.faces.scores for ask in asks]))
    for ask, rows in zip(asks, np.split(answers, np.cumsum([len(ask.faces) for ask in asks])[:-1]), strict=True):
        ask.rows = rows


def _part(frame: Frame, box: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """What lies within `reach` sides around a box, and where that begins: (2,) repeated, (4,) float32 px, even numbers."""
    x1, y1, x2, y2 = box.tolist()
    around = max(x2 - x1, y2 - y1) * (0.5 + reach) + 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    left, right = (int(min(max(edge, 0), frame.width)) for edge in (x - around, x + around + 1))
    top, bottom = (int(min(max(edge, 0), frame.height)) for edge in (y - around, y + around + 1))
    left, top = min(left, frame.width - 1) & ~1, min(top, frame.height - 1) & ~1  # even, so that halves are rounded as in the whole picture
    part = frame.part(left, top, max(right, left + 1), max(bottom, top + 1))
    return part, np.array([left, top, left, top], np.float32)


def _moved(found: Detections, shift: np.ndarray) -> Detections:
    return Detections(found.boxes + shift, found.scores, found.landmarks + shift[:2])


def joined(parts: Sequence[Detections]) -> Detections:
    """All rows, those of the first part first."""
    arrays = zip(*((one.boxes, one.scores, one.landmarks) for one in parts), strict=True)
    return Detections(*(np.concatenate(same) for same in arrays))
