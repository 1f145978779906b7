"""Data -> samples -> a fitted network -> a bundle that says how good it is on what it never saw."""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.classification.bundle import LONGEST_NAME, Bundle, CropRule, ModelInfo, TrainingData, check_place, write_bundle
from models.data.augmentation import ROUGH
from models.data.dataset import Progress, Report, load_dataset
from models.data.face_dataset import CLASSES, NOT_FACE, load_face_data
from models.data.learnt import learnt_from
from models.data.samples import MARGIN, Part, Sample, Split, crop_samples, labels_of, scores_of
from models.data.split import fingerprint, split_samples
from models.errors import ModelError
from models.evaluation.false_positives import Score, false_finds, judge
from models.evaluation.metrics import flat, measure, sentences
from models.evaluation.plots import History
from models.evaluation.report import check_report_place, write_report
from models.imaging.crops import CROP_PX
from models.places import printable, why_no_new_folder
from models.training.checkpoint import MOST_FOLDS, forget, interrupted, of_fold
from models.training.cross_validation import FOLDS, too_few
from models.training.model_card import write_card
from models.training.model_files import save_model
from models.training.reduced_precision import check_bfloat16
from models.training.schedule import Plan
from models.training.trained_model import TrainedModel
from models.training.trainer import FalseFinds, Options, TrainingSetup, learn, no_progress

CHECKPOINT = "checkpoint.npz"
Judge = Callable[[Score, float], tuple[dict[str, float], list[str]]]
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


