"""Detect, follow, answer: from frames of any mix of sources to what is in them. No threads, and of sources nothing is remembered."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.classification.face_model import FaceModel
from stream.analysis.cuts import same_face
from stream.analysis.following import Following
from stream.analysis.hiding import Hiding
from stream.analysis.naming import answer_whos
from stream.analysis.parts import answer_asks, answer_checks
from stream.analysis.requests import Alike, Ask, Check, Requests, Search, Who
from stream.analysis.search_budget import SearchBudget
from stream.analysis.searching import Searching
from stream.analysis.track_manager import TrackManager
from stream.analysis.whom import Whom
from stream.errors import UsageError
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.monitoring.timing import Stage, untimed
from stream.settings.schema import Settings, checked_settings

if TYPE_CHECKING:
    from models.classification.classifier import Classifier
    from models.detection.detector import Detector
    from stream.analysis.identifier import Identifier


class Analyser:
    """Finds and scores the faces of frames. One thread uses it: it owns the models. What a source was before, its `TrackManager` knows."""

    def __init__(self, detector: Detector | None, model: FaceModel | None, identifier: Identifier | None = None) -> None:
        self.detector = detector
        self.model = model
        self.identifier = identifier
        self._budget = SearchBudget()

    @classmethod
    def load(cls, settings: Settings) -> Analyser:
        """An analyser with the models that the settings name.

        Raises:
            ModelError: the classifier's bundle, or a network, is unknown or damaged.
            PeopleError: the folder of known people cannot be used.
            UsageError: a threshold is set for a model of more than two classes.
        """
        detector = classifier = identifier = None
        if any(one.detector.enabled for one in checked_settings(settings).everyone):
            from models.detection.detector import load_detector

            detector = load_detector(settings.detector.options())
            if settings.classifier.model != "none":
                classifier = _load_classifier(settings, detector.name)
            if settings.people_folder is not None:
                from stream.analysis.identifier import Identifier  # nobody else pays for it

                identifier = Identifier.load(settings, settings.people_folder)
        made = cls(detector, classifier, identifier)
        made.check_settings(settings)
        return made

    def check_settings(self, settings: Settings) -> None:
        """Whether the models that are loaded can do what these ask of them.

        Raises:
            UsageError: a threshold is set for a model of more than two classes, or faces are to be hidden whom they cannot tell.
        """
        self.check_model(self.model, settings)

    def check_model(self, model: FaceModel | None, settings: Settings) -> None:
        """The same of a model that is not in use yet."""
        if model and not model.decides_by_threshold and any(one.classifier.threshold is not None for one in settings.everyone):
            raise UsageError(f"classifier.threshold decides between two classes; {model.name} has more: leave it out.")
        for one in settings.everyone:
            if one.hide.on:
                Whom.of(one.hide.whom).check(model, self._names_of(one))

    def load_model(self, settings: Settings) -> FaceModel | None:
        """The classifier that the settings name, for `model`. Takes seconds; any thread.

        Raises:
            ModelError: its bundle is unknown or damaged.
            UsageError: a threshold is set for a model of more than two classes.
        """
        made = None
        if self.detector is not None and settings.classifier.model != "none":
            made = _load_classifier(settings, self.detector.name)
        self.check_model(made, settings)
        return made

    def _names_of(self, settings: Settings) -> Sequence[str] | None:
        """The people whom faces are compared with; None: that is not asked for."""
        if self.identifier is None or settings.identity.people is None:
            return None
        return self.identifier.gallery.names

    def _known(self) -> Sequence[str]:
        return () if self.identifier is None else self.identifier.gallery.names

    @property
    def candidates_dropped(self) -> int:
        """Possible faces that the detector had no place for, so far."""
        return 0 if self.detector is None else self.detector.candidates_dropped

    def follow(self, info: SourceInfo, settings: Settings) -> TrackManager:
        """What is to be remembered of one source, from now on."""
        if info.still or self.detector is None or settings.tracker.search_every_s == 0:
            return Hiding(Searching(info, settings, self.model, self.identifier), self._known, blind=self.detector is None)
        return Hiding(Following(info, settings, self.model, self._budget if info.live else None, self.identifier), self._known)

    def look(self, frames: Sequence[Frame], managers: Sequence[TrackManager], stage: Stage = untimed) -> list[Analysis]:
        """What is in each frame, as far as its manager says it at once. `managers[i]` belongs to the source of `frames[i]`; a source's
        frames come in order.

        Each source says in turn what it must know next. What several want to know of one kind is one batch.
        """
        self._budget.begin_round()
        mine: dict[int, list[int]] = defaultdict(list)
        for number, manager in enumerate(managers):
            mine[id(manager)].append(number)
        looks = [_Look(managers[numbers[0]], [frames[number] for number in numbers]) for numbers in mine.values()]
        with stage("detect"):
            while asking := [one for one in looks if one.asks(Search, Check, Alike)]:
                if searching := [one for one in asking if one.asks(Search)]:  # first: of what they find something may have to be checked
                    with stage("search"):
                        self._search([request for one in searching for request in one.requests])
                    _go_on(searching)
                else:
                    with stage("check"):
                        self._check([request for one in asking for request in one.requests if isinstance(request, Check)])
                        self._compare([request for one in asking for request in one.requests if isinstance(request, Alike)])
                    _go_on(asking)
        with stage("classify"):
            asking = [one for one in looks if one.asks(Ask)]
            self._ask([request for one in asking for request in one.requests])
            _go_on(asking)
        if asking := [one for one in looks if one.asks(Who)]:
            with stage("identify"):
                self._identify([request for one in asking for request in one.requests])
                _go_on(asking)
        with stage("track"):
            analyses = dict(zip(itertools.chain(*mine.values()), itertools.chain(*(one.analyses for one in looks)), strict=True))
            return [analyses[number] for number in range(len(frames))]

    def _search(self, requests: Sequence[object]) -> None:
        searches = [one for one in requests if isinstance(one, Search)]
        if self.detector is not None:
            begin = time.monotonic()
            for weak in (False, True):
                if alike := [one for one in searches if one.weak == weak]:
                    images, smallest = [one.frame.image for one in alike], [one.min_face_px for one in alike]
                    found = self.detector.detect(images, smallest, weak=True) if weak else self.detector.detect(images, smallest)
                    for search, detections in zip(alike, found, strict=True):
                        search.found = detections
            self._budget.took(time.monotonic() - begin, len(searches))

    def _check(self, checks: Sequence[Check]) -> None:
        if self.detector is not None and checks:
            answer_checks(self.detector, checks)

    def _compare(self, requests: Sequence[Alike]) -> None:
        for one in requests:
            pairs = zip(one.boxes_before, one.boxes, strict=True)
            one.same = np.array([same_face(one.before, its, one.frame, mine) for its, mine in pairs])

    def _identify(self, requests: Sequence[object]) -> None:
        if self.identifier is not None:
            answer_whos(self.identifier, [one for one in requests if isinstance(one, Who)])

    def _ask(self, requests: Sequence[object]) -> None:
        asks = [one for one in requests if isinstance(one, Ask)]
        if asks and self.model is not None:
            answer_asks(self.model, asks)


class _Look:
    """One source's way through its frames."""

    def __init__(self, manager: TrackManager, frames: Sequence[Frame]) -> None:
        self.requests: Requests = []
        """What it wants to know now; nothing once it has ended."""
        self.analyses: list[Analysis] = []
        """Of its frames, once it has ended."""
        self._steps = manager.look(frames)
        self.go_on()

    def asks(self, *kinds: type) -> bool:
        return bool(self.requests) and isinstance(self.requests[0], kinds)

    def go_on(self) -> None:
        """What it wanted to know is known."""
        try:
            self.requests = next(self._steps)
        except StopIteration as ended:
            self.requests, self.analyses = [], ended.value


def _go_on(looks: Sequence[_Look]) -> None:
    for one in looks:
        one.go_on()


def _load_classifier(settings: Settings, detector: str) -> Classifier:
    from models.classification.classifier import Classifier

    wanted = settings.classifier
    return Classifier.load(wanted.model, precision=wanted.precision, device=settings.detector.device, detector=detector)
