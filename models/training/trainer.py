"""Samples -> a network that has learnt from them, and how its answers are to be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.classification.bundle import load_keras_model, read_bundle
from models.classification.networks import ARCHITECTURES, with_new_answer
from models.data.dataset import Progress, Report
from models.data.samples import MARGIN, Sample, Split, crop_samples, labels_of
from models.data.split import fingerprint
from models.detection.detector import DetectorOptions
from models.errors import ModelError
from models.imaging.crops import CROP_PX
from models.inference.keras_as_meant import as_meant
from models.inference.keras_quiet import start_keras
from models.training.calibration import build_in, calibrate, fit_temperature, logits_of, soften
from models.training.checkpoint import Checkpoint
from models.training.cross_validation import EPOCH_CROPS, FOLDS, cross_validate, too_few
from models.training.fit import Fitted, answers, fast_arithmetic, fit
from models.training.reduced_precision import halve_weights
from models.training.schedule import Plan
from models.training.trained_model import CHANGED, TrainedModel, decide_classes, decide_false_positives, to_choose_on

if TYPE_CHECKING:
    import keras

FalseFinds = tuple[np.ndarray, np.ndarray]
"""Crops and the detector's scores."""


@dataclass(frozen=True, slots=True)
class Options:
    """How it is to be learnt."""

    architecture: str | None = None
    """A key of `ARCHITECTURES`; None: that of `base`, or the original network."""
    base: str | Path | None = None
    """A bundle whose features are the start: a shipped name or a folder. With thirty photos, this is what helps."""
    resume: bool = False
    """Go on with an interrupted training of the same data and settings."""
    seed: int = 0
    detector: DetectorOptions | None = None
    """Which finds the faces to learn from; None: MTCNN as it is. Serve the model with the same."""
    plan: Plan | None = None
    """None: by how many pictures there are."""

    @property
    def words(self) -> str:
        """As typed."""
        parts = [f"--architecture {self.architecture}"] if self.architecture else []
        parts += [f"--from {self.base}"] if self.base else []
        parts += [f"--set {said}" for said in (self.detector.words if self.detector else [])]
        return " ".join([*parts, f"--seed {self.seed}"])


class TrainingSetup:
    """The network to begin with, and what there is to say of it."""

    def __init__(self, options: Options, plan: Plan | None = None) -> None:
        self.options = options
        self._plan = options.plan or plan
        self._base = read_bundle(options.base) if options.base else None
        self.architecture = options.architecture or (self._base.info.architecture if self._base else "original")
        if self.architecture not in ARCHITECTURES:
            raise ModelError(f"{self.architecture}: there is no such network; there are {', '.join(ARCHITECTURES)}.")
        if self._base and self._base.info.architecture != self.architecture:
            raise ModelError(f"{options.base}: is a network of the kind {self._base.info.architecture}, not {self.architecture}.")
        if self._base and (self._base.info.input_px, self._base.info.crop.margin) != (CROP_PX, MARGIN):
            raise ModelError(f"{options.base}: takes other crops than training cuts ({CROP_PX} px with a margin of {MARGIN:g}).")

    def plan(self, train: int) -> Plan:
        """For that many pictures to learn from."""
        if self._plan:
            return self._plan
        return Plan(epochs=30, epoch_crops=min(max(2 * train, 1024), 8192))

    def model(self, classes: int) -> keras.Model:
        """Compiled; computes as fast as this machine can learn."""
        with fast_arithmetic():
            if not self._base:
                return ARCHITECTURES[self.architecture](classes)
            model = ARCHITECTURES[self.architecture](len(self._base.info.classes))
            model.set_weights(load_keras_model(self._base).get_weights())
            return with_new_answer(model, classes)

    def settings(self, data: str, plan: Plan) -> dict[str, object]:
        """What an interrupted training must share with the one that goes on with it."""
        base = self._base.info.files if self._base else None
        options = self.options
        detector = {"detector": options.detector.fingerprint()} if options.detector else {}
        return {"data": data, "network": self.architecture, "from": base, "seed": options.seed, "plan": asdict(plan), **detector}


def no_progress(what: str, done: int, of: int) -> None: ...


