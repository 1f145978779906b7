"""Where faces are hidden over time: whatever may be one is covered, before it is first seen, after it is last seen, and in between.

Here a mistake in one direction is ugly and in the other a breach, so all that speaks for a face counts: weak finds, faces that are told of
without being seen, places where one should be. Nothing is ever confirmed first.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from models.detection.detections import Detections
from models.imaging.boxes import iou
from stream.analysis.assignment import assign, centres_apart
from stream.analysis.box_filter import BoxFilter
from stream.analysis.cuts import is_cut, thumbnail
from stream.analysis.heads import head
from stream.faces import Analysis, Face, Hidden
from stream.frame import Frame
from stream.settings.schema import HideSettings

SAME = 0.4
"""Overlap (IoU) from which a weak find and a face that is told of are one (a guess)."""
REACH = 1.0
"""How far from where it should be a face is still the same, in sides; a size that differs by a factor of 2.7 counts as a side (a guess)."""
GROWS = 1.0
"""By how much the cover of a face that nobody sees grows on each side, in sides of it each second (a guess: a walk, seen close by)."""
WAITS_S = 0.25
"""Frames of a file are held for so much longer than their places: what is hardly a face may be seen again (a guess)."""
NUMBERS = itertools.count(1)
"""Of all chains of this process: no two of them, in whatever pictures, share their noise."""
MOST_PIXELS = 1.5e8
"""Of all frames of a file that are held: 18 frames of 4K, two hundred megabytes as they were decoded."""


@dataclass(slots=True, eq=False)
class _Spot:
    """Something that may be a face."""

    box: np.ndarray
    landmarks: np.ndarray
    score: float
    """0..1, the detector's."""


@dataclass(slots=True, eq=False)
class _Chain:
    """Spots that follow each other."""

    number: int
    scene: int
    filter: BoxFilter
    spot: _Spot
    """The newest."""
    first: _Spot
    first_s: float
    score: float = 0.0
    """The sum of all."""
    covered_before_s: float = 0.0
    """For how long before the first it is covered."""

    def holds_s(self, longest_s: float) -> float:
        """For how long it is covered where it is not seen: what was seen but once, and hardly, less long."""
        return longest_s * min(1.0, self.score)

    def expected(self, time_s: float) -> _Spot:
        box = self.filter.predict(time_s)
        shift = (box[:2] + box[2:] - self.spot.box[:2] - self.spot.box[2:]) / 2
        return _Spot(box, self.spot.landmarks + shift, 0.0)


@dataclass(slots=True, eq=False)
class _Look:
    """How a scene looked when it was last seen."""

    scene: int
    thumbnail: np.ndarray
    last_s: float


@dataclass(slots=True, eq=False)
class Veiled:
    """A frame, and what of it is covered."""

    frame: Frame
    analysis: Analysis
    shown: Sequence[Face]
    """Those of its faces that are not to be hidden."""
    how: HideSettings
    scene: int
    areas: list[tuple[int, np.ndarray]] = field(default_factory=list)
    """The number of each chain, and what is covered of it, (4,) px."""

    @property
    def hidden(self) -> Analysis:
        """What was found in it, with what is covered."""
        areas = np.array([area for _, area in self.areas], np.float32).reshape(-1, 4)
        return hide(self.analysis, self.shown, hidden(self.how, areas, tuple(number for number, _ in self.areas)))


