"""What was found in a frame: small records, where people are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

LONGEST_GUESS_S = 0.5
"""For how long a face is moved along its velocity after it was last seen (a guess: longer drifts off turning heads)."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one frame."""

    box: np.ndarray
    """(4,) float32, pixels of the full frame: x1, y1, x2, y2; half-open."""
    score: float
    """The detector's, 0..1."""
    landmarks: np.ndarray
    """(5, 2) float32, pixels: left eye, right eye, nose, left and right mouth corner, as seen in the picture."""
    track: int = 0
    """Number of the track, from 1, per source; 0 where nothing was tracked."""
    velocity: tuple[float, float] = (0.0, 0.0)
    """Pixels per second, right and down."""
    label: str | None = None
    """The classifier's word for this face; None without a classifier."""
    probability: float | None = None
    """0..1, of `label`."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Each label's probability."""

    def moved(self, seconds: float) -> Face:
        """The same face where its velocity brings it after that time."""
        shift = np.array(self.velocity, np.float32) * np.float32(seconds)
        return replace(self, box=self.box + np.tile(shift, 2), landmarks=self.landmarks + shift)


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What one look at one frame found."""

    source: str
    index: int
    time_s: float
    """Time of the frame that was looked at, seconds on the source's clock."""
    faces: tuple[Face, ...] = ()

    def at(self, time_s: float) -> Analysis:
        """The faces where they should be by then: each moved along its velocity for half a second at most."""
        ahead = min(max(time_s - self.time_s, 0.0), LONGEST_GUESS_S)
        if ahead == 0.0:
            return self
        return replace(self, faces=tuple(face.moved(ahead) for face in self.faces))
