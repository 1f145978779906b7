"""The numbers of an evaluation, each with what chance leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.data.samples import Sample, labels_of
from models.evaluation.proportion import Share

ROUNDS = 1000
"""Resamples of a bootstrap: its bounds then move by less than the bounds are apart by a twentieth from seed to seed."""
BINS = 10
"""Of the reliability diagram."""

SHARES = ("accuracy", "balanced_accuracy", "auc", "average_precision")
"""The numbers that are 1 at best and 0 at worst."""

Curve = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a model said of pictures whose class is known."""

    classes: tuple[str, ...]
    threshold: float | None
    """Two classes: the lowest probability of the second class to be called so. None for more: the likeliest wins."""
    labels: np.ndarray
    """(N,) int: indices of the true classes."""
    probabilities: np.ndarray
    """(N, C) float32, as `Classifier.classify` gives them."""
    crops: np.ndarray
    """(N, size, size, 3) uint8 RGB: what the model saw."""
    origins: tuple[str, ...]
    """(N,) where each comes from, for people."""
    groups: tuple[str, ...] = ()
    """(N,) pictures of one group (copies, one person) are no independent witnesses; empty: each stands for itself."""

    @classmethod
    def of(
        cls, samples: Sequence[Sample], crops: np.ndarray, probabilities: np.ndarray, classes: tuple[str, ...], threshold: float | None
    ) -> Evaluation:
        """What was said of samples, whose `crops` the model saw."""
        return cls(
            classes=classes,
            threshold=threshold,
            labels=labels_of(samples),
            probabilities=probabilities,
            crops=crops,
            origins=tuple(sample.origin for sample in samples),
            groups=tuple(sample.group for sample in samples),
        )

    @property
    def called(self) -> np.ndarray:
        """(N,) int: indices of the classes that the model decided on."""
        if self.threshold is None:
            return np.asarray(self.probabilities.argmax(axis=1))
        return (self.probabilities[:, 1] >= self.threshold).astype(int)

    @property
    def present(self) -> np.ndarray:
        """Indices of the classes of which there are pictures."""
        return np.unique(self.labels)

    @property
    def confusion(self) -> np.ndarray:
        """(C, C) int: how many pictures of the class of the row were called the class of the column."""
        size = len(self.classes)
        return np.bincount(self.labels * size + self.called, minlength=size * size).reshape(size, size)


class Ranking:
    """How well scores put one kind of picture above another, whatever the threshold."""

    def __init__(self, scores: np.ndarray, positive: np.ndarray) -> None:
        """
        Args:
            scores: (N,).
            positive: (N,) bool; some of both kinds.
        """
        self.scores, self._place = np.unique(scores, return_inverse=True)
        self._positive = positive

    def counts(self, weights: np.ndarray | None = None) -> Curve:
        """Weight of the positives and of the negatives at each of `scores`, from the highest down."""
        weights = np.ones(len(self._positive)) if weights is None else weights
        size = len(self.scores)
        positive = np.bincount(self._place, weights * self._positive, size)
        return positive[::-1], np.bincount(self._place, weights, size)[::-1] - positive[::-1]

    def auc(self, weights: np.ndarray | None = None) -> float:
        """How likely a random positive scores above a random negative: the area under the ROC curve. Ties count half."""
        positive, negative = self.counts(weights)
        above = positive.cumsum() - positive / 2
        return float((negative * above).sum() / (positive.sum() * negative.sum()))

    def average_precision(self, weights: np.ndarray | None = None) -> float:
        """The area under the precision-recall curve, in steps (nothing between two points is taken for granted)."""
        positive, negative = self.counts(weights)
        found = positive.cumsum()
        precision = found / np.maximum(found + negative.cumsum(), 1e-12)
        return float((positive * precision).sum() / positive.sum())

    def roc(self) -> Curve:
        """False and true positive rate as the threshold falls, from (0, 0) to (1, 1)."""
        positive, negative = self.counts()
        return tuple(np.concatenate([[0], part.cumsum() / part.sum()]) for part in (negative, positive))  # type: ignore[return-value]

    def precision_recall(self) -> Curve:
        """Recall and precision as the threshold falls."""
        positive, negative = self.counts()
        found = positive.cumsum()
        return found / positive.sum(), found / (found + negative.cumsum())


@dataclass(frozen=True, slots=True)
class Bin:
    """Pictures given about the same probability."""

    said: float
    """Mean probability."""
    true: Share
    """Of how many it was true."""


def reliability(evaluation: Evaluation) -> list[Bin]:
    """What the probabilities said, and how often it was true, in tenths. Two classes: of the second; more: of the likeliest."""
    said, true = _said_and_true(evaluation)
    place = _bins(said)
    return [
        Bin(float(said[inside].mean()), Share(int(true[inside].sum()), int(inside.sum())))
        for index in range(BINS)
        if (inside := place == index).any()
    ]


def worst_mistakes(evaluation: Evaluation, most: int) -> np.ndarray:
    """Indices of the wrongly called, those of whose true class the model was least sure first."""
    wrong = np.flatnonzero(evaluation.called != evaluation.labels)
    doubt = evaluation.probabilities[wrong, evaluation.labels[wrong]]
    return np.asarray(wrong[np.argsort(doubt, kind="stable")][:most])


@dataclass(frozen=True, slots=True)
class Measured:
    """One number with its 95 % interval."""

    value: float
    low: float
    high: float


