"""Checks and looks of the face model at parts of frames: of a large picture only what lies around its faces is made RGB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.detections import AROUND_REACH, CHECK_REACH, Detections
from stream.analysis.requests import Ask, Check
from stream.frame import Frame

if TYPE_CHECKING:
    from models.detection.detector import Detector


ENOUGH_PX = 96
"""Side of a face that is large enough to be checked: O-Net looks at 48 px."""
AROUND_BELOW = 0.5
"""Where a check scores lower, it is looked around that place: a face that scores more is believed to be there."""


def answer_checks(detector: Detector, checks: Sequence[Check]) -> None:
    """Has all places of all frames checked in one call, and those where no face is seen looked around in another."""
    places = [(check.frame, box) for check in checks for box in check.boxes]
    found = _checked(detector, places, around=False)
    doubtful = [number for number, one in enumerate(found) if one.scores[0] < AROUND_BELOW]
    for number, one in zip(doubtful, _checked(detector, [places[number] for number in doubtful], around=True), strict=True):
        found[number] = one
    for check in checks:
        check.found, found = joined(found[: len(check.boxes)]), found[len(check.boxes) :]


def _checked(detector: Detector, places: Sequence[tuple[Frame, np.ndarray]], *, around: bool) -> list[Detections]:
    """One row of each place."""
    if not places:
        return []
    parts = [_small_part(frame, box, AROUND_REACH if around else CHECK_REACH) for frame, box in places]
    boxes = [(box[None] - corner) / np.float32(smaller) for (_, box), (_, corner, smaller) in zip(places, parts, strict=True)]
    images = [image for image, _, _ in parts]
    answers = detector.check(images, boxes, around=True) if around else detector.check(images, boxes)
    return [_moved(_larger(answer, smaller), corner) for answer, (_, corner, smaller) in zip(answers, parts, strict=True)]


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


def _small_part(frame: Frame, box: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, int]:
    """As `_part`, and how many times smaller it is: a large face needs no more pixels than ENOUGH_PX."""
    area = _area(frame, box, reach)
    smaller = int((box[2:] - box[:2]).max() // ENOUGH_PX)
    small = frame.small_part(*area, smaller) if smaller > 1 else None
    corner = np.array([area[0], area[1]] * 2, np.float32)
    return (frame.part(*area), corner, 1) if small is None else (small, corner, smaller)


def _part(frame: Frame, box: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """What lies within `reach` sides around a box, and where that begins: (2,) repeated, (4,) float32 px, even numbers."""
    area = _area(frame, box, reach)
    return frame.part(*area), np.array([area[0], area[1]] * 2, np.float32)


def _area(frame: Frame, box: np.ndarray, reach: float) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = box.tolist()
    around = max(x2 - x1, y2 - y1) * (0.5 + reach) + 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    left, right = (int(min(max(edge, 0), frame.width)) for edge in (x - around, x + around + 1))
    top, bottom = (int(min(max(edge, 0), frame.height)) for edge in (y - around, y + around + 1))
    left, top = min(left, frame.width - 1) & ~1, min(top, frame.height - 1) & ~1  # even, so that halves are rounded as in the whole picture
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _larger(found: Detections, times: int) -> Detections:
    return Detections(found.boxes * np.float32(times), found.scores, found.landmarks * np.float32(times))


def _moved(found: Detections, shift: np.ndarray) -> Detections:
    return Detections(found.boxes + shift, found.scores, found.landmarks + shift[:2])


def joined(parts: Sequence[Detections]) -> Detections:
    """All rows, those of the first part first."""
    arrays = zip(*((one.boxes, one.scores, one.landmarks) for one in parts), strict=True)
    return Detections(*(np.concatenate(same) for same in arrays))
