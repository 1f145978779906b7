"""A new face is followed back in time, through the frames that are held, to where it was seen first."""

from __future__ import annotations

import numpy as np

from models.detection.detections import Detections
from models.imaging.boxes import iou
from stream.analysis.followed import SURE_OF, Scores, Track
from stream.analysis.lookback import Entry, Seen

MOST_DOUBTFUL = 5
"""So many frames in a row that show a face badly end its way back."""
BACK_OVERLAP = 0.3
"""Least overlap (IoU) of a face with itself one frame earlier (a guess)."""


class Trail:
    """A new face on its way back in time."""

    def __init__(self, track: Track, scores: Scores) -> None:
        self._scores = scores
        self._track = track
        self._mean_score, self._looks = track.score, 1
        self._box, self._step = track.filter.box, np.zeros(4, np.float32)
        self._doubtful: list[tuple[Entry, Seen]] = []
        """Seen, but not well; they count once it was seen well before them."""

    @property
    def expected(self) -> np.ndarray:
        """(4,) px: where it should be in the next frame back."""
        return self._box - self._step

    def goes_on(self, found: Detections, row: int, entry: Entry) -> bool:
        """Takes what a check of that place saw. Whether it was the face."""
        box, score = found.boxes[row], float(found.scores[row])
        known = [seen.box for seen in entry.seen]
        taken = bool(known) and iou(box[None], np.stack(known)).max() > BACK_OVERLAP
        if score < self._scores.weak or taken or iou(box[None], self._box[None]) < BACK_OVERLAP:
            return False
        self._step, self._box = self._box - box, box
        self._doubtful.append((entry, Seen(self._track, box, found.landmarks[row], score, (0.0, 0.0), "checked")))
        self._looks += 1
        self._mean_score += (score - self._mean_score) / min(self._looks, SURE_OF)
        if score >= self._scores.strong and self._mean_score >= self._scores.sure:  # a search overlooked it there
            for earlier, seen in self._doubtful:
                earlier.seen.append(seen)
            self._track.hits, self._track.looks = self._track.hits + 1, self._track.looks + len(self._doubtful)
            self._track.born_s = entry.frame.time_s
            self._doubtful = []
        return len(self._doubtful) < MOST_DOUBTFUL
