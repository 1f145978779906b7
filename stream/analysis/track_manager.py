"""One source over time: what is looked for in its next frame, which face is which, and what the user gets of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.detections import Detections
from stream.analysis.tracking import Track, Tracker
from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Search:
    """The whole frame is to be searched."""

    min_face_px: int
    """Side of the smallest face to find."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
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


class TrackManager:
    """Follows the faces of one source, whose frames come in order. The worker's thread alone uses it."""

    def __init__(self, info: SourceInfo, settings: Settings, model: FaceModel | None = None) -> None:
        """
        Args:
            settings: of this source.
            model: answers for its faces; None: they are found and followed, and that is all.
        """
        self.still = info.still
        """Each frame is a picture of its own: nothing is remembered."""
        self.live = info.live
        self.settings = settings
        """May be replaced between two looks (`settings.changes` says which of them mean anything then)."""
        self._model = model
        self._tracker = Tracker()

    def plan(self, frame: Frame) -> Search | None:
        """What is to be looked for in the next frame; None: nothing."""
        return Search(self.min_face_px(frame)) if self.settings.detector.enabled else None

    def min_face_px(self, frame: Frame) -> int:
        """Side in px of the smallest face that is looked for in this frame."""
        return self.settings.detector.smallest_face_px(min(frame.width, frame.height), still=self.still)

    def update(self, frame: Frame, detections: Detections) -> Look:
        """Which of the faces found in a frame is which, and which are due to be answered for."""
        tracker = Tracker() if self.still else self._tracker
        tracker.forget_after_s, tracker.min_overlap = self.settings.tracker.forget_after_s, self.settings.tracker.min_overlap
        tracks = tracker.update(detections, frame.time_s)
        due = []
        if self._model is not None:
            due = [i for i, track in enumerate(tracks) if frame.time_s - track.answered_s >= self.settings.classifier.every_s]
            for i in due:
                tracks[i].answered_s = frame.time_s
        return Look(frame, detections, tracks, due, tracker)

    def conclude(self, look: Look, answers: np.ndarray) -> Analysis:
        """What the user gets of a look.

        Args:
            answers: (D, K) float32, the model's, for the D faces that were due.
        """
        for index, answer in zip(look.due, answers, strict=True):
            look.tracks[index].answer = answer
        faces = [self._face(look, index) for index in range(len(look.tracks))]
        return Analysis(look.frame.source, look.frame.index, look.frame.time_s, tuple(face for face in faces if face is not None))

    def _face(self, look: Look, index: int) -> Face | None:
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
            probability=verdict.probability if verdict else None,
            probabilities=verdict.probabilities if verdict else {},
        )
