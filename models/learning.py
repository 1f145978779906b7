"""Samples -> a network that has learnt from them, and how its answers are to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.bundle import load_keras_model, read_bundle
from models.calibration import build_in, calibrate, fit_temperature, logits_of, soften
from models.checkpoint import Checkpoint, forget, interrupted, of_fold
from models.cross_validation import FOLDS, cross_validate, too_few
from models.dataset import Progress, Report
from models.errors import ModelError
from models.fit import Plan, answers, fast_arithmetic, fit
from models.keras_quiet import start_keras
from models.learnt import CHANGED, Learnt, read_classes, read_second_look, to_choose_on
from models.networks import ARCHITECTURES, with_new_answer
from models.rounding import halve_weights
from models.samples import CROP_PX, MARGIN, Sample, Split, crop_samples, labels_of
from models.split import fingerprint

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
    plan: Plan | None = None
    """None: by how many pictures there are."""

    @property
    def words(self) -> str:
        """As typed."""
        parts = [f"--architecture {self.architecture}"] if self.architecture else []
        parts += [f"--from {self.base}"] if self.base else []
        return " ".join([*parts, f"--seed {self.seed}"])


class Start:
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
        return {"data": data, "network": self.architecture, "from": base, "seed": self.options.seed, "plan": asdict(plan)}


def no_progress(what: str, done: int, of: int) -> None: ...


def learn(
    split: Split,
    classes: int,
    start: Start,
    *,
    false_finds: FalseFinds | None = None,
    report: Report = print,
    progress: Progress = no_progress,
    checkpoint_path: Path | None = None,
) -> Learnt:
    """Fits a network to `split["train"]`; what is chosen is chosen on `split["validation"]`: weights, temperature, threshold.

    Where that has too few pictures of a class, cross-validation on both together chooses, and both are learnt from.
    """
    start_keras()
    import keras

    by_folds = false_finds is None and too_few(split["validation"])
    train = [*split["train"], *split["validation"]] if by_folds else split["train"]
    plan, resume = start.plan(len(train)), start.options.resume
    if checkpoint_path and not resume:
        forget(checkpoint_path)
    elif checkpoint_path and not interrupted(checkpoint_path):
        report(f"{checkpoint_path}: is not there, so there is nothing to go on with; training begins anew")
    settings = start.settings(fingerprint(split), plan)

    def checkpoint(fold: int | None = None) -> Checkpoint | None:
        if checkpoint_path is None:
            return None
        return Checkpoint(of_fold(checkpoint_path, fold) if fold else checkpoint_path, settings, resume=resume)

    keras.utils.set_random_seed(start.options.seed)  # of the first weights
    learner = start.model(classes)
    if by_folds:
        return _chosen_by_folds(learner, train, start, plan, report, progress, checkpoint)
    return _chosen_by_validation(learner, split, start, plan, false_finds, report, progress, checkpoint())


def _chosen_by_validation(
    learner: keras.Model,
    split: Split,
    start: Start,
    plan: Plan,
    false_finds: FalseFinds | None,
    report: Report,
    progress: Progress,
    checkpoint: Checkpoint | None,
) -> Learnt:
    crops, labels, changed = to_choose_on(split["validation"])
    fitted = fit(
        learner, split["train"], crops, labels, plan, start.options.seed, report=report, progress=progress, checkpoint=checkpoint
    )  # fmt: skip
    model = _served(learner, start)
    temperature = calibrate(model, crops, labels)
    halve_weights(model, crops)
    if false_finds:
        return Learnt(model, read_second_look(model, split["validation"], false_finds), temperature, fitted, split["train"])
    on = f"few validation pictures as they are and changed in {CHANGED} ways" if changed else "validation pictures"
    return Learnt(model, read_classes(answers(model, crops), labels, on), temperature, fitted, split["train"])


def _chosen_by_folds(
    learner: keras.Model,
    samples: Sequence[Sample],
    start: Start,
    plan: Plan,
    report: Report,
    progress: Progress,
    checkpoint: Callable[[int | None], Checkpoint | None],
) -> Learnt:
    plan, seed = replace(plan, patience=None), start.options.seed
    known = cross_validate(learner, samples, plan, seed, report=report, progress=progress, checkpoint=checkpoint)
    done = FOLDS * plan.epochs * plan.steps
    fitted = fit(
        learner, samples, crop_samples([]), labels_of([]), plan, seed,
        report=report, progress=lambda what, step, of: progress(what, done + step, (FOLDS + 1) * of), checkpoint=checkpoint(None),
    )  # fmt: skip
    model = _served(learner, start)
    temperature = fit_temperature(logits_of(known.said), known.labels)
    build_in(model, temperature)
    halve_weights(model, crop_samples(samples))
    on = "pictures: of each, what a network said that had learnt from the other parts of four"
    seconds, gradient_seconds = known.fitted.seconds + fitted.seconds, known.fitted.gradient_seconds + fitted.gradient_seconds
    whole = replace(known.fitted, seconds=seconds, gradient_seconds=gradient_seconds)
    return Learnt(model, read_classes(soften(known.said, temperature), known.labels, on), temperature, whole, samples)


def _served(learner: keras.Model, start: Start) -> keras.Model:
    """The same weights in a network that computes in float32."""
    model = ARCHITECTURES[start.architecture](max(learner.output_shape[1], 2))
    model.set_weights(learner.get_weights())
    return model
