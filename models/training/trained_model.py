"""A network that has learnt, and how its answers are read: the threshold, and what the detector's score adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.classification.bundle import FusionWeights
from models.classification.score_fusion import fit_fusion, fuse
from models.data.augmentation import augment
from models.data.face_dataset import FACE, PASSES_LOW_THRESHOLDS
from models.data.samples import Sample, crop_samples, labels_of, scores_of
from models.evaluation.metrics import Evaluation
from models.evaluation.thresholds import best_threshold, threshold_removing
from models.training.fit import Fitted, answers

if TYPE_CHECKING:
    import keras

FEW = 50
"""Validation pictures of a class, below which they are also looked at as training changes them (a guess)."""
CHANGED = 10
FALSE_REMOVED = 0.85
"""Share of MTCNN's finds on validation photos of nobody that the threshold of `face` must remove: 0.8 is promised, 0.05 is for chance."""


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """How a network's answers become labels."""

    threshold: float | None
    """None: the likeliest of more than two classes wins."""
    rule: str
    """How the threshold was chosen, in a sentence."""
    fusion: FusionWeights | None = None

    def fused(self, answers: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """(N, 1) or (N, C) answers of the network with what the detector's (N,) scores add; the same shape."""
        return answers if self.fusion is None else fuse(answers[:, 0], scores, self.fusion.weights)[:, None]


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """A network that has learnt, and how its answers are to be read."""

    model: keras.Model
    """In float32, with the temperature built in."""
    decision: DecisionRule
    temperature: float
    fitted: Fitted
    samples: Sequence[Sample]
    """What was learnt from."""

    def probabilities(self, crops: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """(N, C), as `Classifier.classify` gives them, for (N, size, size, 3) uint8 crops and the detector's (N,) scores."""
        said = self.decision.fused(answers(self.model, crops), scores)
        return np.concatenate([1 - said, said], axis=1) if said.shape[1] == 1 else said

    def judge(self, samples: Sequence[Sample], classes: tuple[str, ...]) -> Evaluation:
        """What it says of samples that nothing was learnt or chosen from."""
        crops = crop_samples(samples)
        return Evaluation.of(samples, crops, self.probabilities(crops, scores_of(samples)), classes, self.decision.threshold)


def to_choose_on(validation: Sequence[Sample]) -> tuple[np.ndarray, np.ndarray, bool]:
    """Crops and labels of the validation pictures; where they are few, also of copies changed as training changes them, and True.

    By a handful of pictures, all right, no epoch is better than another, and the gap between the classes' scores is wide.
    """
    crops, labels = crop_samples(validation), labels_of(validation)
    if np.bincount(labels).min() >= FEW:
        return crops, labels, False
    rng = np.random.default_rng(0)
    crops = np.concatenate([crops, *(np.stack([augment(sample, rng) for sample in validation]) for _ in range(CHANGED))])
    return crops, np.tile(labels, CHANGED + 1), True


def decide_classes(said: np.ndarray, labels: np.ndarray, pictures: str) -> DecisionRule:
    """The threshold with the best balanced accuracy.

    Args:
        said: (N, 1) or (N, C) calibrated answers to pictures that were not learnt from.
        labels: (N,) their classes.
        pictures: what these are, in words.
    """
    if said.shape[1] > 1:
        return DecisionRule(None, "More than two classes: the likeliest wins.")
    threshold = best_threshold(said[labels == 1, 0], said[labels == 0, 0])
    return DecisionRule(round(threshold, 4), f"Chosen for the best balanced accuracy on {pictures}.")


def decide_false_positives(model: keras.Model, validation: Sequence[Sample], nobody: tuple[np.ndarray, np.ndarray]) -> DecisionRule:
    """What the detector's score adds, and the threshold that removes enough of what it finds where nobody is.

    Args:
        nobody: (M, size, size, 3) crops and (M,) scores of the detector's finds on validation photos of nobody.
    """
    finds = [sample for sample in validation if sample.score >= PASSES_LOW_THRESHOLDS]
    said, scores, faces = answers(model, crop_samples(finds))[:, 0], scores_of(finds), labels_of(finds) == FACE
    weights = fit_fusion(said, scores, faces)
    fusion = FusionWeights(**{name: round(value, 4) for name, value in zip(("network", "score", "bias"), weights, strict=True)})
    false = fuse(answers(model, nobody[0])[:, 0], nobody[1], fusion.weights)
    threshold = threshold_removing(FALSE_REMOVED, false)
    lost = int((fuse(said, scores, fusion.weights)[faces] < threshold).sum())
    rule = (
        f"The lowest that removes {FALSE_REMOVED:.0%} of {len(false)} false finds on validation photos of nobody; "
        f"of {faces.sum()} finds of validation faces, as they are and altered, {lost} are lost."
    )
    return DecisionRule(threshold, rule, fusion)