def learn(
    split: Split,
    classes: int,
    setup: TrainingSetup,
    *,
    false_finds: FalseFinds | None = None,
    report: Report = print,
    progress: Progress = no_progress,
    checkpoint_path: Path | None = None,
) -> TrainedModel:
    """Fits a network to `split["train"]`; what is chosen is chosen on `split["validation"]`: weights, temperature, threshold.

    Where that has too few pictures of a class, cross-validation on both together chooses, and both are learnt from.
    """
    start_keras()
    with as_meant():
        return _learnt(split, classes, setup, false_finds, report, progress, checkpoint_path)


def _learnt(
    split: Split,
    classes: int,
    setup: TrainingSetup,
    false_finds: FalseFinds | None,
    report: Report,
    progress: Progress,
    checkpoint_path: Path | None,
) -> TrainedModel:
    import keras

    by_folds = false_finds is None and too_few(split["validation"])
    train = [*split["train"], *split["validation"]] if by_folds else split["train"]
    plan = setup.plan(len(train))
    if by_folds:
        plan = replace(plan, patience=None, epoch_crops=min(plan.epoch_crops, EPOCH_CROPS))
    checkpoint = None
    if checkpoint_path:
        checkpoint = Checkpoint(checkpoint_path, setup.settings(fingerprint(split), plan), resume=setup.options.resume)
        checkpoint.begin(report)
    keras.utils.set_random_seed(setup.options.seed)  # of the first weights
    run = _Run(setup, setup.model(classes), train, plan, report, progress, checkpoint)
    return run.chosen_by_folds() if by_folds else run.chosen_by(split["validation"], false_finds)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """One network's learning, and what all its steps share."""

    setup: TrainingSetup
    learner: keras.Model
    train: Sequence[Sample]
    plan: Plan
    report: Report
    progress: Progress
    checkpoint: Checkpoint | None

    def chosen_by(self, validation: Sequence[Sample], false_finds: FalseFinds | None) -> TrainedModel:
        crops, labels, changed = to_choose_on(validation)
        fitted = self._fit(crops, labels, self.report, self.progress)
        model = self._served()
        temperature = calibrate(model, crops, labels)
        halve_weights(model, crops)
        if false_finds:
            reading = decide_false_positives(model, validation, false_finds)
        else:
            on = f"the few validation pictures as they are and changed in {CHANGED} ways" if changed else "the validation pictures"
            reading = decide_classes(answers(model, crops), labels, on)
        return TrainedModel(model, reading, temperature, fitted, self.train)

    def chosen_by_folds(self) -> TrainedModel:
        self.report(
            f"few pictures of a class: {FOLDS} trainings, each asked about a part that it did not learn from, and a last one from all"
        )
        known = cross_validate(
            self.learner, self.train, self.plan, self.setup.options.seed,
            report=self.report, progress=self.progress, checkpoint=self.checkpoint,
        )  # fmt: skip
        done = FOLDS * self.plan.epochs * self.plan.steps
        last = self._fit(
            crop_samples([]), labels_of([]),
            lambda line: self.report(f"last, from all: {line}"),
            lambda what, step, of: self.progress(what, done + step, (FOLDS + 1) * of),
        )  # fmt: skip
        model, temperature = self._served(), fit_temperature(logits_of(known.said), known.labels)
        build_in(model, temperature)
        halve_weights(model, crop_samples(self.train))
        on = f"what was said of each picture in cross-validation ({FOLDS} folds)"
        reading = decide_classes(soften(known.said, temperature), known.labels, on)
        return TrainedModel(model, reading, temperature, known.fitted.and_then(last), self.train)

    def _fit(self, crops: np.ndarray, labels: np.ndarray, report: Report, progress: Progress) -> Fitted:
        return fit(
            self.learner, self.train, crops, labels, self.plan, self.setup.options.seed,
            report=report, progress=progress, checkpoint=self.checkpoint,
        )  # fmt: skip

    def _served(self) -> keras.Model:
        """The same weights in a network that computes in float32."""
        model = ARCHITECTURES[self.setup.architecture](max(self.learner.output_shape[1], 2))
        model.set_weights(self.learner.get_weights())
        return model
