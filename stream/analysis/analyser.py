"""Detect, follow, answer: from frames of any mix of sources to what is in them. No threads, no wall clock, nothing remembered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.classification.face_model import FaceModel
from stream.analysis.following import Following
from stream.analysis.parts import answer_asks, answer_checks
from stream.analysis.requests import Ask, Check, Requests, Search
from stream.analysis.searching import Searching
from stream.analysis.track_manager import Looking, TrackManager
from stream.errors import UsageError
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.monitoring.timing import Stage, untimed
from stream.settings.schema import Settings

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
        if any(one.detector.enabled for one in settings.everyone):
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
        if info.still or settings.tracker.search_every_s == 0:
            return Searching(info, settings, self.model)
        return Following(info, settings, self.model)

    def look(self, frames: Sequence[Frame], managers: Sequence[TrackManager], stage: Stage = untimed) -> list[Analysis]:
        """What is in each frame. `managers[i]` belongs to the source of `frames[i]`; a source's frames come in order.

        Each source says in turn what it must know next. What several want to know of one kind is one batch.
        """
        mine: dict[int, list[int]] = defaultdict(list)
        for number, manager in enumerate(managers):
            mine[id(manager)].append(number)
        analyses: dict[int, Analysis] = {}
        waiting: list[tuple[Looking, Requests, list[int]]] = []

        def go_on(looking: Looking, numbers: list[int]) -> None:
            with stage("track"):
                try:
                    waiting.append((looking, next(looking), numbers))
                except StopIteration as ended:
                    analyses.update(zip(numbers, ended.value, strict=True))

        for numbers in mine.values():
            go_on(managers[numbers[0]].look([frames[number] for number in numbers]), numbers)
        while waiting:
            kind = next(kind for kind in (Search, Check, Ask) if any(isinstance(asked[0], kind) for _, asked, _ in waiting))
            now = [one for one in waiting if isinstance(one[1][0], kind)]
            waiting = [one for one in waiting if not isinstance(one[1][0], kind)]
            self._answer([request for _, asked, _ in now for request in asked], stage)
            for looking, _, numbers in now:
                go_on(looking, numbers)
        return [analyses[number] for number in range(len(frames))]

    def _answer(self, requests: Sequence[Search | Check | Ask], stage: Stage) -> None:
        """All of one kind."""
        searches = [one for one in requests if isinstance(one, Search)]
        checks = [one for one in requests if isinstance(one, Check)]
        asks = [one for one in requests if isinstance(one, Ask)]
        if searches and self.detector is not None:
            with stage("detect"), stage("search"):
                found = self.detector.detect([one.frame.image for one in searches], [one.min_face_px for one in searches])
            for search, detections in zip(searches, found, strict=True):
                search.found = detections
        if checks and self.detector is not None:
            with stage("detect"), stage("check"):
                answer_checks(self.detector, checks)
        if asks and self.model is not None:
            with stage("classify"):
                answer_asks(self.model, asks)


def _load_classifier(settings: Settings, detector: str) -> Classifier:
    from models.classification.classifier import Classifier

    wanted = settings.classifier
    return Classifier.load(wanted.model, precision=wanted.precision, device=settings.detector.device, detector=detector)
