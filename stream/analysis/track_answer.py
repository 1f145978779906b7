"""What a face model says of a track: the mean of its looks, a label that does not flicker, and when to look again."""

from __future__ import annotations

import math

import numpy as np

from models.classification.face_model import FaceModel, Verdict

REMEMBERED = 4.0
"""How many of the best looks the mean remembers at most: a face that begins to smile is told within a few looks (a guess)."""
SPREAD = 0.15
"""Standard deviation of a probability from look to look of one face, as long as there are too few looks to know (a guess)."""
LEAST_SPREAD = 0.03
"""No face is looked at twice under the same light (a guess)."""
SURE = 0.98
"""From this certainty on nobody asks soon again."""
RARER = 4.0
"""So many times `every_s` is the longest time between two looks at a face whose answer is sure."""
SOONER = 5.0
"""A find that the model calls none is looked at again after this share of `every_s`: it may be a face after all."""
GROWN = 1.4
"""A face that has grown so much since is looked at again sooner."""


class TrackAnswer:
    """The answers for one track."""

    def __init__(self) -> None:
        self.looks = 0
        self.asked_s = -math.inf
        """When the newest look was asked for."""
        self._mean: np.ndarray | None = None
        self._weight, self._variance = 0.0, SPREAD**2
        self._side = 0.0
        self._wait = 1.0
        """How many times `every_s` until the next look."""
        self.certainty = 0.5
        """0.5..1: how likely the label is the one that endless looks would give."""
        self._threshold: float | None = None
        """By which the label was decided."""
        self._said: Verdict | None = None
        """With the label that is shown."""
        self.newest: str | None = None
        """The label of the newest look alone."""
        self._against, self._needed = 0, 2
        """After how many looks in a row the mean spoke for another label, and how many it takes."""

    def due(self, time_s: float, side: float, every_s: float, *, rarer: bool = True) -> bool:
        """Whether to look again.

        Args:
            side: of the face now, px.
            every_s: how often an answer that is not sure is asked for.
            rarer: one that is sure is asked for up to `RARER` times as seldom.
        """
        since = time_s - self.asked_s
        return since >= every_s * (self._wait if rarer else min(self._wait, 1.0)) or (side >= GROWN * self._side and since >= every_s / 2)

    def asked(self, time_s: float, side: float) -> None:
        """A look was asked for."""
        self.asked_s, self._side = time_s, max(side, self._side)

    def add(self, row: np.ndarray, weight: float, model: FaceModel, threshold: float | None) -> None:
        """Takes a look.

        Args:
            row: (K,) the model's.
            weight: 0..1, what the look is worth.
        """
        self.looks += 1
        self.newest = model.verdict(row, threshold).label
        self._weight = min(self._weight + weight, REMEMBERED)
        share = weight / self._weight
        if self._mean is None:
            self._mean = row.astype(np.float32)
        else:
            self._variance += max(share, 0.1) * (float(((row - self._mean) ** 2).max()) - self._variance)
            self._mean = self._mean + np.float32(share) * (row - self._mean)
        said = model.verdict(self._mean, threshold)
        self._take(threshold)
        self._decide(said)
        self.certainty = _normal(model.lead(self._mean, threshold) / self._error)
        if not said.is_face:
            self._wait = 1 / SOONER
        elif self.looks > 1 and self.certainty >= SURE:
            self._wait = min(max(self._wait, 1.0) * 2, RARER)
        else:
            self._wait = 1.0

    def verdict(self, model: FaceModel, threshold: float | None) -> Verdict | None:
        """What is said of the track; None: nobody has looked yet."""
        if self._mean is None:
            return None
        self._take(threshold)
        now = model.verdict(self._mean, threshold)
        if self._said is None:
            self._said = now
        if now.label == self._said.label or self._said.label not in now.probabilities:
            return now
        label = self._said.label
        return Verdict(label, now.probabilities[label], now.probabilities, is_face=self._said.is_face)

    def _take(self, threshold: float | None) -> None:
        """Where the user has set another one, what was said counts no more."""
        if threshold != self._threshold:
            self._threshold, self._said, self._against = threshold, None, 0

    def _decide(self, said: Verdict) -> None:
        if self._said is None or said.label == self._said.label:
            self._said, self._against = said, 0
            return
        self._against += 1
        if self._against >= self._needed:
            self._said, self._against = said, 0
            self._needed *= 2  # who has changed once needs twice as much to change again: nothing flickers for ever

    @property
    def _error(self) -> float:
        """Standard error of the mean."""
        return math.sqrt(max(self._variance, LEAST_SPREAD**2) / min(self.looks, REMEMBERED))


def _normal(deviations: float) -> float:
    """How likely a value with a normal error lies less than so many standard deviations too high."""
    return (1 + math.erf(deviations / math.sqrt(2))) / 2
