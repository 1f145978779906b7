"""Detect, follow, answer: from frames of any mix of sources to what is in them. No threads, no wall clock, nothing remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.detections import Detections
from stream.analysis.track_manager import Look, TrackManager
from stream.errors import UsageError
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.monitoring.timing import Stage, untimed
from stream.settings.schema import Settings, checked_settings

if TYPE_CHECKING:
    from models.classification.classifier import Classifier
    from models.detection.detector import Detector


class Analyser:
    """Finds and scores the faces of frames. One thread uses it: it owns the models. What a source was before, its `TrackManager` knows."""

    def __init__(self, detector: Detector | None, model: FaceModel | None) -> None:
        self.detector = detector
        self.model = model

    @classmethod
    def load(cls, settings: Settings) -> Analyser:
        """An analyser with the models that the settings name.

        Raises:
            ModelError: the classifier's bundle is unknown or damaged.
            UsageError: a threshold is set for a model of more than two classes.
        """
        detector = classifier = None
        if any(one.detector.enabled for one in checked_settings(settings).everyone):
            from models.detection.detector import load_detector

            detector = load_detector(settings.detector.options())
            if settings.classifier.model != "none":
                classifier = _load_classifier(settings, detector.name)
        made = cls(detector, classifier)
        made.check_settings(settings)
        return made

    def check_settings(self, settings: Settings) -> None:
        """Whether the models that are loaded can do what these ask of them.

        Raises:
            UsageError: a threshold is set for a model of more than two classes.
        """
        model = self.model
        if model and not model.decides_by_threshold and any(one.classifier.threshold is not None for one in settings.everyone):
            raise UsageError(f"classifier.threshold decides between two classes; {model.name} has more: leave it out.")

    @property
    def candidates_dropped(self) -> int:
        """Possible faces that the detector had no place for, so far."""
        return 0 if self.detector is None else self.detector.candidates_dropped

    def follow(self, info: SourceInfo, settings: Settings) -> TrackManager:
        """What is to be remembered of one source, from now on."""
        return TrackManager(info, settings, self.model)

    def look(self, frames: Sequence[Frame], managers: Sequence[TrackManager], stage: Stage = untimed) -> list[Analysis]:
        """What is in each frame. `managers[i]` belongs to the source of `frames[i]`; a source's frames come in order.

        All frames are searched together, and all faces that are due are scored in one call.
        """
        with stage("detect"):
            found = self._detect(frames, managers)
        with stage("track"):
            looks = [manager.update(frame, mine) for frame, manager, mine in zip(frames, managers, found, strict=True)]
        with stage("classify"):
            answers = self._answers(looks)
        return [manager.conclude(look, mine) for manager, look, mine in zip(managers, looks, answers, strict=True)]

    def _detect(self, frames: Sequence[Frame], managers: Sequence[TrackManager]) -> list[Detections]:
        found = [Detections.none() for _ in frames]
        plans = [manager.plan(frame) for frame, manager in zip(frames, managers, strict=True)]
        searched = [(index, plan) for index, plan in enumerate(plans) if plan is not None]
        if self.detector is not None and searched:
            images, smallest = [frames[index].image for index, _ in searched], [plan.min_face_px for _, plan in searched]
            for (index, _), detections in zip(searched, self.detector.detect(images, smallest), strict=True):
                found[index] = detections
        return found

    def _answers(self, looks: Sequence[Look]) -> list[np.ndarray]:
        """The model's rows for the faces of each look that are due."""
        if self.model is None or not any(look.due for look in looks):
            return [np.zeros((0, 0), np.float32) for _ in looks]
        due = [look.faces_due for look in looks]
        crops = [self.model.cut(look.frame.image, faces) for look, faces in zip(looks, due, strict=True) if len(faces)]
        answers = self.model.answer(np.concatenate(crops), np.concatenate([faces.scores for faces in due]))
        return np.split(answers, np.cumsum([len(faces) for faces in due])[:-1])


def _load_classifier(settings: Settings, detector: str) -> Classifier:
    from models.classification.classifier import Classifier

    wanted = settings.classifier
    return Classifier.load(wanted.model, precision=wanted.precision, device=settings.detector.device, detector=detector)