class _Statistics:
    """All numbers at once, for any weights of the pictures."""

    def __init__(self, evaluation: Evaluation) -> None:
        e = evaluation
        self._labels, self._present = e.labels, e.present
        self._right = e.called == e.labels
        self._loss = -np.log(np.clip(e.probabilities[np.arange(len(e.labels)), e.labels].astype(np.float64), 1e-7, 1))
        said, true = _said_and_true(e)
        self._gap, self._bin = said - true, _bins(said)
        one_against_others = [1] if len(e.classes) == 2 else e.present.tolist()
        several = len(e.present) > 1
        self._rankings = [Ranking(e.probabilities[:, index], e.labels == index) for index in one_against_others if several]

    def __call__(self, weights: np.ndarray) -> dict[str, float]:
        total, right = weights.sum(), weights * self._right
        sizes, hits = (np.bincount(self._labels, part)[self._present] for part in (weights, right))
        values = {"accuracy": float(right.sum() / total), "balanced_accuracy": float((hits / sizes).mean())}
        if self._rankings:
            values["auc"] = float(np.mean([ranking.auc(weights) for ranking in self._rankings]))
            values["average_precision"] = float(np.mean([ranking.average_precision(weights) for ranking in self._rankings]))
        values["log_loss"] = float((weights * self._loss).sum() / total)
        values["calibration_error"] = float(np.abs(np.bincount(self._bin, weights * self._gap)).sum() / total)
        return values


def measure(evaluation: Evaluation, *, seed: int = 0) -> dict[str, Measured]:
    """Accuracy, balanced accuracy, areas under the ROC and precision-recall curves, log loss and calibration error.

    More than two classes: the areas are means over each class against all others. With pictures of one class only, there are no areas.
    Intervals are percentiles of a bootstrap that draws whole groups anew within each class. Where every resample says the same,
    because all of each class was right or all wrong, the bounds are Wilson's for all or none of as many as the smallest class has groups.
    """
    statistics = _Statistics(evaluation)
    values = statistics(np.ones(len(evaluation.labels)))
    strata = _strata(evaluation)
    rng = np.random.default_rng(seed)
    drawn = [statistics(_resample(strata, len(evaluation.labels), rng)) for _ in range(ROUNDS)]
    surest = Share(least := min(int(group.max()) + 1 for _, group in strata), least).interval[0]
    measured = {}
    for name, value in values.items():
        low, high = np.quantile([numbers[name] for numbers in drawn], [0.025, 0.975])
        if high - low < 1e-9 and name in SHARES:
            low, high = value * surest, value + (1 - value) * (1 - surest)
        measured[name] = Measured(value, float(low), float(high))
    return measured


def flat(measured: dict[str, Measured]) -> dict[str, float]:
    """As `model.json` keeps them: `accuracy`, `accuracy_low`, `accuracy_high`, …"""
    return {
        name + ending: round(value, 4)
        for name, one in measured.items()
        for ending, value in (("", one.value), ("_low", one.low), ("_high", one.high))
    }


def sentences(evaluation: Evaluation, measured: dict[str, Measured]) -> list[str]:
    """The same for people, a line each, and how many of each class were right."""
    right = Share(int((evaluation.called == evaluation.labels).sum()), len(evaluation.labels))
    lines = [f"Right: {right.count} of {right.of}."]
    for index in evaluation.present:
        of_class = evaluation.labels == index
        share = Share(int((evaluation.called[of_class] == index).sum()), int(of_class.sum()))
        lines.append(f"Right of `{evaluation.classes[index]}`: {share}.")
    names = {
        "accuracy": "Accuracy",
        "balanced_accuracy": "Balanced accuracy",
        "auc": "Area under the ROC curve",
        "average_precision": "Average precision",
        "log_loss": "Log loss",
        "calibration_error": "Calibration error",
    }
    return lines + [f"{names[name]}: {one.value:.4f} (95 % interval {one.low:.4f} to {one.high:.4f})." for name, one in measured.items()]


def _said_and_true(evaluation: Evaluation) -> tuple[np.ndarray, np.ndarray]:
    """(N,) probability and (N,) bool whether it was so: of the second of two classes, of the likeliest of more."""
    if len(evaluation.classes) == 2:
        return evaluation.probabilities[:, 1].astype(np.float64), evaluation.labels == 1
    likeliest = evaluation.probabilities.argmax(axis=1)
    return evaluation.probabilities.max(axis=1).astype(np.float64), likeliest == evaluation.labels


def _bins(said: np.ndarray) -> np.ndarray:
    return np.asarray(np.minimum((said * BINS).astype(int), BINS - 1))


def _strata(evaluation: Evaluation) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each class, the indices of its pictures, and for each of these the number of its group."""
    groups = np.array(evaluation.groups or range(len(evaluation.labels)))
    strata = []
    for index in evaluation.present:
        pictures = np.flatnonzero(evaluation.labels == index)
        strata.append((pictures, np.unique(groups[pictures], return_inverse=True)[1]))
    return strata


def _resample(strata: list[tuple[np.ndarray, np.ndarray]], count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) how often each picture is drawn, whole groups at a time."""
    weights = np.zeros(count)
    for pictures, group in strata:
        size = int(group.max()) + 1
        weights[pictures] = np.bincount(rng.integers(0, size, size), minlength=size)[group]
    return weights
