"""Frames of a file that are held back a moment, because what comes next says more about them.

A file can wait: a face that a search finds is looked for in the frames before, one that was hidden for a moment is drawn there too once
it is back, and what was seen in one frame alone is never shown.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from stream.analysis.followed import Track
from stream.faces import State
from stream.frame import Frame

LONGEST_S = 1.0
"""Frames are held for so long at most."""
MOST_PIXELS, MOST_FRAMES = 6e7, 100
"""Pixels and number of all held frames of a source: 29 frames of 1080p, a hundred megabytes as they were decoded."""


@dataclass(slots=True, eq=False)
class Seen:
    """One face in one frame."""

    track: Track
    box: np.ndarray
    """(4,) float32 px."""
    landmarks: np.ndarray
    """(5, 2) float32 px."""
    score: float
    velocity: tuple[float, float]
    state: State
    unseen_s: float = 0.0


@dataclass(slots=True, eq=False)
class Entry:
    """A frame that is held."""

    frame: Frame
    scene: int
    """From 0, one more after each cut."""
    cut: bool
    """The scene begins here."""
    step_s: float
    """Since the frame before; infinite for the first."""
    thumbnail: np.ndarray
    """(rows, columns) float32: `cuts.thumbnail` of it."""
    anew: bool = False
    """All is looked at anew in it, whenever it was last."""
    searched: bool = False
    """All of it was."""
    searched_s: float | None = None
    """When a frame up to this one was."""
    seen: list[Seen] = field(default_factory=list)

    def of(self, track: Track) -> Seen | None:
        return next((one for one in self.seen if one.track is track), None)


def reach_s(entry: Entry) -> float:
    """How far back frames of that size, at that rate, are held."""
    fit = min(MOST_PIXELS // (entry.frame.width * entry.frame.height), MOST_FRAMES) - 1
    return min(LONGEST_S, max(fit, 0) * entry.step_s) if np.isfinite(entry.step_s) else LONGEST_S


class Lookback:
    """The newest frames of one source, oldest first."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self._pixels, self._settled = 0, 0

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._pixels += entry.frame.width * entry.frame.height

    def settle(self, longest_s: float) -> list[Entry]:
        """One frame more counts as looked at. Those that have been held for long enough, or must go to make room; one is always kept."""
        self._settled += 1
        released = []
        while self._settled > 1 and (self._span_s > longest_s or self._pixels > MOST_PIXELS or self._settled > MOST_FRAMES):
            released.append(self._pop())
        return released

    def release_all(self) -> list[Entry]:
        """All that count as looked at. Nothing is kept."""
        released = [self._pop() for _ in range(self._settled)]
        self.entries.clear()
        self._pixels = 0
        return released

    def fill(self, now: Seen, at: Entry) -> None:
        """A face was seen again in the frame that comes next: in those held where it was not, it is drawn on the way between."""
        gap: list[Entry] = []
        for entry in reversed(self.entries):
            if entry.scene != at.scene:
                return
            if (last := entry.of(now.track)) is not None:
                break
            gap.append(entry)
        else:
            return
        whole_s = at.frame.time_s - entry.frame.time_s
        if whole_s > entry.frame.time_s - now.track.born_s or not now.track.steady or now.track.doubted_s > entry.frame.time_s:
            return  # it flickers: who has hardly been seen may not have been there
        for between in gap:
            since_s = between.frame.time_s - entry.frame.time_s
            share = np.float32(since_s / whole_s)
            box, landmarks = last.box + share * (now.box - last.box), last.landmarks + share * (now.landmarks - last.landmarks)
            between.seen.append(Seen(now.track, box, landmarks, min(last.score, now.score), now.velocity, "predicted", since_s))

    def take_back(self, track: Track) -> None:
        """What was seen of a track since it was last seen for certain is no face."""
        for entry in self.entries:
            if entry.frame.time_s > track.certain_s:
                entry.seen = [one for one in entry.seen if one.track is not track]

    @property
    def _span_s(self) -> float:
        return self.entries[self._settled - 1].frame.time_s - self.entries[0].frame.time_s

    def _pop(self) -> Entry:
        entry = self.entries.popleft()
        self._settled -= 1
        self._pixels -= entry.frame.width * entry.frame.height
        return entry
