"""One source over time, whatever way it is followed: what is to be looked at in its frames, which face is which, what the user gets."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol

from models.classification.face_model import FaceModel
from stream.analysis.requests import Requests
from stream.faces import Analysis
from stream.frame import Frame
from stream.settings.schema import Settings

Looking = Generator[Requests, None, list[Analysis]]
"""Asks the models, goes on when they have answered, and ends with an analysis of each frame."""


class TrackManager(Protocol):
    """Follows the faces of one source, whose frames come in order. The worker's thread alone uses it."""

    settings: Settings
    """May be replaced between two looks (`settings.changes` says which of them mean anything then)."""

    @property
    def model(self) -> FaceModel | None:
        """Answers for its faces. What another one said is forgotten when it is replaced, between two looks."""
        ...

    @model.setter
    def model(self, model: FaceModel | None) -> None: ...

    @property
    def still(self) -> bool:
        """Each frame is a picture of its own: nothing is remembered."""
        ...

    @property
    def live(self) -> bool: ...

    @property
    def searches_together(self) -> bool:
        """Whether frames that come together are searched together."""
        ...

    def min_face_px(self, frame: Frame) -> int:
        """Side in px of the smallest face that is looked for in this frame."""
        ...

    def deny(self, track: int, name: str) -> None:
        """Somebody says that this track is not that person: it is not named so again. One that is over is no matter."""
        ...

    def look(self, frames: Sequence[Frame]) -> Looking:
        """What is in each of the next frames; nothing yet, where what comes next will say more about it: then `settle` tells."""
        ...

    def settle(self, frame: Frame, analysis: Analysis) -> list[tuple[Frame, Analysis]]:
        """Takes what `look` said of a frame. What is final now, of frames up to that one, in order; each frame comes once."""
        ...

    def flush(self) -> list[tuple[Frame, Analysis]]:
        """The rest: no frame will come any more."""
        ...
