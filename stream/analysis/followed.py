"""The faces of one source that are being followed, and how finds are given to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from models.detection.detections import Detections
from models.imaging.boxes import iou
from stream.analysis.assignment import assign, centres_apart
from stream.analysis.box_filter import BoxFilter
from stream.analysis.track_answer import TrackAnswer
from stream.analysis.track_identity import TrackIdentity
from stream.faces import State
from stream.frame import Frame

STRONG = 0.6
"""From this score on a check says as much as a search that finds the face (O-Net's .7 lies among the authors' .6, .7, .7)."""
WEAK = 0.45
"""From this score on it still keeps a face that was seen well a moment ago: turned or blurred ones score so (the authors' lowest value)."""
SURE = 0.8
"""What checks of a face must score on average for it to be believed although a search of the whole picture has overlooked it. When searches
overlooked faces that were turned, blurred or dark (72 photos), checks scored so much in .93 of the cases; when they overlooked what is no
face (157 photos of nobody, panned across), in .06."""
CERTAIN = 0.95
"""From this score on a single check says as much (the best check between two such searches: .95 of the faces, .18 of the others)."""
MOST_SURE = 0.9, 0.98
"""The most that is asked for in their place, whatever the user asks of a find: surer than that few checks are (a guess)."""
SURE_OF = 20
"""Looks in that mean, about a second's."""
DOUBTFUL = 2.0
"""How many times as much the box of such a find may be wrong (a guess)."""
STEADY = 0.7
"""Least share of looks that saw a face well for a weak one to count: what flickers is seldom a face (a guess)."""
SAME = 0.6
"""Overlap (IoU) from which two boxes are one face's."""
NEAR, FURTHER_PER_S, FURTHEST = 0.6, 2.0, 2.0
"""How far from where it should be a face that overlaps nothing is still taken for a known one: sides of the face at once, more for each
second it was not seen, and never more than that (a guess). A quarter more or less in size counts as about half a side."""
LARGEST_SHARE = 3.0
"""No face's box is so many times larger than the picture."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What the detector's scores mean."""

    strong: float = STRONG
    """From here on a check sees a face well."""
    weak: float = WEAK
    """And from here on at all."""
    sure: float = SURE
    """So much on average says that a face is there that a search has overlooked."""
    certain: float = CERTAIN
    """And so much at once."""

    @classmethod
    def for_lowest(cls, share: float) -> Self:
        """Where the user asks for so many times as much of a find as by default."""
        return cls(STRONG * share, WEAK * share, min(SURE * share, MOST_SURE[0]), min(CERTAIN * share, MOST_SURE[1]))


@dataclass(slots=True, eq=False)
class Track:
    """One face over time."""

    filter: BoxFilter
    score: float
    """The detector's, 0..1, of the newest look."""
    landmarks: np.ndarray
    """(5, 2) float32 px, where they were in the newest look."""
    born_s: float
    """When it was first seen."""
    strong_s: float
    """When it was last seen well."""
    certain_s: float
    """When a search last found it, or a check was certain of it."""
    state: State = "found"
    """What the newest look was."""
    number: int = 0
    """From 1, given when the face is first shown; 0 until then."""
    hits: int = 1
    """How often it was seen well."""
    looks: int = 1
    """How often somebody looked for it."""
    seen_in: int = 0
    """The frame it was last seen in, as `Followed.count` counts them."""
    finds: int = 1
    """How many searches found it."""
    overlooked: bool = False
    """The last search of the whole picture did not find it."""
    doubted_s: float = -np.inf
    """When that last made it doubtful that it is a face."""
    mean_score: float = 1.0
    """Of the newest checks."""
    confirmed: bool = False
    answer: TrackAnswer = field(default_factory=TrackAnswer)
    identity: TrackIdentity = field(default_factory=TrackIdentity)

    @property
    def steady(self) -> bool:
        """It has been seen well nearly whenever somebody looked."""
        return self.hits >= STEADY * self.looks

    def doubted(self, scores: Scores) -> bool:
        """What searches overlook, and checks are not sure of, is mostly no face."""
        return self.overlooked and self.mean_score < scores.sure

    def time_since_update_s(self, time_s: float) -> float:
        """For how long it has not been seen."""
        return time_s - self.filter.time_s


class Followed:
    """The tracks of one source. SORT's frame (Bewley et al. 2016) with ByteTrack's second chance for weak finds (Zhang et al. 2022): here
    those are not left over from a search but asked for, at the place where the track should be.
    """

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self.count = 0
        """Of the frame that is looked at, from 1."""
        self.time_s = -np.inf
        """Of that frame."""
        self.scores = Scores()

    def begin(self, time_s: float, forget_after_s: float, scores: Scores) -> list[Track]:
        """The next frame. Tracks that were not seen, or not well, for so long are ended, and given back; all of them, where time runs
        back.
        """
        back, last = time_s < self.time_s, self.count
        self.count, self.time_s, self.scores = self.count + 1, time_s, scores
        over = [
            one
            for one in self.tracks
            if back
            or (
                time_s - min(one.filter.time_s, one.strong_s) > forget_after_s
                and not (one.seen_in == last and one.strong_s == one.filter.time_s)  # seen well in the frame before, however long ago
            )
        ]
        self.end(over)
        return over

    def end(self, tracks: Iterable[Track]) -> None:
        """These are followed no longer."""
        ended = set(map(id, tracks))
        self.tracks = [one for one in self.tracks if id(one) not in ended]

    @property
    def unseen(self) -> list[Track]:
        """Those that were not seen in this frame yet."""
        return [one for one in self.tracks if one.seen_in != self.count]

    def match(self, found: Detections, min_overlap: float, *, anew: bool = False) -> list[Track]:
        """Gives the finds of a search to tracks, and begins new ones. The new ones.

        First to those that they overlap where those should be by now, then, without looks, to what is left of them near by and of like
        size; each time so that all pairs together fit best.

        Args:
            anew: what is found of a track is all that is known of its movement from now on.
        """
        boxes = found.boxes
        pairs = self._overlapping(boxes, min_overlap)
        pairs += self._near(boxes, pairs)
        for one in self.tracks:
            one.overlooked = True
        for row, column in pairs:
            if anew:
                self.tracks[row].filter = BoxFilter(boxes[column], self.time_s)
            self._see(self.tracks[row], found, column, "found", measures=not anew)
        taken = [self.tracks[row].filter.box for row, _ in pairs]
        new: list[Track] = []
        for column in sorted(set(range(len(found))) - {column for _, column in pairs}):
            if _apart(boxes[column], taken):
                taken.append(boxes[column])
                score, landmarks, now = float(found.scores[column]), found.landmarks[column], self.time_s
                its = Track(BoxFilter(boxes[column], now), score, landmarks, born_s=now, strong_s=now, certain_s=now)
                its.seen_in, its.mean_score = self.count, score
                new.append(its)
        self.tracks += new
        return new

    def check(self, tracks: Sequence[Track], found: Detections) -> None:
        """Takes what checks of these tracks saw, a row for each."""
        taken = [one.filter.box for one in self.tracks if one.seen_in == self.count]
        for row in sorted(range(len(tracks)), key=lambda row: -tracks[row].hits):  # where two meet, the one known for longer stays
            track, score = tracks[row], float(found.scores[row])
            enough = self.scores.weak if track.steady else self.scores.strong
            if track.doubted(self.scores):
                enough = self.scores.certain
            track.mean_score += (score - track.mean_score) / min(track.looks + 1, SURE_OF)
            if score >= enough and _apart(found.boxes[row], taken):
                self._see(track, found, row, "checked")
                taken.append(found.boxes[row])
            else:
                track.looks += 1

    def _overlapping(self, boxes: np.ndarray, min_overlap: float) -> list[tuple[int, int]]:
        if not self.tracks or not len(boxes):
            return []
        expected = np.stack([one.filter.predict(self.time_s) for one in self.tracks])
        apart = 1 - iou(expected, boxes)
        return assign(np.where(apart < 1, apart, 2.0), 1 - min_overlap)

    def _near(self, boxes: np.ndarray, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Pairs of what is left."""
        rows = sorted(set(range(len(self.tracks))) - {row for row, _ in pairs})
        columns = sorted(set(range(len(boxes))) - {column for _, column in pairs})
        if not rows or not columns:
            return []
        left = [self.tracks[row] for row in rows]
        expected = np.stack([one.filter.predict(self.time_s) for one in left])
        distances = _distances(expected, boxes[columns])
        reach = np.array([min(NEAR + FURTHER_PER_S * one.time_since_update_s(self.time_s), FURTHEST) for one in left])
        return [(rows[row], columns[column]) for row, column in assign(distances / reach[:, None], 1.0)]

    def _see(self, track: Track, found: Detections, row: int, state: State, *, measures: bool = True) -> None:
        score = float(found.scores[row])
        strong = state == "found" or score >= self.scores.strong
        if measures:
            track.filter.correct(found.boxes[row], self.time_s, 1.0 if strong else DOUBTFUL)
        track.score, track.landmarks, track.state, track.seen_in = score, found.landmarks[row], state, self.count
        track.looks += 1
        if state == "found":
            track.finds, track.overlooked = track.finds + 1, False
        if state == "found" or score >= self.scores.certain:
            track.certain_s = self.time_s
        if strong:
            track.hits += 1
            track.strong_s = self.time_s


def is_inside(box: np.ndarray, frame: Frame) -> bool:
    """Whether the middle of a box lies in the picture."""
    x, y = (box[:2] + box[2:]) / 2
    return bool(0 <= x < frame.width and 0 <= y < frame.height)


def sound(found: Detections, frame: Frame) -> Detections:
    """Without boxes that are none, or far larger than the picture: a broken detector must not end a run."""
    sides, most = found.boxes[:, 2:] - found.boxes[:, :2], LARGEST_SHARE * max(frame.width, frame.height)
    return found.take(np.flatnonzero(np.isfinite(found.boxes).all(axis=1) & (sides > 0).all(axis=1) & (sides < most).all(axis=1)))


def _apart(box: np.ndarray, others: Sequence[np.ndarray]) -> bool:
    return not others or bool(iou(box[None], np.stack(others)).max() < SAME)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) how far the boxes `b` (M, 4) lie from the boxes `a` (N, 4), in sides, a difference in size added."""
    apart, sides_a, sides_b = centres_apart(a, b)
    return np.asarray(apart / np.minimum(sides_a, sides_b) + 2 * np.abs(np.log(sides_a / sides_b)))