class Veils:
    """Covers the faces of one source, whose frames come in order."""

    def __init__(self, *, live: bool) -> None:
        """
        Args:
            live: frames cannot wait: nothing is covered before it is found.
        """
        self._live = live
        self._held: deque[Veiled] = deque()
        self._chains: list[_Chain] = []
        self._scene, self._scenes = 0, itertools.count(1)
        self._looks: list[_Look] = []
        """Of the last moments, the newest last."""
        self._before: Frame | None = None

    def add(self, frame: Frame, analysis: Analysis, shown: Sequence[Face], found: Detections, how: HideSettings) -> list[Veiled]:
        """The next frame. Those that are final now, in order.

        Args:
            analysis: all faces that are told of.
            shown: those of them that are not to be hidden.
            found: all that may be faces, weak finds too.
        """
        now = Veiled(frame, analysis, shown, how, self._scene_of(frame, how.hold_s))
        margin, hold_s = how.margin, how.hold_s
        others = [one for one in analysis.faces if not any(one is other for other in shown)]
        shown = [one for one in shown if one.unseen_s == 0]  # where nobody sees them now, others may have come
        spots = _spots(others, shown, found)
        self._chains = [one for one in self._chains if one.scene != now.scene or not _is_one_of(one.expected(frame.time_s).box, shown)]
        pairs = self._pairs(spots, frame.time_s)
        for chain, spot in pairs:
            self._fill(chain, spot, now, margin)
            chain.filter.correct(spot.box, frame.time_s)
            chain.spot = spot
            chain.score += spot.score
            self._cover_before(chain, now.scene, margin, chain.holds_s(hold_s))
            now.areas.append((chain.number, _moving(head(spot.box, spot.landmarks, margin), chain, self._step_s(frame))))
        for spot in spots:
            if not any(spot is other for _, other in pairs):
                chain = _Chain(next(NUMBERS), now.scene, BoxFilter(spot.box, frame.time_s), spot, spot, frame.time_s, spot.score)
                self._chains.append(chain)
                now.areas.append((chain.number, head(spot.box, spot.landmarks, margin)))
                self._cover_before(chain, now.scene, margin, chain.holds_s(hold_s))
        self._cover_after(now, margin, hold_s)
        self._held.append(now)
        self._before = frame
        return self._released(hold_s)

    def rest(self) -> list[Veiled]:
        """Those that are held: no frame comes any more."""
        held = list(self._held)
        self._held.clear()
        return held

    def _scene_of(self, frame: Frame, hold_s: float) -> int:
        """Beyond a cut there is nobody of before: who is there after it has been searched for there. A camera has none: what looks like one
        is a lamp, or something that passes close by.
        """
        before, small = self._before, thumbnail(frame)
        resized = before is not None and (before.width, before.height) != (frame.width, frame.height)
        if resized or (before is not None and frame.time_s < before.time_s):
            self._scene, self._chains, self._looks = next(self._scenes), [], []
        known = [one for one in reversed(self._looks) if self._live or not is_cut(one.thumbnail, small)]
        if self._looks and not known:
            self._scene = next(self._scenes)
        elif known and known[0].scene < self._scene:
            self._go_back_to(known[0].scene)
        looks = [one for one in self._looks if one not in known[:1] and frame.time_s - one.last_s <= hold_s]
        self._looks = [*looks, _Look(self._scene, small, frame.time_s)]
        return self._scene

    def _go_back_to(self, scene: int) -> None:
        """It was no cut: a flash, or something large passed. What was meanwhile belongs to the scene."""
        of_scenes: list[Veiled | _Chain | _Look] = [*self._held, *self._chains, *self._looks]
        for one in of_scenes:
            one.scene = min(one.scene, scene)
        self._scene = scene

    def _step_s(self, frame: Frame) -> float:
        return frame.time_s - self._before.time_s if self._before is not None else 0.0

    @property
    def _here(self) -> list[_Chain]:
        return [one for one in self._chains if one.scene == self._scene]

    def _pairs(self, spots: Sequence[_Spot], time_s: float) -> list[tuple[_Chain, _Spot]]:
        chains = self._here
        if not chains or not spots:
            return []
        expected = np.stack([one.expected(time_s).box for one in chains])
        pairs = assign(_distances(expected, np.stack([one.box for one in spots])), REACH)
        return [(chains[row], spots[column]) for row, column in pairs]

    def _fill(self, chain: _Chain, spot: _Spot, now: Veiled, margin: float) -> None:
        """It was lost for a while: in the frames held in between it is covered on the way from there to here."""
        begin_s, whole_s = chain.filter.time_s, now.frame.time_s - chain.filter.time_s
        for between in reversed(self._held):
            since_s = between.frame.time_s - begin_s
            if since_s <= 0 or between.scene != now.scene:
                return
            share = np.float32(since_s / whole_s)
            box = chain.spot.box + share * (spot.box - chain.spot.box)
            landmarks = chain.spot.landmarks + share * (spot.landmarks - chain.spot.landmarks)
            between.areas.append((chain.number, _grown(head(box, landmarks, margin), box, min(since_s, whole_s - since_s))))

    def _cover_before(self, chain: _Chain, scene: int, margin: float, hold_s: float) -> None:
        """It was there before it was found: for so long, what is covered already left as it is."""
        if hold_s <= chain.covered_before_s:
            return
        area = head(chain.first.box, chain.first.landmarks, margin)
        for held in reversed(self._held):
            before_s = chain.first_s - held.frame.time_s
            if before_s > hold_s or held.scene != scene:
                break
            if before_s > chain.covered_before_s:
                held.areas.append((chain.number, _grown(area, chain.first.box, before_s)))
        chain.covered_before_s = hold_s

    def _cover_after(self, now: Veiled, margin: float, hold_s: float) -> None:
        """It is still there when it is found no more."""
        time_s = now.frame.time_s
        self._chains = [one for one in self._chains if time_s - one.filter.time_s <= one.holds_s(hold_s)]
        for chain in self._here:
            if (unseen_s := time_s - chain.filter.time_s) > 0:
                expected, area = chain.expected(time_s), head(chain.spot.box, chain.spot.landmarks, margin)
                both = _around([area, head(expected.box, expected.landmarks, margin)])  # it went on, or it stopped
                now.areas.append((chain.number, _grown(both, expected.box, unseen_s)))

    def _released(self, hold_s: float) -> list[Veiled]:
        out = []
        newest = self._held[-1].frame
        while self._held and (self._live or newest.time_s - self._held[0].frame.time_s > hold_s + WAITS_S or self._is_full):
            out.append(self._held.popleft())
        return out

    @property
    def _is_full(self) -> bool:
        newest = self._held[-1].frame
        return len(self._held) > 1 and len(self._held) * newest.width * newest.height > MOST_PIXELS