def train(
    data: Path,
    out: Path,
    options: Options | None = None,
    *,
    overwrite: bool = False,
    report: Report = print,
    progress: Progress = no_progress,
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
    setup = TrainingSetup(options)
    dataset = load_dataset(data, report=report, progress=progress, listed=beside(out, "pictures.csv"), detector=options.detector)
    split = split_samples(dataset.samples, options.seed, dataset.fixed)
    classes = dataset.classes
    task = Task(
        name=out.absolute().name,
        classes=classes,
        meaning=f"Probability of {classes[1]}." if len(classes) == 2 else f"Probability of each of: {', '.join(classes)}.",
        split=_split_in_words(split, dataset.parts),
        command=f"facestream train {printable(data.name)} -o {out.name} {options.words}",
        limits=["Judged on pictures from the same source as those it learnt from: expect less on others."],
    )
    return _train(task, split, setup, out, report, progress, dataset.survey.sections())


def _split_in_words(split: Split, own: Collection[Part]) -> str:
    """`own`: the parts that the folder is divided into already."""
    test = "the folder's own test pictures" if "test" in own else "15 % for the test, copies of a picture on one side"
    if too_few(split["validation"]):
        return f"{test}; all others to learn from, and in {FOLDS} parts, each asked about in its turn, to choose temperature and threshold."
    chosen = "the folder's own validation pictures" if "validation" in own else "15 %"
    return f"{test}; {chosen} to choose weights and threshold; the others to learn from."


def train_face(
    data: Path,
    out: Path,
    options: Options | None = None,
    *,
    overwrite: bool = False,
    report: Report = print,
    progress: Progress = no_progress,
) -> Path:
    """Trains the bundle `face`, faces against what MTCNN takes for faces, on the folder that `models.data.face_dataset` describes.

    Returns:
        The bundle's folder.

    Raises:
        ModelError: the folder is not of that kind, `out` holds something else, or another detector is asked for.
    """
    options = options or Options()
    if options.detector:
        raise ModelError("the model face learns what the detector mtcnn takes for faces, as it is; leave the detector's settings out.")
    check_places(out, resume=options.resume, overwrite=overwrite)
    setup = TrainingSetup(options, FACE_PLAN)
    split = load_face_data(data, options.seed, report, progress)
    task = Task(
        name="face",
        classes=CLASSES,
        meaning="Probability that what MTCNN found is a face.",
        split="every third photo with nobody and a sixth of the people are the test; a fifth of the photos with nobody and an eighth of "
        "the people chose weights and threshold.",
        command=f"facestream train {printable(data.name)} -o {out.name} {options.words}",
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
    return _train(task, split, setup, out, report, progress, ())


def beside(out: Path, ending: str) -> Path:
    """The place next to a bundle for what belongs to it but must not lie in it: pictures of people, lists of them, checkpoints."""
    return out.absolute().with_name(f"{out.absolute().name}-{ending}")


def check_places(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuses, before any work, places where a bundle and its report may not be written; who goes on has allowed it when he began.

    Raises:
        ModelError: there is something else, or an earlier bundle, report or interrupted training that must not be replaced.
    """
    if not out.absolute().name:
        raise ModelError(f"{printable(out)}: {why_no_new_folder(out)}.")
    checkpoint = beside(out, CHECKPOINT)
    name = out.absolute().name
    longest = (f"-{CHECKPOINT}", of_fold(checkpoint, MOST_FOLDS).name.removeprefix(name), "-pictures.csv", "-report")
    if why := why_no_new_folder(out, longest):
        raise ModelError(f"{printable(out)}: {why}.")
    if len(name) > LONGEST_NAME:
        raise ModelError(f"{out}: has a name of more than {LONGEST_NAME} characters, which becomes that of the model; name a shorter one.")
    if left := interrupted(checkpoint):
        if not resume and not overwrite:
            raise ModelError(f"{left}: holds an interrupted training; add --resume to go on with it, or --overwrite to begin anew.")
        overwrite = True
    check_place(out, overwrite=overwrite)
    check_report_place(beside(out, "report"), overwrite=overwrite)


def _train(task: Task, split: Split, setup: TrainingSetup, out: Path, report: Report, progress: Progress, survey: Sections) -> Path:
    for part, samples in split.items():
        report(f"{part}: {', '.join(f'{count} {name}' for name, count in _count(task, samples).items())}")
    place = beside(out, CHECKPOINT)
    learnt = learn(split, len(task.classes), setup, false_finds=task.false_finds, report=report, progress=progress, checkpoint_path=place)
    folder = _conclude(task, split, setup, learnt, out, report, survey)
    forget(place)
    return folder


def _conclude(task: Task, split: Split, setup: TrainingSetup, learnt: TrainedModel, out: Path, report: Report, survey: Sections) -> Path:
    """Judges on the test pictures, and writes the bundle and its report."""
    model, decision, fitted = learnt.model, learnt.decision, learnt.fitted
    evaluation = learnt.judge(split["test"], task.classes)
    measured = measure(evaluation)
    metrics, results = flat(measured), sentences(evaluation, measured)
    if task.judge and decision.threshold is not None:
        more, lines = task.judge(lambda crops, scores: learnt.probabilities(crops, scores)[:, 1], decision.threshold)
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
            architecture=setup.architecture,
            input_px=CROP_PX,
            crop=CropRule(margin=MARGIN),
            threshold=decision.threshold,
            threshold_rule=decision.rule,
            temperature=round(learnt.temperature, 4),
            detector=decision.fusion,
            bfloat16=check_bfloat16(model, crop_samples(real), decision.threshold, lambda said: decision.fused(said, scores_of(real))),
            metrics={name: round(value, 4) for name, value in metrics.items()},
            data=TrainingData(
                fingerprint=fingerprint(split),
                pictures=_count(task, learnt.samples),
                learnt_from=learnt_from([*split["train"], *split["validation"]]),
            ),
            trained_on=datetime.now(UTC).date().isoformat(),
            seed=setup.options.seed,
            versions={name: importlib.metadata.version(name) for name in ("facestream", "keras", "tensorflow", "openvino")},
            files=files,
        )

    def written(place: Path) -> Bundle:
        return write_bundle(
            place,
            describe,
            lambda folder: save_model(model, folder),
            lambda info: write_card(info, task.command, task.split, results, task.limits),
        )

    try:
        bundle = written(out)
    except ModelError:
        report(_rescued(written, out))
        raise
    report(f"{fitted.gradient_seconds / max(fitted.seconds, 1e-9):.0%} of {fitted.seconds:.0f} s of training were gradient steps")
    history = History(fitted.history, fitted.kept, fitted.folds)
    try:
        write_report(
            beside(out, "report"), bundle.info, evaluation,
            title=f"{task.name}: how good it is", history=history, data_report=survey, measured=measured,
        )  # fmt: skip
    except ModelError:
        forget(beside(out, CHECKPOINT))
        report(f"the model itself is written to {bundle.folder}")
        raise
    return bundle.folder


def _rescued(written: Callable[[Path], Bundle], out: Path) -> str:
    """What has become of a model that could not be written where it should be, in a sentence."""
    if interrupted(beside(out, CHECKPOINT)):
        return "what was learnt is kept; once there is room, the same command with --resume writes it"
    lost = "what was learnt could not be kept elsewhere, either"
    try:
        elsewhere = Path(tempfile.mkdtemp(prefix="facestream-"))
    except OSError:
        return lost
    try:
        place = written(elsewhere / out.absolute().name).folder
    except ModelError:
        with suppress(OSError):
            elsewhere.rmdir()  # what could not be written whole left nothing in it
        return lost
    return f"the model is kept in {place} instead; move it where there is room"


def _count(task: Task, samples: Sequence[Sample]) -> dict[str, int]:
    labels = labels_of(samples)
    return {name: int((labels == index).sum()) for index, name in enumerate(task.classes)}
