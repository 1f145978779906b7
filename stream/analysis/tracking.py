"""Which face is which from one look to the next. Works in seconds, not frames, so that dropped frames do not matter."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from models.detection.detections import Detections
from models.imaging.boxes import iou
from stream.analysis.track_identity import TrackIdentity

VELOCITY_MEMORY_S = 0.2
"""Time over which older movement fades to a third (a guess: boxes tremble by a pixel or two, heads turn in half a second)."""


@dataclass(slots=True, eq=False)
class Track:
    """One face over time."""

    box: np.ndarray
    """(4,) float32 px: where it was seen last."""
    seen_s: float
    """When, on the source's clock."""
    born_s: float
    """When it was seen first."""
    velocity: np.ndarray
    """(2,) float32 px/s of the centre."""
    number: int = 0
    """From 1, given when the face is first shown (`Tracker.name`); 0 until then."""
    looks: int = 1
    """In how many frames it was seen."""
    answer: np.ndarray | None = None
    """(K,) float32: the face model's newest."""
    answered_s: float = -np.inf
    identity: TrackIdentity = field(default_factory=TrackIdentity)
    """When that answer was asked for."""

    def expected(self, time_s: float) -> np.ndarray:
        """(4,) where the box should be by then."""
        return self.box + np.tile(self.velocity, 2) * np.float32(time_s - self.seen_s)


class Tracker:
    """Gives each face of one source a track that stays with it.

    A face belongs to the track whose expected place (last box, moved along its velocity) it overlaps most; the best
    overlaps are given away first. SORT (Bewley et al. 2016) without its Kalman filter and with greedy assignment:
    faces in one picture hardly ever overlap each other, so there is little to assign wrongly.
    """

    def __init__(self, *, forget_after_s: float = 1.0, min_overlap: float = 0.3, one_look: bool = False) -> None:
        """`one_look`: there is one picture, and no other."""
        self.forget_after_s = forget_after_s
        self.min_overlap = min_overlap
        self._one_look = one_look
        self._tracks: list[Track] = []
        self._named = 0

    def update(self, detections: Detections, time_s: float) -> list[Track]:
        """The track of each detection, in their order. Times must not run backwards."""
        self._tracks = [track for track in self._tracks if time_s - track.seen_s <= self.forget_after_s]
        matches = self._match(detections.boxes, time_s)
        found = []
        for index, box in enumerate(detections.boxes):
            track = matches.get(index)
            if track is None:
                track = Track(box, time_s, time_s, np.zeros(2, np.float32), identity=TrackIdentity(one_look=self._one_look))
                self._tracks.append(track)
            else:
                _move(track, box, time_s)
            found.append(track)
        return found

    def forget_answers(self) -> None:
        """What a face model said of them means nothing any more."""
        for track in self._tracks:
            track.answer, track.answered_s = None, -np.inf

    def name(self, track: Track) -> int:
        """The track's number; a track gets the next free one when this is first asked."""
        if track.number == 0:
            self._named += 1
            track.number = self._named
        return track.number

    def deny(self, number: int, name: str) -> None:
        """The track of that number is not that person."""
        for track in self._tracks:
            if track.number == number:
                track.identity.deny(name)

    def _match(self, boxes: np.ndarray, time_s: float) -> dict[int, Track]:
        if not self._tracks or not len(boxes):
            return {}
        expected = np.stack([track.expected(time_s) for track in self._tracks]).astype(np.float32)
        overlap = iou(expected, boxes)
        matches: dict[int, Track] = {}
        for flat in np.argsort(-overlap, axis=None, kind="stable"):
            row, column = divmod(int(flat), len(boxes))
            if overlap[row, column] < self.min_overlap or overlap[row, column] == 0:
                break
            if column not in matches and self._tracks[row] not in matches.values():
                matches[column] = self._tracks[row]
        return matches


def _move(track: Track, box: np.ndarray, time_s: float) -> None:
    seconds = time_s - track.seen_s
    if seconds > 0:
        step = (_centre(box) - _centre(track.box)) / np.float32(seconds)
        share = 1.0 if track.looks == 1 else 1 - math.exp(-seconds / VELOCITY_MEMORY_S)
        track.velocity = (np.float32(share) * step + np.float32(1 - share) * track.velocity).astype(np.float32)
    track.box = box
    track.seen_s = time_s
    track.looks += 1


def _centre(box: np.ndarray) -> np.ndarray:
    return np.asarray((box[:2] + box[2:]) / 2)
