"""Data -> samples -> a fitted network -> a bundle that says how good it is on what it never saw."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.augment import ROUGH, augment
from models.bundle import CropRule, ModelInfo, TrainingData, check_place, load_keras_model, read_bundle, write_bundle
from models.calibration import calibrate
from models.card import write_card
from models.checkpoint import Checkpoint
from models.dataset import Progress, Report, load_dataset
from models.errors import ModelError
from models.evaluate import best_threshold, threshold_keeping
from models.evaluation_report import check_report_place, write_report
from models.face_dataset import CLASSES, FACE, NOT_FACE, load_face_data
from models.fit import Fitted, Plan, fast_arithmetic, fit
from models.keras_quiet import start_keras
from models.measures import Evaluation, flat, measure, sentences
from models.networks import ARCHITECTURES, with_new_answer
from models.rounding import check_bfloat16, halve_weights
from models.samples import CROP_PX, MARGIN, Sample, Split, crop_samples, labels_of
from models.saving import save_model
from models.second_look import Score, judge, make_hard
from models.split import fingerprint, split_samples

if TYPE_CHECKING:
    import keras

Judge = Callable[[Score, float], tuple[dict[str, float], list[str]]]
Sections = Sequence[tuple[str, Sequence[str]]]

FACE_PLAN = Plan(epochs=24, epoch_crops=8192, patience=8, recipe=ROUGH)
FEW = 50
"""Validation pictures of a class, below which they are also looked at as training changes them (a guess)."""
CHANGED = 10
FACES_KEPT = 0.99
"""Share of the validation faces, made hard, that the threshold of `face` must keep: it would rather show a mug than lose a face."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be learnt, in words."""

    name: str
    classes: tuple[str, ...]
    meaning: str
    split: str
    command: str
    limits: list[str]
    drop: tuple[str, ...] = ()
    keep: float | None = None
    """Share of the second class that the threshold must keep; None: the best balance."""
    judge: Judge | None = None
    """Measures more than right and wrong."""


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


def _no_progress(what: str, done: int, of: int) -> None: ...


def train(data: Path, out: Path, options: Options | None = None, *, report: Report = print, progress: Progress = _no_progress) -> Path:
    """Trains a network on a folder with one folder of pictures for each class, and writes a bundle.

    Beside the bundle `out` come `out-pictures.csv`, what became of each picture, and `out-report/`, a page on how good it is.

    Returns:
        The bundle's folder.

    Raises:
        ModelError: the data is not enough to learn from, a place holds something else, or there is nothing like it to start from.
    """
    options = options or Options()
    _check_places(out)
    start = Start(options)
    dataset = load_dataset(data, report=report, progress=progress, listed=beside(out, "pictures.csv"))
    split = split_samples(dataset.samples, options.seed, dataset.fixed_test)
    classes = dataset.classes
    task = Task(
        name=out.absolute().name,
        classes=classes,
        meaning=f"Probability of {classes[1]}." if len(classes) == 2 else f"Probability of each of: {', '.join(classes)}.",
        split="70 % to learn from, 15 % to choose weights and threshold, 15 % for the test; copies of a picture on one side."
        if dataset.fixed_test is None
        else "the folder's own test pictures; 15 % of the others to choose weights and threshold.",
        command=f"facestream train {data.name} -o {out.name} {options.words}",
        limits=["Judged on pictures from the same source as those it learnt from: expect less on others."],
    )
    return _train(task, split, start, out, report, progress, dataset.survey.sections())


