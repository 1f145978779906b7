"""A bundle and a folder of pictures whose classes are known -> what the bundle says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.classification.bundle import Bundle, ModelInfo, read_bundle
from models.classification.classifier import Classifier
from models.data.dataset import Dataset, Progress, Report, load_dataset
from models.data.learnt import learnt_groups
from models.data.samples import Sample, crop_samples, scores_of
from models.data.split import fingerprint, split_samples
from models.detection.detector import DetectorOptions
from models.errors import ModelError
from models.evaluation.metrics import Evaluation
from models.inference.network import Precision


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What came of judging a bundle on a folder."""

    bundle: Bundle
    evaluation: Evaluation
    dataset: Dataset
    part: str
    """Which of the folder's pictures were judged, in a sentence."""


def judge_folder(
    model: str | Path,
    data: Path,
    *,
    report: Report = print,
    progress: Progress = lambda what, done, of: None,
    precision: Precision = "auto",
    detector: DetectorOptions | None = None,
) -> Judgement:
    """Scores the pictures of a folder that has a folder for each class of the bundle, cut and scored by the code that serves.

    Args:
        model: a shipped bundle's name, or a bundle's folder.
        report: told what was found out about the folder.
        precision: as `Classifier.load` takes it.
        detector: which finds the faces; None: MTCNN as it is.

    Raises:
        ModelError: there is no such bundle or folder, or the folder's classes are not the bundle's.
    """
    bundle = read_bundle(model)
    info = bundle.info
    dataset = load_dataset(
        data, input_px=info.input_px, margin=info.crop.margin, classes=info.classes, least=1, report=report, progress=progress,
        detector=detector,
    )  # fmt: skip
    samples, part = _unseen(dataset, info)
    classifier = Classifier.load(model, precision=precision, detector=(detector or DetectorOptions()).kind)
    return Judgement(bundle, judge_samples(classifier, samples), dataset, part)


def judge_samples(classifier: Classifier, samples: Sequence[Sample]) -> Evaluation:
    """What the classifier says of each sample."""
    crops = crop_samples(samples, classifier.input_px)
    said = classifier.classify(crops, scores_of(samples))
    return Evaluation.of(samples, crops, said, classifier.classes, classifier.threshold)


def _unseen(dataset: Dataset, info: ModelInfo) -> tuple[list[Sample], str]:
    """The samples to judge on, and which these are: none that the bundle is known to have learnt from, where others are left."""
    samples, part = _chosen(dataset, info)
    learnt = learnt_groups(dataset.samples, info.data.learnt_from)
    if not any(sample.group in learnt for sample in samples):
        return samples, part
    unseen = [sample for sample in samples if sample.group not in learnt]
    if not unseen:
        return samples, "The model learnt from all these pictures: how good it is on others, these numbers do not say."
    left_out = len(samples) - len(unseen)
    return unseen, f"{left_out} pictures that the model learnt from, or copies of them, are left out; the other {len(unseen)} are judged."


def _chosen(dataset: Dataset, info: ModelInfo) -> tuple[list[Sample], str]:
    """The folder's own test pictures; of the very folder that the bundle was trained on, those that were kept apart then; else all."""
    if "test" in dataset.parts:
        samples = [sample for sample in dataset.samples if dataset.fixed[sample.origin] == "test"]
        return samples, f"Judged on the folder {Path(samples[0].origin).parts[0]}/."
    try:
        split = split_samples(dataset.samples, info.seed, dataset.fixed)
    except ModelError:  # too few pictures to have been trained on
        return dataset.samples, "Judged on all pictures of the folder."
    if fingerprint(split) == info.data.fingerprint:
        return split["test"], "The model was trained on this folder, so only the pictures that were kept apart then are judged."
    return dataset.samples, "Judged on all pictures of the folder; they count only where the model did not learn from them."
