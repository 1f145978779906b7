"""Data -> samples -> a fitted network -> a bundle that says how good it is on what it never saw."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.augment import ROUGH
from models.bundle import CropRule, ModelInfo, TrainingData, check_place, load_keras_model, read_bundle, write_bundle
from models.calibration import calibrate
from models.card import write_card
from models.checkpoint import Checkpoint, forget
from models.dataset import Progress, Report, load_dataset
from models.errors import ModelError
from models.evaluation_report import check_report_place, write_report
from models.face_dataset import CLASSES, NOT_FACE, load_face_data
from models.fit import Plan, fast_arithmetic, fit
from models.keras_quiet import start_keras
from models.learnt import Learnt, read_classes, read_second_look, to_choose_on
from models.measures import flat, measure, sentences
from models.networks import ARCHITECTURES, with_new_answer
from models.rounding import check_bfloat16, halve_weights
from models.samples import CROP_PX, MARGIN, Sample, Split, crop_samples, labels_of, scores_of
from models.saving import save_model
from models.second_look import Score, false_finds, judge
from models.split import fingerprint, split_samples

if TYPE_CHECKING:
    import keras

Judge = Callable[[Score, float], tuple[dict[str, float], list[str]]]
FalseFinds = tuple[np.ndarray, np.ndarray]
"""Crops and the detector's scores."""
Sections = Sequence[tuple[str, Sequence[str]]]

FACE_PLAN = Plan(epochs=48, epoch_crops=8192, patience=16, recipe=ROUGH)


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
    false_finds: FalseFinds | None = None
    """Of a second look, which says whether what the detector found is a face at all: what it finds where nobody is, to choose on."""
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


def train(
    data: Path,
    out: Path,
    options: Options | None = None,
    *,
    overwrite: bool = False,
    report: Report = print,
    progress: Progress = _no_progress,
) -> Path:
    """Trains a network on a folder with one folder of pictures for each class, and writes a bundle.

    Beside the bundle `out` come `out-pictures.csv`, what became of each picture, and `out-report/`, a page on how good it is.
    What is there from an earlier training is replaced only with `overwrite`, or where the options say to go on with an interrupted one.

    Returns:
        The bundle's folder.

    Raises:
        ModelError: the data is not enough to learn from, a place holds something else, or there is nothing like it to start from.
    """
    options = options or Options()
    check_places(out, resume=options.resume, overwrite=overwrite)
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


def train_face(
    data: Path,
    out: Path,
    options: Options | None = None,
    *,
    overwrite: bool = False,
    report: Report = print,
    progress: Progress = _no_progress,
) -> Path:
    """Trains the bundle `face`, faces against what MTCNN takes for faces, on the folder that `models.face_dataset` describes.

    Returns:
        The bundle's folder.

    Raises:
        ModelError: the folder is not of that kind, or `out` holds something else.
    """
    options = options or Options()
    check_places(out, resume=options.resume, overwrite=overwrite)
    start = Start(options, FACE_PLAN)
    split = load_face_data(data, options.seed, report, progress)
    task = Task(
        name="face",
        classes=CLASSES,
        meaning="Probability that what MTCNN found is a face.",
        split="every third photo with nobody and a sixth of the people are the test; a fifth of the photos with nobody and an eighth of "
        "the people chose weights and threshold.",
        command=f"facestream train {data.name} -o {out.name} {options.words}",
        limits=[
            "It learnt from news and web photos: mostly frontal faces of adults, some with masks; no drawings.",
            "Skin tones, ages and head covers were not balanced or measured.",
            "Part of its training faces come from the same pool of news photos as fddb_single.",
            "It does not tell people apart, and a statue or a good drawing may pass as a face.",
        ],
        drop=(CLASSES[NOT_FACE],),
        false_finds=false_finds(data / "nobody_photos", MARGIN),
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


def check_places(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuses, before any work, places where a bundle and its report may not be written; who goes on has allowed it when he began.

    Raises:
        ModelError: there is something else, or an earlier bundle, report or interrupted training that must not be replaced.
    """
    checkpoint = beside(out, "checkpoint.npz")
    if checkpoint.exists():
        if not resume and not overwrite:
            raise ModelError(f"{checkpoint}: holds an interrupted training; add --resume to go on with it, or --overwrite to begin anew.")
        overwrite = True
    check_place(out, overwrite=overwrite)
    check_report_place(beside(out, "report"), overwrite=overwrite)


def learn(
    split: Split,
    classes: int,
    start: Start,
    *,
    false_finds: FalseFinds | None = None,
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
        if not start.options.resume:
            forget(checkpoint_path)
        elif not checkpoint_path.exists():
            report(f"{checkpoint_path}: is not there, so there is nothing to go on with; training begins anew")
        checkpoint = Checkpoint(checkpoint_path, start.settings(fingerprint(split), plan), resume=start.options.resume)
    keras.utils.set_random_seed(seed)  # of the first weights
    learner = start.model(classes)
    crops, labels, changed = to_choose_on(split["validation"])
    fitted = fit(learner, split["train"], crops, labels, plan, seed, report=report, progress=progress, checkpoint=checkpoint)
    model = ARCHITECTURES[start.architecture](classes)
    model.set_weights(learner.get_weights())
    temperature = calibrate(model, crops, labels)
    halve_weights(model, crops)
    reading = read_second_look(model, split["validation"], false_finds) if false_finds else read_classes(model, crops, labels, changed)
    return Learnt(model, reading, temperature, fitted)


def _train(task: Task, split: Split, start: Start, out: Path, report: Report, progress: Progress, survey: Sections) -> Path:
    for part, samples in split.items():
        report(f"{part}: {', '.join(f'{count} {name}' for name, count in _count(task, samples).items())}")
    place = beside(out, "checkpoint.npz")
    learnt = learn(split, len(task.classes), start, false_finds=task.false_finds, report=report, progress=progress, checkpoint_path=place)
    folder = _conclude(task, split, start, learnt, out, report, survey)
    forget(place)
    return folder


def _conclude(task: Task, split: Split, start: Start, learnt: Learnt, out: Path, report: Report, survey: Sections) -> Path:
    """Judges on the test pictures, and writes the bundle and its report."""
    model, reading, fitted = learnt.model, learnt.reading, learnt.fitted
    evaluation = learnt.judge(split["test"], task.classes)
    measured = measure(evaluation)
    metrics, results = flat(measured), sentences(evaluation, measured)
    if task.judge and reading.threshold is not None:
        more, lines = task.judge(lambda crops, scores: learnt.probabilities(crops, scores)[:, 1], reading.threshold)
        metrics, results = metrics | more, results + lines
    for line in results:
        report(line)
    real = [sample for samples in split.values() for sample in samples][-4000:]

    def describe(files: dict[str, str]) -> ModelInfo:
        return ModelInfo(
            name=task.name,
            meaning=task.meaning,
            classes=task.classes,
            drop=task.drop,
            architecture=start.architecture,
            input_px=CROP_PX,
            crop=CropRule(margin=MARGIN),
            threshold=reading.threshold,
            threshold_rule=reading.rule,
            temperature=round(learnt.temperature, 4),
            detector=reading.evidence,
            bfloat16=check_bfloat16(model, crop_samples(real), reading.threshold, lambda said: reading.joined(said, scores_of(real))),
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


def _count(task: Task, samples: list[Sample]) -> dict[str, int]:
    labels = labels_of(samples)
    return {name: int((labels == index).sum()) for index, name in enumerate(task.classes)}
