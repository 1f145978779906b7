"""What the face model says of the tracks of one source: which are due, what is asked, and what follows from its answers."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.detections import Detections
from stream.analysis.followed import Track
from stream.analysis.look_quality import look_weights
from stream.analysis.requests import Ask, Requests
from stream.frame import Frame
from stream.settings.schema import ClassifierSettings


class Answering:
    """What is asked about the tracks of one source. Without a model, nothing."""

    def __init__(self, model: FaceModel | None) -> None:
        self.model = model
        self._asked: list[tuple[Ask, list[Track]]] = []

    def note(self, frame: Frame, tracks: Sequence[Track], options: ClassifierSettings, *, rarer: bool = True, anew: bool = False) -> None:
        """These are in a frame: those that are due are asked about (`anew`: all of them); `rarer`: those with a sure answer more seldom."""
        if self.model is None:
            return
        due = [one for one in tracks if anew or one.answer.due(frame.time_s, one.filter.side, options.every_s, rarer=rarer)]
        for track in due:
            track.answer.asked(frame.time_s, track.filter.side)
        if due:
            self._asked.append((Ask(frame, seen_of(due)), due))

    def answers(self, options: ClassifierSettings) -> Generator[Requests, None, None]:
        """Asks what was noted, and learns."""
        asked, self._asked = self._asked, []
        if not asked or self.model is None:
            return
        yield [ask for ask, _ in asked]
        for ask, tracks in asked:
            for track, row, weight in zip(tracks, ask.rows, look_weights(ask.crops, ask.faces), strict=True):
                track.answer.add(row, float(weight), self.model, options.threshold)


def seen_of(tracks: Sequence[Track]) -> Detections:
    """What was last seen of each of N > 0 tracks."""
    boxes, scores = np.stack([one.filter.box for one in tracks]), np.array([one.score for one in tracks], np.float32)
    return Detections(boxes, scores, np.stack([one.landmarks for one in tracks]))
