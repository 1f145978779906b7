"""Films whose truth is known: heads of two public-domain portraits, moved over a quiet wall."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import numpy as np

from models.detection.detector import Detector
from models.imaging.boxes import iou
from stream.analysis.analyser import Analyser
from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.settings.loading import load_settings

TICKS = 1000
"""A second."""
HEADS = {"hopper": (150, 30, 372, 330), "astronaut": (130, 10, 310, 250)}
"""Where the heads lie in the portraits: x1, y1, x2, y2."""


@dataclass
class Actor:
    """Somebody's head."""

    picture: np.ndarray
    """(H, W, 3) uint8: the head, cut out."""
    place: Callable[[float], tuple[float, float, float] | None]
    """Centre (x, y) and width at a moment, px; None: not there."""


@dataclass
class Film:
    """What the camera sees."""

    actors: Sequence[Actor]
    size: tuple[int, int] = (480, 360)
    """Width, height."""
    wall: Callable[[float], int] = lambda time_s: 90
    """How bright it is."""

    def picture(self, time_s: float) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        width, height = self.size
        image = np.full((height, width, 3), self.wall(time_s), np.uint8)
        image[:, :, 2] += (np.arange(width) // 40 % 2 * 6).astype(np.uint8)
        for actor in self.actors:
            if (there := actor.place(time_s)) is not None:
                x, y, wide = there
                scale = wide / actor.picture.shape[1]
                rows, columns = actor.picture.shape[:2]
                move = np.array([[scale, 0, x - wide / 2], [0, scale, y - rows * scale / 2]], np.float32)
                mask = np.zeros((rows, columns), np.uint8)
                cv2.ellipse(mask, (columns // 2, rows // 2), (columns // 2 - 2, rows // 2 - 2), 0, 0, 360, (255,), -1)
                head = cv2.warpAffine(actor.picture, move, self.size, flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
                alpha = cv2.warpAffine(mask, move, self.size, flags=cv2.INTER_LINEAR)[:, :, None] / 255
                image = (head * alpha + image * (1 - alpha)).astype(np.uint8)
        return image

    def frames(self, times: Sequence[float], name: str = "film") -> list[Frame]:
        return [
            Frame.of_image(
                self.picture(time_s), source=name, captured_at=0.0, index=index, pts=round(time_s * TICKS), time_base=Fraction(1, TICKS)
            )
            for index, time_s in enumerate(times)
        ]


def head(picture: np.ndarray, name: str) -> np.ndarray:
    """A head cut out of its portrait."""
    x1, y1, x2, y2 = HEADS[name]
    return np.ascontiguousarray(picture[y1:y2, x1:x2])


def at_rate(seconds: float, rate: float = 25.0) -> list[float]:
    return [number / rate for number in range(round(seconds * rate))]


@dataclass
class Counting:
    """A detector that counts what it is asked."""

    inner: Detector
    searches: list[int] = field(default_factory=list)
    """How many pictures each call searched."""
    checks: list[int] = field(default_factory=list)
    """How many places each call checked."""
    candidates_dropped = 0

    @property
    def name(self) -> str:
        return self.inner.name

    def detect(self, images: Sequence[np.ndarray], min_face_px: int | Sequence[int] | None = None):  # type: ignore[no-untyped-def]
        self.searches.append(len(images))
        return self.inner.detect(images, min_face_px)

    def check(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], *, around: bool = False):  # type: ignore[no-untyped-def]
        self.checks.append(sum(len(mine) for mine in boxes))
        return self.inner.check(images, boxes, around=around)

    def expect(self, height: int, width: int, min_face_px: int | None = None, at_a_time: int = 1) -> None:
        self.inner.expect(height, width, min_face_px, at_a_time)


def followed(
    frames: Sequence[Frame],
    detector: Detector,
    *changes: str,
    model: object = None,
    identifier: object = None,
    live: bool = False,
    at_a_time: int = 4,
) -> list[Analysis]:
    """What the user gets of each frame, in order."""
    analyser = Analyser(detector, model, identifier)  # type: ignore[arg-type]
    manager = analyser.follow(SourceInfo("film", live=live), load_settings(None, list(changes)))
    told: list[tuple[Frame, Analysis]] = []
    for start in range(0, len(frames), 1 if live else at_a_time):
        some = frames[start : start + (1 if live else at_a_time)]
        for frame, analysis in zip(some, analyser.look(some, [manager] * len(some)), strict=True):
            told += manager.settle(frame, analysis)
    told += manager.flush()
    assert [frame.index for frame, _ in told] == [frame.index for frame in frames], "each frame once, in order"
    assert [analysis.index for _, analysis in told] == [frame.index for frame in frames]
    return [analysis for _, analysis in told]


def face_at(analysis: Analysis, there: tuple[float, float, float]) -> Face | None:
    """The face whose box has the actor's centre in it."""
    x, y, _ = there
    inside = [face for face in analysis.faces if face.box[0] <= x <= face.box[2] and face.box[1] <= y <= face.box[3]]
    return inside[0] if len(inside) == 1 else None


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float(iou(one[None], other[None])[0, 0])
