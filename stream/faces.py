"""What was found in a frame: small records, where people are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

LONGEST_GUESS_S = 0.5
"""For how long a face is moved along its velocity after it was last seen (a guess: longer drifts off turning heads)."""

PLACE_DIGITS, SHARE_DIGITS = 1, 4
"""After the point: of places in px, and of scores and probabilities, where they are told or drawn. The same for both, so that what is drawn
from events is to the bit what was drawn when they were written.
"""

HideStyle = Literal["blur", "pixelate", "fill"]
HideShape = Literal["ellipse", "rectangle"]
UNKNOWN = "unknown"
"""The word for a face that is nobody's of those who are known."""

State = Literal["found", "checked", "predicted"]
"""How a face's place is known: a search of the whole picture found it, a check of its place saw it, or nobody saw it there: it is where it
should be by what was seen before, or before and after.
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Who a face is, as far as it is decided."""

    name: str | None
    """None: nobody of those who are known."""
    score: float
    """How rare it is that a stranger is so much like that person, or the nearest of all: of 1,000 one reaches 3, of 10,000 one 4. The
    median of the looks."""
    looks: int
    """That it was decided by, good ones, the newest."""
    doubted: bool = False
    """The newest look says something else: perhaps another face."""


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
    newest_label: str | None = None
    """The same by the newest look alone."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Each label's probability."""
    certainty: float | None = None
    """0.5..1: how likely the label is the one that many more looks at this track would give; None where only the newest look counts."""
    person: Person | None = None
    """None: it is not decided who this is, or nobody asked (`Analysis.knows_people`)."""
    state: State = "found"
    age_s: float = 0.0
    """Seconds since the track was first seen."""
    unseen_s: float = 0.0
    """Seconds since somebody last saw it: 0 in a frame where it was found or checked."""
    hidden: bool = False
    """Its place lies under one of `Analysis.hidden`: nothing is drawn around it."""

    def moved(self, seconds: float) -> Face:
        """The same face where its velocity brings it after that time."""
        shift = np.array(self.velocity, np.float32) * np.float32(seconds)
        return replace(self, box=self.box + np.tile(shift, 2), landmarks=self.landmarks + shift)

    def later(self, seconds: float) -> Face:
        """The same face so much later, if nobody has seen it since."""
        moved = self.moved(min(seconds, LONGEST_GUESS_S))
        unseen_s = self.unseen_s + seconds
        state = "predicted" if unseen_s > LONGEST_GUESS_S else self.state
        return replace(moved, state=state, age_s=self.age_s + seconds, unseen_s=unseen_s)


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """What of a frame nobody may see."""

    style: HideStyle
    shape: HideShape
    areas: np.ndarray
    """(N, 4) float32 px: x1, y1, x2, y2 around each, which may reach out of the picture; an ellipse touches its sides."""
    keys: tuple[int, ...] = ()
    """A number for each that stays with it over time, so that its noise does."""
    whole: bool = False
    """All of it: nobody has looked at it."""

    def scaled(self, x: float, y: float) -> Hidden:
        """The same in a picture `x` times as wide and `y` times as high."""
        return replace(self, areas=self.areas * np.array([x, y, x, y], np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What one look at one frame found."""

    source: str
    index: int
    time_s: float
    """Time of the frame that was looked at, seconds on the source's clock."""
    faces: tuple[Face, ...] = ()
    forget_after_s: float = math.inf
    """A face that nobody saw for so long is forgotten."""
    searched_s: float | None = None
    """Time of the newest frame, up to this one, of which all was searched; None where all of every frame is."""
    hidden: Hidden | None = None
    """None: nothing is to be hidden."""
    knows_people: bool = False
    """Faces are compared with known people: one without a person is not decided yet."""

    def at(self, time_s: float) -> Analysis:
        """The faces where they should be by then: each moved along its velocity for half a second at most, and predicted from there on."""
        late = max(time_s - self.time_s, 0.0)
        if late == 0.0:
            return self
        forget_after_s = max(self.forget_after_s, LONGEST_GUESS_S)  # a look is always older than the picture that is shown
        return replace(self, faces=tuple(face.later(late) for face in self.faces if face.unseen_s + late <= forget_after_s))