def train_face(data: Path, out: Path, options: Options | None = None, *, report: Report = print, progress: Progress = _no_progress) -> Path:
    """Trains the bundle `face`, faces against what MTCNN takes for faces, on the folder that `models.face_dataset` describes.

    Returns:
        The bundle's folder.

    Raises:
        ModelError: the folder is not of that kind, or `out` holds something else.
    """
    options = options or Options()
    _check_places(out)
    start = Start(options, FACE_PLAN)
    split = load_face_data(data, options.seed, report, progress)
    task = Task(
        name="face",
        classes=CLASSES,
        meaning="Probability that what MTCNN found is a face.",
        split="every third photo with nobody and a sixth of the people are the test; a tenth of each chose weights and threshold.",
        command=f"facestream train {data.name} -o {out.name} {options.words}",
        limits=[
            "It learnt from news and web photos: mostly frontal faces of adults, some with masks; no drawings.",
            "Skin tones, ages and head covers were not balanced or measured.",
            "Part of its training faces come from the same pool of news photos as fddb_single.",
            "It does not tell people apart, and a statue or a good drawing may pass as a face.",
        ],
        drop=(CLASSES[NOT_FACE],),
        keep=FACES_KEPT,
        judge=lambda score, threshold: judge(score, threshold, MARGIN, data / "nobody_photos", data.parent / "detect"),
    )
    return _train(task, split, start, out, report, progress, ())


def beside(out: Path, ending: str) -> Path:
    """The place next to a bundle for what belongs to it but must not lie in it: pictures of people, lists of them, checkpoints."""
    return out.absolute().with_name(f"{out.absolute().name}-{ending}")


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


def _check_places(out: Path) -> None:
    check_place(out)
    check_report_place(beside(out, "report"))


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """A network that has learnt, and how its scores are to be read."""

    model: keras.Model
    """In float32, with the temperature built in."""
    threshold: float | None
    threshold_rule: str
    temperature: float
    fitted: Fitted


def learn(
    split: Split,
    classes: int,
    start: Start,
    *,
    keep: float | None = None,
    report: Report = print,
    progress: Progress = _no_progress,
    checkpoint_path: Path | None = None,
) -> Learnt:
    """Fits a network to `split["train"]`; what is chosen is chosen on `split["validation"]`: weights, temperature, threshold."""
    start_keras()
    import keras

    plan, seed = start.plan(len(split["train"])), start.options.seed
    checkpoint = None
    if checkpoint_path:
        if start.options.resume and not checkpoint_path.exists():
            report(f"{checkpoint_path}: is not there, so there is nothing to go on with; training begins anew")
        checkpoint = Checkpoint(checkpoint_path, start.settings(fingerprint(split), plan), resume=start.options.resume)
    keras.utils.set_random_seed(seed)  # of the first weights
    learner = start.model(classes)
    fitted = fit(learner, split["train"], split["validation"], plan, seed, report=report, progress=progress, checkpoint=checkpoint)
    model = ARCHITECTURES[start.architecture](classes)
    model.set_weights(learner.get_weights())
    crops, labels = crop_samples(split["validation"]), labels_of(split["validation"])
    temperature = calibrate(model, crops, labels)
    halve_weights(model, crops)
    threshold, rule = _threshold(model, split["validation"], keep)
    return Learnt(model, threshold, rule, temperature, fitted)


def _train(task: Task, split: Split, start: Start, out: Path, report: Report, progress: Progress, survey: Sections) -> Path:
    for part, samples in split.items():
        report(f"{part}: {', '.join(f'{count} {name}' for name, count in _count(task, samples).items())}")
    place = beside(out, "checkpoint.npz")
    learnt = learn(split, len(task.classes), start, keep=task.keep, report=report, progress=progress, checkpoint_path=place)
    folder = _conclude(task, split, start, learnt, out, report, survey)
    place.unlink(missing_ok=True)
    return folder


