"""Crops of faces -> probabilities and names."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from models.classification.bundle import INFO, Bundle, FusionWeights, ModelInfo, load_keras_model, read_bundle
from models.classification.face_model import Verdict
from models.classification.score_fusion import fuse
from models.detection.detections import Detections
from models.errors import ModelError
from models.imaging.checked import FURTHEST_PX, checked_boxes_in, checked_image, checked_scores, checked_share
from models.imaging.crops import crop_squares
from models.inference.device import Device, choose_device
from models.inference.keras_backend import forbid_tf32, load_keras
from models.inference.network import BATCH_SIZES, Network, Precision, checked_precision
from models.inference.openvino_backend import load_openvino

_log = logging.getLogger(__name__)


class Classifier:
    """A trained bundle, ready to score faces: a `FaceModel`. One thread at a time."""

    def __init__(self, bundle: Bundle, network: Network, threshold: float | None = None, detector: str = "mtcnn") -> None:
        self._network = network
        info = bundle.info
        self.name = info.name
        self.classes = info.classes
        """Names, in the order of the columns of `classify`."""
        self.drop = info.drop
        """Those of `classes` that mean "this is no face"."""
        self.threshold = info.threshold if threshold is None else threshold
        """Two classes: the lowest probability of the second class to be called so. None for more than two."""
        self._fusion = _fitting(info, detector)
        self.input_px = info.input_px
        self.margin = info.crop.margin
        """Share of a box's side by which its crop is larger on each side."""

    @classmethod
    def load(
        cls,
        model: str | Path,
        *,
        precision: Precision = "auto",
        device: Device = "auto",
        threshold: float | None = None,
        detector: str = "mtcnn",
    ) -> Self:
        """A shipped model by its name, or any bundle by its folder.

        Args:
            precision: "f32" computes exactly; "auto" in bfloat16 where the processor has it and the bundle says, from what was measured
                on real crops, that it changes no label in a thousand. On GPUs "auto" is what they do by default with float32 (TF32).
            device: "auto" takes the GPU where there is one.
            threshold: instead of the bundle's own, 0..1.
            detector: name of the one whose finds will be scored. Where the bundle weighs the scores of another, the network's own answer is
                given, and a warning says so.

        Raises:
            ModelError: there is no such model, or it is damaged or foreign.
            TypeError: an argument is something else.
            ValueError: a threshold outside 0..1, or for a model of more than two classes; a precision or device that there is not.
        """
        bundle = read_bundle(model)
        if threshold is not None:
            threshold = checked_share(threshold, "threshold")
        if not isinstance(detector, str):
            raise TypeError(f"detector is the name of one, not {detector!r}")
        checked_precision(precision)
        if threshold is not None and bundle.info.threshold is None:
            raise ValueError(f"{model}: has {len(bundle.info.classes)} classes; a threshold decides between two")
        if choose_device(device)[0] == "gpu":
            if precision == "f32":
                forbid_tf32()
            return cls(bundle, load_keras(load_keras_model(bundle)), threshold, detector)
        exact = precision == "f32" or bundle.info.bfloat16 is None or not bundle.info.bfloat16.harmless
        return cls(bundle, load_network(bundle, "f32" if exact else "auto"), threshold, detector)

    def crop(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """The faces at `boxes` ((N, 4) px) of `image` ((H, W, 3) uint8 RGB), cut as in training: (N, input_px, input_px, 3) uint8.

        Raises:
            TypeError, ValueError: image or boxes are something else, or a box shows nothing of the image.
        """
        return crop_squares(image, checked_boxes_in(checked_image(image), boxes), self.input_px, self.margin)

    def classify(self, crops: np.ndarray, scores: np.ndarray | None = None) -> np.ndarray:
        """The probability of each class for each crop, all crops in one call.

        Args:
            crops: (N, input_px, input_px, 3) uint8 RGB, as `crop` cuts them; N may be 0.
            scores: (N,) the detector's scores of these finds, NaN where there is none. A bundle that weighs them (`face`) errs less with
                them; any other ignores them.

        Returns:
            (N, C) float32; each row sums to 1.

        Raises:
            TypeError, ValueError: crops or scores are something else, or not as many.
        """
        self._check(crops)
        scores = np.full(len(crops), np.nan) if scores is None else checked_scores(scores, len(crops))
        answers = self._network(crops)[0]
        if answers.shape[1] > 1:
            return answers
        second = answers[:, 0]  # one sigmoid: the probability of the second class
        if self._fusion is not None:
            second = fuse(second, scores, self._fusion.weights)
        return np.stack([1 - second, second], axis=1)

    def label(self, probabilities: np.ndarray, threshold: float | None = None) -> tuple[str, float]:
        """What a row of `classify` says: the class and its probability.

        Args:
            threshold: for this row, where there are two classes; None: the classifier's own.
        """
        threshold = self.threshold if threshold is None else checked_share(threshold, "threshold")
        probabilities = checked_scores(probabilities, len(self.classes), "probabilities", of="class")
        index = int(probabilities[1] >= threshold) if threshold is not None else int(probabilities.argmax())
        return self.classes[index], float(probabilities[index])

    @property
    def labels(self) -> Sequence[str]:
        return self.classes

    @property
    def decides_by_threshold(self) -> bool:
        return self.threshold is not None

    def cut(self, image: np.ndarray, detections: Detections) -> np.ndarray:
        """`crop` of found faces. One bad box of a detector is a black crop, and no reason to end what is live."""
        boxes = np.array(detections.boxes, np.float64)
        boxes[~(np.abs(boxes) <= FURTHEST_PX).all(axis=1)] = -FURTHEST_PX
        return crop_squares(image, boxes, self.input_px, self.margin)

    def answer(self, crops: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """`classify` of found faces: their probabilities."""
        return self.classify(crops, scores)

    def verdict(self, answer: np.ndarray, threshold: float | None = None) -> Verdict:
        """`label` in full."""
        label, probability = self.label(answer, threshold)
        probabilities = {name: float(value) for name, value in zip(self.classes, answer, strict=True)}
        return Verdict(label, probability, probabilities, is_face=label not in self.drop)

    @property
    def reach(self) -> float:
        return self.margin

    def lead(self, answer: np.ndarray, threshold: float | None = None) -> float:
        """How far the probabilities are from another label."""
        threshold = self.threshold if threshold is None else threshold
        if threshold is not None:
            return abs(float(answer[1]) - threshold)
        second, first = np.sort(answer)[-2:].tolist()
        return float(first - second) / 2

    def _check(self, crops: np.ndarray) -> None:
        if not isinstance(crops, np.ndarray) or crops.dtype != np.uint8:
            came = f"an array of {crops.dtype}" if isinstance(crops, np.ndarray) else type(crops).__name__
            raise TypeError(f"crops must be a uint8 array of RGB 0..255, not {came}")
        side = self.input_px
        if crops.shape[1:] != (side, side, 3):
            raise ValueError(f"crops must be (N, {side}, {side}, 3), not {crops.shape}; Classifier.crop makes them")


def _fitting(info: ModelInfo, detector: str) -> FusionWeights | None:
    """What the scores of that detector add; nothing where the bundle knows another's, whose scores mean something else."""
    if info.detector is None or info.detector.name == detector:
        return info.detector
    _log.warning(
        "the model %s weighs the scores of the detector %s, not of %s: its network's own answer is used, with the same threshold",
        info.name, info.detector.name, detector,
    )  # fmt: skip
    return None


def load_network(bundle: Bundle, precision: Precision, batch_sizes: Sequence[int] = BATCH_SIZES) -> Network:
    """The bundle's network on the CPU.

    Raises:
        ModelError: it is none, or not the one that `model.json` describes.
    """
    side = bundle.info.input_px
    try:
        network = load_openvino(bundle.openvino, precision=precision, batch_sizes=batch_sizes)
        columns = network(np.zeros((0, side, side, 3), np.uint8))[0].shape[1:]
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ModelError(f"{bundle.openvino}: is not a network that takes pictures of {side}×{side} px ({reason}).") from error
    if columns != (bundle.info.columns,):
        raise ModelError(f"{bundle.openvino}: does not give one answer for each class that {INFO} names.")
    return network
