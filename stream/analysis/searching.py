"""Every frame is searched whole: photos, and moving pictures where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.detections import Detections
from stream.analysis.naming import Naming
from stream.analysis.requests import Ask, Search
from stream.analysis.track_manager import Looking
from stream.analysis.tracking import Track, Tracker
from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.settings.schema import Settings

if TYPE_CHECKING:
    from stream.analysis.identifier import Identifier


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """One frame whose faces were found, and which are known."""

    frame: Frame
    detections: Detections
    tracks: Sequence[Track]
    """Of each detection."""
    due: Sequence[int]
    """Which of the detections the face model must answer for."""
    tracker: Tracker

    @property
    def faces_due(self) -> Detections:
        """Those detections."""
        rows = np.array(self.due, int)
        found = self.detections
        return Detections(found.boxes[rows], found.scores[rows], found.landmarks[rows])


class Searching:
    """A `TrackManager` that searches each frame, and remembers of a face its last place and its newest answer."""

    searches_together = True

    def __init__(self, info: SourceInfo, settings: Settings, model: FaceModel | None = None, identifier: Identifier | None = None) -> None:
        """
        Args:
            settings: of this source.
            model: answers for its faces; None: they are found and followed, and that is all.
            identifier: knows people; None: nobody is named.
        """
        self.still = info.still
        """Each frame is a picture of its own: nothing is remembered."""
        self.live = info.live
        self.settings = settings
        """May be replaced between two looks (`settings.changes` says which of them mean anything then)."""
        self._model, self._naming = model, Naming(identifier)
        self._tracker = Tracker()

    @property
    def model(self) -> FaceModel | None:
        return self._model

    @model.setter
    def model(self, model: FaceModel | None) -> None:
        self._model = model
        self._tracker.forget_answers()

    def look(self, frames: Sequence[Frame]) -> Looking:
        searches = [Search(frame, self.min_face_px(frame)) for frame in frames if self.settings.detector.enabled]
        if searches:
            yield searches
        found = {id(search.frame): search.found for search in searches}
        looks = [self._update(frame, found.get(id(frame), Detections.none())) for frame in frames]
        asks = {id(look): Ask(look.frame, look.faces_due) for look in looks if look.due}
        if asks:
            yield list(asks.values())
        for look in looks:
            identities, rarer = [one.identity for one in look.tracks], not self.settings.hide.on
            self._naming.note(look.frame, look.detections, identities, self.settings.identity, rarer=rarer)
        yield from self._naming.answers()
        return [self._conclude(look, asks[id(look)].rows if look.due else ()) for look in looks]

    def settle(self, frame: Frame, analysis: Analysis) -> list[tuple[Frame, Analysis]]:
        return [(frame, analysis)]

    def flush(self) -> list[tuple[Frame, Analysis]]:
        return []

    def deny(self, track: int, name: str) -> None:
        self._tracker.deny(track, name)

    def min_face_px(self, frame: Frame) -> int:
        return self.settings.detector.smallest_face_px(min(frame.width, frame.height), still=self.still)

    def _update(self, frame: Frame, detections: Detections) -> _Look:
        """Which of the faces found in a frame is which, and which are due to be answered for."""
        tracker = Tracker(one_look=True) if self.still else self._tracker
        tracker.forget_after_s, tracker.min_overlap = self.settings.tracker.forget_after_s, self.settings.tracker.min_overlap
        tracks = tracker.update(detections, frame.time_s)
        due = []
        if self._model is not None:
            due = [i for i, track in enumerate(tracks) if frame.time_s - track.answered_s >= self.settings.classifier.every_s]
            for i in due:
                tracks[i].answered_s = frame.time_s
        return _Look(frame, detections, tracks, due, tracker)

    def _conclude(self, look: _Look, answers: Iterable[np.ndarray]) -> Analysis:
        """What the user gets of a look.

        Args:
            answers: (D, K) float32, the model's, for the D faces that were due.
        """
        for index, answer in zip(look.due, answers, strict=True):
            look.tracks[index].answer = answer
        faces = [self._face(look, index) for index in range(len(look.tracks))]
        told = tuple(face for face in faces if face is not None)
        knows_people = self._naming.on(self.settings.identity)
        return Analysis(look.frame.source, look.frame.index, look.frame.time_s, told, knows_people=knows_people)

    def _face(self, look: _Look, index: int) -> Face | None:
        """None when the model says that it is none."""
        track, found = look.tracks[index], look.detections
        verdict = None
        if self._model is not None and track.answer is not None:
            verdict = self._model.verdict(track.answer, self.settings.classifier.threshold)
            if not verdict.is_face and not self.settings.classifier.keep_dropped:
                return None
        return Face(
            box=found.boxes[index],
            score=float(found.scores[index]),
            landmarks=found.landmarks[index],
            track=look.tracker.name(track),
            velocity=(float(track.velocity[0]), float(track.velocity[1])),
            label=verdict.label if verdict else None,
            newest_label=verdict.label if verdict else None,
            probability=verdict.probability if verdict else None,
            probabilities=verdict.probabilities if verdict else {},
            person=self._naming.person(track.identity, self.settings.identity),
            age_s=look.frame.time_s - track.born_s,
        )