def hide(analysis: Analysis, shown: Sequence[Face], how: Hidden) -> Analysis:
    """The same faces, of which all but those `shown` are hidden."""
    faces = tuple(face if any(face is one for one in shown) else replace(face, hidden=True) for face in analysis.faces)
    return replace(analysis, faces=faces, hidden=how)


def hidden(how: HideSettings, areas: np.ndarray, keys: tuple[int, ...] = (), *, whole: bool = False) -> Hidden:
    """What is hidden, as the settings have it. They must not say "none"."""
    if how.style == "none":
        raise ValueError("hide.style is none: nothing is hidden")
    return Hidden(how.style, how.shape, areas, keys, whole)


def _spots(hidden: Iterable[Face], shown: Sequence[Face], found: Detections) -> list[_Spot]:
    """What may be a face, once each; nothing of those that are shown."""
    spots = [_Spot(face.box, face.landmarks, face.score) for face in hidden]
    for box, landmarks, score in zip(found.boxes, found.landmarks, found.scores.tolist(), strict=True):
        if _is_one_of(box, shown):
            continue
        overlap = iou(box[None], np.stack([one.box for one in spots]))[0] if spots else np.zeros(1)
        if overlap.max() < SAME:
            spots.append(_Spot(box, landmarks, score))
        else:
            same = spots[int(overlap.argmax())]
            same.box, same.score = _around([same.box, box]), max(same.score, score)
    return spots


def _is_one_of(box: np.ndarray, faces: Sequence[Face]) -> bool:
    return bool(faces) and bool(iou(box[None], np.stack([one.box for one in faces])).max() >= SAME)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) how far the boxes `b` (M, 4) lie from the boxes `a` (N, 4), in sides, a difference in size added."""
    apart, sides_a, sides_b = centres_apart(a, b)
    return np.asarray(apart / np.maximum(sides_a, sides_b) + np.abs(np.log(sides_a / sides_b)))


def _around(areas: Sequence[np.ndarray]) -> np.ndarray:
    stacked = np.stack(areas)
    return np.concatenate([stacked[:, :2].min(axis=0), stacked[:, 2:].max(axis=0)])


def _moving(area: np.ndarray, chain: _Chain, step_s: float) -> np.ndarray:
    """All that it passes within a frame."""
    x, y = np.abs(chain.filter.velocity) * np.float32(step_s)
    return np.asarray(area + np.array([-x, -y, x, y], np.float32))


def _grown(area: np.ndarray, box: np.ndarray, unseen_s: float) -> np.ndarray:
    side = float(np.sqrt(max(float((box[2:] - box[:2]).prod()), 1.0)))
    return np.asarray(area + np.float32(GROWS * unseen_s * side) * np.array([-1, -1, 1, 1], np.float32))
