"""Checks and looks of the face model at parts of frames: of a large picture only what lies around its faces is made RGB."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.detections import AROUND_REACH, CHECK_REACH, Detections, take_nearest
from models.imaging.crops import whole_squares
from stream.analysis.requests import Ask, Check
from stream.frame import Frame
from stream.media import cv2

if TYPE_CHECKING:
    from models.detection.detector import Detector


ENOUGH_PX = 96
"""Side of a face that is large enough to be checked: O-Net looks at 48 px."""
AROUND_BELOW = 0.5
"""Where a check scores lower, it is looked around that place: a face that scores more is believed to be there."""

SEARCHES_FIND_PX = 64
"""From this side on a search of all of a frame finds what a look around a place does. Of smaller ones the look, which is at another scale,
finds more: in a crowd of the 20 clips 348 faces are told of where all are looked around, 340 so, and 313 with a value of 32."""


def answer_checks(detector: Detector, checks: Sequence[Check]) -> None:
    """Has all places of all frames checked in one call, and those where no face is seen looked around in another; of frames that have been
    searched what was found around them counts.
    """
    frames = [check.frame for check in checks for _ in check.boxes]
    boxes = np.concatenate([check.boxes for check in checks])
    found = _checked(detector, frames, boxes, around=False)
    searched = [check.searched if _is_found_by_searches(box) else None for check in checks for box in check.boxes]
    doubtful = np.flatnonzero(found.scores < AROUND_BELOW)
    for number in doubtful.tolist():
        if (there := searched[number]) is not None:
            take_nearest(found, number, boxes[number], there)
    doubtful = np.array([number for number in doubtful.tolist() if searched[number] is None], int)
    if len(doubtful):
        again = _checked(detector, [frames[number] for number in doubtful], boxes[doubtful], around=True)
        found.boxes[doubtful], found.scores[doubtful], found.landmarks[doubtful] = again.boxes, again.scores, again.landmarks
    for check, end in zip(checks, np.cumsum([len(check.boxes) for check in checks]).tolist(), strict=True):
        check.found = found.take(np.arange(end - len(check.boxes), end))


def _is_found_by_searches(box: np.ndarray) -> bool:
    return float((box[2:] - box[:2]).max()) >= SEARCHES_FIND_PX


def _checked(detector: Detector, frames: Sequence[Frame], boxes: np.ndarray, *, around: bool) -> Detections:
    """One row for each of (N, 4) boxes, the i-th in `frames[i]`.

    What is around them is laid side by side in one picture: looking at many small pictures costs more than the network does.
    """
    cells = [_Cell.around(frame, box, AROUND_REACH if around else CHECK_REACH) for frame, box in zip(frames, boxes, strict=True)]
    begins = np.cumsum([0, *(cell.width for cell in cells)])
    strip = np.zeros((max(cell.height for cell in cells), int(begins[-1]), 3), np.uint8)
    for cell, begin in zip(cells, begins[:-1].tolist(), strict=True):
        x, y = begin + cell.left, cell.top
        strip[y : y + cell.part.shape[0], x : x + cell.part.shape[1]] = cell.part
    corners = np.array([cell.corner for cell in cells], np.float32)
    places = np.array([(begin + cell.left, cell.top) for cell, begin in zip(cells, begins.tolist(), strict=False)], np.float32)
    smaller = np.array([cell.smaller for cell in cells], np.float32)[:, None]
    there = (boxes - np.tile(corners, 2)) / smaller + np.tile(places, 2)
    (found,) = detector.check([strip], [there], around=True) if around else detector.check([strip], [there])
    return Detections(
        (found.boxes - np.tile(places, 2)) * smaller + np.tile(corners, 2),
        found.scores.copy(),
        (found.landmarks - places[:, None]) * smaller[:, None] + corners[:, None],
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Cell:
    """What is around one box, with room for what of it lies outside the picture: that is black, as it is everywhere."""

    part: np.ndarray
    """(h, w, 3) uint8 RGB: what lies in the picture."""
    corner: tuple[int, int]
    """Where in the picture the part begins: x, y in its pixels."""
    smaller: int
    """How many times smaller the part is than there."""
    left: int
    """Columns outside the picture before it, so much smaller."""
    top: int
    width: int
    """Of the part and what is outside the picture."""
    height: int

    @classmethod
    def around(cls, frame: Frame, box: np.ndarray, reach: float) -> Self:
        x1, y1, x2, y2 = box.tolist()
        side = max(x2 - x1, y2 - y1)
        half = side * (0.5 + reach) + 2
        begin_x, begin_y = math.floor((x1 + x2) / 2 - half), math.floor((y1 + y2) / 2 - half)
        area = _area(frame.width, frame.height, box, reach)
        smaller = _smaller(side)
        small = frame.small_part(*area, smaller) if smaller > 1 else frame.part(*area)
        if small is None:
            whole = frame.part(*area)
            size = max(whole.shape[1] // smaller, 1), max(whole.shape[0] // smaller, 1)
            small = cv2.resize(whole[: size[1] * smaller, : size[0] * smaller], size, interpolation=cv2.INTER_AREA)
        left, top = (-(-max(edge - begin, 0) // smaller) for edge, begin in ((area[0], begin_x), (area[1], begin_y)))
        room = math.ceil((2 * half + 2) / smaller)
        return cls(small, area[:2], smaller, left, top, max(room, left + small.shape[1]), max(room, top + small.shape[0]))


def looked_at(width: int, height: int, box: np.ndarray) -> tuple[int, ...]:
    """Which pixels a check of a box looks at, as whole numbers: where those of two boxes are equal, so are their answers, but for rounding.

    Args:
        width, height: of the frame, px.
        box: (4,) float32 px.
    """
    smaller = _smaller(float(max(box[2] - box[0], box[3] - box[1])))
    numbers = [smaller]
    for reach, margins in ((CHECK_REACH, (0.0, CHECK_REACH)), (AROUND_REACH, (AROUND_REACH, AROUND_REACH - CHECK_REACH))):
        area = _area(width, height, box, reach)
        within = (box - np.array([area[0], area[1]] * 2, np.float32)) / np.float32(smaller)
        numbers += area
        numbers += [int(edge) for margin in margins for edge in whole_squares(within, margin)[0]]
    return tuple(numbers)


def answer_asks(model: FaceModel, asks: Sequence[Ask]) -> None:
    """Has all faces of all frames answered for in one call."""
    for ask in asks:
        crops = []
        for number in range(len(ask.faces)):
            face = ask.faces.take(np.array([number]))
            image, corner = around(ask.frame, face.boxes[0], model.reach)
            crops.append(model.cut(image, _moved(face, -corner)))
        ask.crops = np.concatenate(crops)
    answers = model.answer(np.concatenate([ask.crops for ask in asks]), np.concatenate([ask.faces.scores for ask in asks]))
    for ask, rows in zip(asks, np.split(answers, np.cumsum([len(ask.faces) for ask in asks])[:-1]), strict=True):
        ask.rows = rows


def around(frame: Frame, box: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """What lies within `reach` sides around a box, and where that begins: (2,) repeated, (4,) float32 px, even numbers."""
    area = _area(frame.width, frame.height, box, reach)
    return frame.part(*area), np.array([area[0], area[1]] * 2, np.float32)


def _area(width: int, height: int, box: np.ndarray, reach: float) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = box.tolist()
    around = max(x2 - x1, y2 - y1) * (0.5 + reach) + 2
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    left, right = (int(min(max(edge, 0), width)) for edge in (x - around, x + around + 1))
    top, bottom = (int(min(max(edge, 0), height)) for edge in (y - around, y + around + 1))
    left, top = min(left, width - 1) & ~1, min(top, height - 1) & ~1  # even, so that halves are rounded as in the whole picture
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _smaller(side: float) -> int:
    """So many times smaller a face with a side of so many px is looked at."""
    return max(int(side // ENOUGH_PX), 1)


def _moved(found: Detections, shift: np.ndarray) -> Detections:
    return Detections(found.boxes + shift, found.scores, found.landmarks + shift[:2])