def _conclude(task: Task, split: Split, start: Start, learnt: Learnt, out: Path, report: Report, survey: Sections) -> Path:
    """Judges on the test pictures, and writes the bundle and its report."""
    model, threshold, fitted = learnt.model, learnt.threshold, learnt.fitted
    evaluation = evaluate(model, split["test"], task.classes, threshold)
    measured = measure(evaluation)
    metrics, results = flat(measured), sentences(evaluation, measured)
    if task.judge and threshold is not None:
        more, lines = task.judge(lambda crops: _scores(model, crops)[:, 1], threshold)
        metrics, results = metrics | more, results + lines
    for line in results:
        report(line)
    real = crop_samples([sample for samples in split.values() for sample in samples][-4000:])

    def describe(files: dict[str, str]) -> ModelInfo:
        return ModelInfo(
            name=task.name,
            meaning=task.meaning,
            classes=task.classes,
            drop=task.drop,
            architecture=start.architecture,
            input_px=CROP_PX,
            crop=CropRule(margin=MARGIN),
            threshold=threshold,
            threshold_rule=learnt.threshold_rule,
            temperature=round(learnt.temperature, 4),
            bfloat16=check_bfloat16(model, real, threshold),
            metrics={name: round(value, 4) for name, value in metrics.items()},
            data=TrainingData(fingerprint=fingerprint(split), pictures=_count(task, split["train"])),
            trained_on=datetime.now(UTC).date().isoformat(),
            seed=start.options.seed,
            versions={name: importlib.metadata.version(name) for name in ("facestream", "keras", "tensorflow", "openvino")},
            files=files,
        )

    bundle = write_bundle(
        out,
        describe,
        lambda folder: save_model(model, folder),
        lambda info: write_card(info, task.command, task.split, results, task.limits),
    )
    report(f"{fitted.gradient_seconds / max(fitted.seconds, 1e-9):.0%} of {fitted.seconds:.0f} s of training were gradient steps")
    write_report(
        beside(out, "report"), bundle.info, evaluation,
        title=f"{task.name}: how good it is", history=fitted.history, data_report=survey, measured=measured,
    )  # fmt: skip
    return bundle.folder


def _threshold(model: keras.Model, validation: Sequence[Sample], keep: float | None) -> tuple[float | None, str]:
    """The threshold and, in a sentence, how it was chosen."""
    if model.output_shape[1] > 1:
        return None, "More than two classes: the likeliest wins."
    crops, labels = crop_samples(validation), labels_of(validation)
    if keep is None:
        rule = "Chosen for the best balanced accuracy on the validation pictures."
        if np.bincount(labels).min() < FEW:  # a handful all right leaves a wide gap, and the best place in it is not its middle
            rng = np.random.default_rng(0)
            crops = np.concatenate([crops, *(np.stack([augment(sample, rng) for sample in validation]) for _ in range(CHANGED))])
            labels = np.tile(labels, CHANGED + 1)
            rule = f"Chosen for the best balanced accuracy on the few validation pictures as they are and changed in {CHANGED} ways."
        scores = _scores(model, crops)[:, 1]
        return round(best_threshold(scores[labels == 1], scores[labels == 0]), 4), rule
    hard = _scores(model, make_hard(crops[labels == FACE]))[:, 1]
    threshold = threshold_keeping(keep, hard)
    return threshold, (
        f"The highest that keeps {keep:.1%} of {len(hard)} validation faces made hard: as they are, 20 px wide, "
        "blurred and grey, dark and grey."
    )


def evaluate(model: keras.Model, test: Sequence[Sample], classes: tuple[str, ...], threshold: float | None) -> Evaluation:
    """What the model says of samples that nothing was learnt or chosen from."""
    crops = crop_samples(test)
    return Evaluation(
        classes=classes,
        threshold=threshold,
        labels=labels_of(test),
        probabilities=_scores(model, crops),
        crops=crops,
        origins=tuple(sample.origin for sample in test),
        groups=tuple(sample.group for sample in test),
    )


def _scores(model: keras.Model, crops: np.ndarray) -> np.ndarray:
    """(N, C) probabilities, as `Classifier.classify` gives them."""
    scores = np.asarray(model.predict(crops, verbose=0)) if len(crops) else np.zeros((0, model.output_shape[1]), np.float32)
    return np.concatenate([1 - scores, scores], axis=1) if scores.shape[1] == 1 else scores


def _count(task: Task, samples: list[Sample]) -> dict[str, int]:
    labels = labels_of(samples)
    return {name: int((labels == index).sum()) for index, name in enumerate(task.classes)}
