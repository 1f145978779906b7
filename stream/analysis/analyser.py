"""Detect, track, classify: from frames of any mix of sources to what is in them. No threads, no wall clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.detection.detections import Detections
from stream.analysis.track_manager import SHORT_SIDE_SHARE, SMALLEST_FACE_PX, Memory, _Look, _tracker
from stream.analysis.tracking import Track
from stream.errors import UsageError
from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.monitoring.timing import Stage, untimed
from stream.settings.schema import Settings

if TYPE_CHECKING:
    from models.classification.classifier import Classifier
    from models.detection.detector import Detector


class Analyser:
    """Finds, follows and scores the faces of frames. One thread uses it: it owns the models."""

    def __init__(
        self,
        detector: Detector | None,
        classifier: Classifier | None,
        settings: Settings | None = None,
        stage: Stage = untimed,
    ) -> None:
        self.detector = detector
        self.classifier = classifier
        self.settings = settings or Settings()
        self.stage = stage
        self._cameras: Counter[tuple[int, int]] = Counter()
        """By height and width of their pictures, as far as they are known."""

    @classmethod
    def load(cls, settings: Settings) -> Analyser:
        """An analyser with the models that the settings name.

        Raises:
            ModelError: the classifier's bundle is unknown or damaged.
            UsageError: a threshold is set for a model of more than two classes.
        """
        detector = classifier = None
        everyone = [settings, *map(settings.of, settings.sources)]
        if any(one.detector.enabled for one in everyone):
            from models.detection.detector import load_detector

            detector = load_detector(settings.detector.options())
            if settings.classifier.model != "none":
                from models.classification.classifier import Classifier

                classifier = Classifier.load(
                    settings.classifier.model,
                    precision=settings.classifier.precision,
                    device=settings.detector.device,
                    detector=detector.name,
                )
                if classifier.threshold is None and any(one.classifier.threshold is not None for one in everyone):
                    raise UsageError(
                        f"classifier.threshold decides between two classes; {classifier.name} has {len(classifier.classes)}: leave it out."
                    )
        return cls(detector, classifier, settings)

    def memory(self, info: SourceInfo, settings: Settings | None = None) -> Memory:
        """A fresh memory for one source, which may have settings of its own (`config.OWN` says which)."""
        settings = settings or self.settings
        self._cameras[info.height, info.width] += info.live
        return Memory(info.still, settings, _tracker(settings), info.live)

    @property
    def candidates_dropped(self) -> int:
        """Possible faces that the detector had no place for, so far."""
        return 0 if self.detector is None else self.detector.candidates_dropped

    def look(self, frames: Sequence[Frame], memories: Sequence[Memory]) -> list[Analysis]:
        """What is in each frame. `memories[i]` belongs to the source of `frames[i]`; a source's frames come in order.

        All frames are searched together, and all faces that are due are scored in one call.
        """
        with self.stage("detect"):
            found = self._detect(frames, memories)
        looks = [
            _Look(frame, memory.settings, _tracker(memory.settings) if memory.still else memory.tracker, detections)
            for frame, memory, detections in zip(frames, memories, found, strict=True)
        ]
        with self.stage("track"):
            for look in looks:
                self._track(look)
        with self.stage("classify"):
            answers = self._classify(looks)
        return [self._analysis(look, answers) for look in looks]

    def _detect(self, frames: Sequence[Frame], memories: Sequence[Memory]) -> list[Detections]:
        found = [Detections.none() for _ in frames]
        wanted = [index for index, memory in enumerate(memories) if memory.settings.detector.enabled]
        if self.detector is None or not wanted:
            return found
        smallest = [self.min_face_px(frames[index], memories[index]) for index in wanted]
        for index, min_face_px in zip(wanted, smallest, strict=True):
            self._expect(self.detector, (frames[index].height, frames[index].width, min_face_px), memories[index])
        for index, detections in zip(wanted, self.detector.detect([frames[index].image for index in wanted], smallest), strict=True):
            found[index] = detections
        return found

    def _expect(self, detector: Detector, size: tuple[int, int, int], memory: Memory) -> None:
        """Readies the detector for all frames of a video or camera when the first of that height, width and smallest face is there."""
        if memory.still or memory.expected == size:
            return
        cameras = self._cameras[size[0], size[1]]
        detector.expect(*size, at_a_time=max(cameras, 1) if memory.live else self.settings.pipeline.batch_size)
        memory.expected = size

    def min_face_px(self, frame: Frame, memory: Memory) -> int:
        """Side in px of the smallest face that is looked for in this frame."""
        asked = memory.settings.detector.min_face_px
        if asked != "auto":
            return asked
        return SMALLEST_FACE_PX if memory.still else max(SMALLEST_FACE_PX, round(min(frame.width, frame.height) / SHORT_SIDE_SHARE))

    def _track(self, look: _Look) -> None:
        time_s = look.frame.time_s
        look.tracks = look.tracker.update(look.detections, time_s)
        if self.classifier is not None:
            every_s = look.settings.classifier.every_s
            look.due = [index for index, track in enumerate(look.tracks) if time_s - track.classified_s >= every_s]
            for index in look.due:
                look.tracks[index].classified_s = time_s

    def _classify(self, looks: Sequence[_Look]) -> dict[tuple[int, int], np.ndarray]:
        """The answers, keyed by the identity of the look and the face's place in it."""
        if self.classifier is None:
            return {}
        keys = [(id(look), index) for look in looks for index in look.due]
        if not keys:
            return {}
        crops = [self.classifier.crop(look.frame.image, look.detections.boxes[look.due]) for look in looks if look.due]
        scores = np.concatenate([look.detections.scores[look.due] for look in looks if look.due])
        return dict(zip(keys, self.classifier.classify(np.concatenate(crops), scores), strict=True))

    def _analysis(self, look: _Look, answers: dict[tuple[int, int], np.ndarray]) -> Analysis:
        faces = []
        for index, track in enumerate(look.tracks):
            track.probabilities = answers.get((id(look), index), track.probabilities)
            face = self._face(look, index, track)
            if face is not None:
                faces.append(face)
        return Analysis(look.frame.source, look.frame.index, look.frame.time_s, tuple(faces))

    def _face(self, look: _Look, index: int, track: Track) -> Face | None:
        """The face as the user gets it; None when the model says that it is none."""
        label, probability, probabilities = None, None, {}
        if self.classifier is not None and track.probabilities is not None:
            label, probability = self.classifier.label(track.probabilities, look.settings.classifier.threshold)
            if label in self.classifier.drop and not look.settings.classifier.keep_dropped:
                return None
            probabilities = {name: float(value) for name, value in zip(self.classifier.classes, track.probabilities, strict=True)}
        return Face(
            box=look.detections.boxes[index],
            score=float(look.detections.scores[index]),
            landmarks=look.detections.landmarks[index],
            track=look.tracker.name(track),
            velocity=(float(track.velocity[0]), float(track.velocity[1])),
            label=label,
            probability=probability,
            probabilities=probabilities,
        )
