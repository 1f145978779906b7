"""Faces that must not be seen: a `TrackManager` around another, that also says what of each frame is hidden.

It fails closed. Every frame is searched for what may be a face at all; a frame that was not is hidden whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.cascade import MIN_FACE_PX
from models.detection.detections import Detections
from stream.analysis.following import Following
from stream.analysis.requests import Check, Search
from stream.analysis.track_manager import Looking, TrackManager
from stream.analysis.veils import Veiled, Veils, hidden, hide
from stream.analysis.whom import Whom
from stream.faces import Analysis
from stream.frame import Frame
from stream.settings.schema import Settings

LARGE_PX = 10**6
"""From so many pixels on a frame that waits is kept as it was decoded alone. 4K is a third faster then, 480×480 a seventh slower."""
SIZE_MARGIN = 0.8
"""A find of so much of the smallest side that is asked for is told of."""


class Hiding:
    """A `TrackManager` that does what another does, and says what is to be hidden while `hide.style` asks for it."""

    def __init__(self, inner: TrackManager, known: Callable[[], Sequence[str]] = tuple, *, blind: bool = False) -> None:
        """
        Args:
            known: the names of the people whom faces are compared with now.
            blind: there is no detector.
        """
        self._inner, self._known, self._blind = inner, known, blind
        self._settings = inner.settings
        self._veils = Veils(live=inner.live)
        self._found: dict[int, tuple[Frame, Detections]] = {}
        """What the search of a frame found, until the frame is settled, by the frame's id."""
        self.settings = inner.settings

    @property
    def settings(self) -> Settings:
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = self._inner.settings = settings
        if isinstance(self._inner, Following):
            self._inner.every_frame = self._searches
        self._whom = Whom.of(settings.hide.whom)

    @property
    def model(self) -> FaceModel | None:
        return self._inner.model

    @model.setter
    def model(self, model: FaceModel | None) -> None:
        self._inner.model = model

    @property
    def still(self) -> bool:
        return self._inner.still

    @property
    def live(self) -> bool:
        return self._inner.live

    @property
    def searches_together(self) -> bool:
        return self._searches or self._inner.searches_together

    def min_face_px(self, frame: Frame) -> int:
        told = self._inner.min_face_px(frame)
        if not self._searches:
            return told
        return min(told, MIN_FACE_PX)

    def deny(self, track: int, name: str) -> None:
        self._inner.deny(track, name)

    def look(self, frames: Sequence[Frame]) -> Looking:
        if not self._searches:
            return (yield from self._inner.look(frames))
        searches = [Search(frame, self.min_face_px(frame), weak=True) for frame in frames]
        yield searches
        found = {id(one.frame): one.found for one in searches}
        self._found |= {id(frame): (frame, found[id(frame)]) for frame in frames}
        steps = self._inner.look(frames)
        try:
            requests = next(steps)
            while True:
                mine = [one for one in requests if isinstance(one, Search)]
                for search in mine:
                    search.found = self._told(found[id(search.frame)], search.min_face_px)
                for check in requests:
                    if isinstance(check, Check) and id(check.frame) in self._found:
                        check.searched = self._found[id(check.frame)][1]
                if not mine:
                    yield requests
                requests = next(steps)
        except StopIteration as ended:
            analyses: list[Analysis] = ended.value
            for frame in frames:
                if not (self.live or self.still) and frame.width * frame.height > LARGE_PX:
                    frame.forget_image()  # every frame has one, of the search, and many are held
            return analyses

    def settle(self, frame: Frame, analysis: Analysis) -> list[tuple[Frame, Analysis]]:
        return [out for one in self._inner.settle(frame, analysis) for out in self._covered(*one)]

    def flush(self) -> list[tuple[Frame, Analysis]]:
        last = [out for one in self._inner.flush() for out in self._covered(*one)]
        return last + self._rest()

    @property
    def _searches(self) -> bool:
        return self._settings.hide.on and self._settings.detector.enabled and not self._blind

    def _told(self, found: Detections, min_face_px: int) -> Detections:
        """What a usual search would have found."""
        sides = (found.boxes[:, 2:] - found.boxes[:, :2]).max(axis=1, initial=0)
        lowest = self._settings.detector.lowest_score
        return found.take(np.flatnonzero((found.scores >= lowest) & (sides >= SIZE_MARGIN * min_face_px)))

    def _covered(self, frame: Frame, analysis: Analysis) -> list[tuple[Frame, Analysis]]:
        """What is final now that a frame's faces are."""
        how = self._settings.hide
        _, found = self._found.pop(id(frame), (frame, None))
        if not how.on:
            return [*self._rest(), (frame, analysis)]
        if found is None or not np.isfinite(found.boxes).all():  # nobody has looked, or a broken detector
            nowhere = np.zeros((0, 4), np.float32)
            return [*self._rest(), (frame, hide(analysis, (), hidden(how, nowhere, whole=True)))]
        if self.still:
            self._veils = Veils(live=True)  # one picture says nothing about the next
        shown = [face for face in analysis.faces if not self._whom.hides(face, self._known())]
        return _final(self._veils.add(frame, analysis, shown, found, how))

    def _rest(self) -> list[tuple[Frame, Analysis]]:
        return _final(self._veils.rest())


def _final(veiled: Sequence[Veiled]) -> list[tuple[Frame, Analysis]]:
    return [(one.frame, one.hidden) for one in veiled]
