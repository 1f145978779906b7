"""Data -> samples -> a fitted network -> a bundle that says how good it is on what it never saw."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.augment import ROUGH, coarsen, grey
from models.bundle import CropRule, ModelInfo, TrainingData, check_place, write_bundle
from models.card import write_card
from models.dataset import load_dataset
from models.evaluate import Share, auc, best_threshold, threshold_keeping
from models.face_dataset import CLASSES, FACE, NOT_FACE, load_face_data
from models.fit import Plan, fast_arithmetic, fit
from models.networks import CNN_INPUT_PX, create_cnn_model
from models.rounding import halve_weights
from models.samples import MARGIN, Sample, Split, crop_samples, labels_of
from models.saving import save_model
from models.second_look import Score, judge
from models.split import split_samples

if TYPE_CHECKING:
    import keras

Report = Callable[[str], None]
Judge = Callable[[Score, float], tuple[dict[str, float], list[str]]]

FACE_PLAN = Plan(epochs=24, epoch_crops=8192, patience=8, recipe=ROUGH)
"""About 12 minutes on two cores with AMX, 30 on two without."""
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


def train(data: Path, out: Path, *, seed: int = 0, report: Report = print, plan: Plan | None = None) -> Path:
    """Trains the original network on a folder with one folder of pictures for each class, and writes a bundle.

    Returns:
        The bundle's folder.

    Raises:
        ModelError: the data is not enough to learn from, or `out` holds something else.
    """
    check_place(out)
    dataset = load_dataset(data, report=report)
    split = split_samples(dataset.samples, seed, dataset.fixed_test)
    classes = dataset.classes
    task = Task(
        name=out.absolute().name,
        classes=classes,
        meaning=f"Probability of: {', '.join(classes)}.",
        split="70 % to learn from, 15 % to choose weights and threshold, 15 % for the test; equal pictures on one side.",
        command=f"facestream train {data.name} -o {out.name} --seed {seed}",
        limits=["Judged on pictures from the same source as those it learnt from: expect less on others."],
    )
    few = len(split["train"])
    return _train(task, split, plan or Plan(epochs=30, epoch_crops=min(max(4 * few, 512), 8192), patience=6), out, seed, report)


def train_face(data: Path, out: Path, *, seed: int = 0, report: Report = print, plan: Plan = FACE_PLAN) -> Path:
    """Trains the bundle `face`, faces against what MTCNN takes for faces, on the folder that `models.face_dataset` describes.

    Returns:
        The bundle's folder.

    Raises:
        ModelError: the folder is not of that kind, or `out` holds something else.
    """
    check_place(out)
    split = load_face_data(data, seed, report)
    task = Task(
        name="face",
        classes=CLASSES,
        meaning="Probability that what MTCNN found is a face.",
        split="every third photo with nobody and a sixth of the people are the test; a tenth of each chose weights and threshold.",
        command=f"facestream train {data.name} -o {out.name} --seed {seed}",
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
    return _train(task, split, plan, out, seed, report)


def _train(task: Task, split: Split, plan: Plan, out: Path, seed: int, report: Report) -> Path:
    import keras

    for part, samples in split.items():
        report(f"{part}: {', '.join(f'{count} {name}' for name, count in _count(task, samples).items())}")
    validation, labels = crop_samples(split["validation"]), labels_of(split["validation"])
    keras.utils.set_random_seed(seed)  # of the first weights
    with fast_arithmetic():
        learner = create_cnn_model(len(task.classes))
        fit(learner, split["train"], (validation, labels), plan, seed, report)
    model = create_cnn_model(len(task.classes))
    model.set_weights(learner.get_weights())
    change = halve_weights(model, validation)
    report(f"weights rounded to half precision: no validation probability moved by more than {change:.1e}")
    threshold, rule = _threshold(model, validation, labels, task)
    metrics, results = _judge(model, split["test"], task, threshold)
    for line in results:
        report(line)
    bundle = write_bundle(
        out,
        lambda files: _describe(task, split, seed, threshold, rule, metrics, files),
        lambda folder: save_model(model, folder),
        lambda info: write_card(info, task.command, task.split, results, task.limits),
    )
    report(f"written: {bundle.folder}")
    return bundle.folder


def _threshold(model: keras.Model, crops: np.ndarray, labels: np.ndarray, task: Task) -> tuple[float | None, str]:
    """The threshold and, in a sentence, how it was chosen."""
    if len(task.classes) > 2:
        return None, "More than two classes: the likeliest wins."
    scores = _scores(model, crops)[:, 1]
    if task.keep is None:
        return best_threshold(scores[labels == 1], scores[labels == 0]), "Chosen for the best balanced accuracy on the validation pictures."
    hard = _scores(model, make_hard(crops[labels == FACE]))[:, 1]
    threshold = threshold_keeping(task.keep, hard)
    return threshold, (
        f"The highest that keeps {task.keep:.1%} of {len(hard)} validation faces made hard: as they are, 20 px wide, "
        "blurred and grey, dark and grey."
    )


def make_hard(crops: np.ndarray) -> np.ndarray:
    """(4 N, size, size, 3): each crop as it is, 20 px wide, blurred and grey, dark and grey: what a threshold must not lose."""
    import cv2

    rng = np.random.default_rng(0)
    small = [coarsen(crop, 20, rng) for crop in crops]
    blurred = [grey(cv2.GaussianBlur(crop, (0, 0), 3)) for crop in crops]
    dark = [grey((crop * 0.4).astype(np.uint8)) for crop in crops]
    return np.concatenate([crops, np.array([*small, *blurred, *dark], np.uint8).reshape(-1, *crops.shape[1:])])


def _judge(model: keras.Model, test: list[Sample], task: Task, threshold: float | None) -> tuple[dict[str, float], list[str]]:
    """Metrics by name, and the same in sentences, on samples that nothing was learnt or chosen from."""
    labels = labels_of(test)
    scores = _scores(model, crop_samples(test))
    called = scores.argmax(axis=1) if threshold is None else (scores[:, 1] >= threshold).astype(int)
    right = Share(int((called == labels).sum()), len(labels))
    by_class = [Share(int((called[labels == i] == i).sum()), int((labels == i).sum())) for i in range(len(task.classes))]
    metrics = {
        "accuracy": right.value,
        "accuracy_low": right.interval[0],
        "accuracy_high": right.interval[1],
        "balanced_accuracy": float(np.mean([share.value for share in by_class])),
    }
    results = [f"Right: {right}.", *(f"Right of `{name}`: {share}." for name, share in zip(task.classes, by_class, strict=True))]
    if len(task.classes) == 2:
        metrics["auc"] = auc(scores[labels == 1, 1], scores[labels == 0, 1])
        results.append(f"Area under the ROC curve: {metrics['auc']:.4f}.")
    if task.judge and threshold is not None:
        more, lines = task.judge(lambda crops: _scores(model, crops)[:, 1], threshold)
        metrics, results = metrics | more, results + lines
    return metrics, results


def _describe(
    task: Task, split: Split, seed: int, threshold: float | None, rule: str, metrics: dict[str, float], files: dict[str, str]
) -> ModelInfo:
    return ModelInfo(
        name=task.name,
        meaning=task.meaning,
        classes=task.classes,
        drop=task.drop,
        architecture="original",
        input_px=CNN_INPUT_PX,
        crop=CropRule(margin=MARGIN),
        threshold=threshold,
        threshold_rule=rule,
        metrics={name: round(value, 4) for name, value in metrics.items()},
        data=TrainingData(fingerprint=fingerprint(split), pictures=_count(task, split["train"])),
        trained_on=datetime.now(UTC).date().isoformat(),
        seed=seed,
        versions={name: importlib.metadata.version(name) for name in ("facestream", "keras", "tensorflow", "openvino")},
        files=files,
    )


def fingerprint(split: Split) -> str:
    """The same for the same samples on the same sides, and for nothing else."""
    digest = hashlib.sha256()
    for part, samples in sorted(split.items()):
        for sample in samples:
            digest.update(f"{part} {sample.label} {sample.picture.shape} {sample.box.tolist()}".encode())
            digest.update(sample.picture.tobytes())
    return digest.hexdigest()


def _scores(model: keras.Model, crops: np.ndarray) -> np.ndarray:
    """(N, C) probabilities, as `Classifier.classify` gives them."""
    scores = np.asarray(model.predict(crops, verbose=0)) if len(crops) else np.zeros((0, model.output_shape[1]), np.float32)
    return np.concatenate([1 - scores, scores], axis=1) if scores.shape[1] == 1 else scores


def _count(task: Task, samples: list[Sample]) -> dict[str, int]:
    labels = labels_of(samples)
    return {name: int((labels == index).sum()) for index, name in enumerate(task.classes)}
