"""The original notebook's function, for people who come from it: one picture in, faces found, scored and shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.classification.classifier import Classifier
from models.detection.detector import load_detector
from models.imaging.boxes import clip
from models.imaging.checked import checked_share
from models.imaging.crops import CROP_PX, crop_squares
from models.imaging.pictures import read_picture
from models.inference.matplotlib_as_is import import_matplotlib

if TYPE_CHECKING:
    import keras

NOTEBOOK_THRESHOLD = 0.4
"""The notebook called a score of at least this a face. For Keras models only: a bundle has its own."""


@dataclass(frozen=True, slots=True)
class RecognizedFace:
    """One find in the picture."""

    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 in pixels, within the picture."""
    score: float
    """0..1: how sure the detector is."""
    label: str
    probability: float
    """0..1, of the class that was asked for: the second of two, the likeliest of more."""


def detect_and_recognize_faces(
    img_path: str | Path, model: keras.Model | Classifier | str | Path, *, threshold: float | None = None, show: bool = True
) -> list[RecognizedFace]:
    """Finds the faces in a picture with MTCNN, scores all of them in one call of `model`, and shows them with matplotlib.

    Args:
        img_path: a picture file.
        model: a Keras model, a `Classifier`, or the name or folder of a bundle. A Keras model that holds a `Rescaling` layer, as those of
            `create_cnn_model` do, gets pixels of 0..255; any other gets 0..1, as in the notebook.
        threshold: lowest probability of a face to be called so; None: the bundle's own, or 0.4 for a Keras model.
        show: False: only return them.

    Returns:
        The faces, the detector's surest first.

    Raises:
        PictureError: the picture cannot be read.
        ModelError: there is no such model.
    """
    if threshold is not None:
        threshold = checked_share(threshold, "threshold")
    if not isinstance(model, str | Path | Classifier) and not hasattr(model, "input_shape"):
        raise TypeError(f"model is a Keras model, a Classifier, or the name or folder of a bundle, not {type(model).__name__}")
    image = read_picture(img_path)
    detections = load_detector().detect([image])[0]
    if isinstance(model, str | Path):
        model = Classifier.load(model, threshold=threshold)
    if isinstance(model, Classifier):
        rows = model.classify(model.cut(image, detections), detections.scores)
        classes, least = model.classes, model.threshold if threshold is None else threshold
    else:
        rows = _keras_rows(model, image, detections.boxes)
        classes = ("not face", "face") if rows.shape[1] == 2 else tuple(f"class {i}" for i in range(rows.shape[1]))
        least = NOTEBOOK_THRESHOLD if threshold is None else threshold
    boxes = clip(detections.boxes, image.shape[1], image.shape[0])
    faces = [
        _face(box, score, row, classes, least) for box, score, row in zip(boxes.tolist(), detections.scores.tolist(), rows, strict=True)
    ]
    if show:
        _show(image, faces)
    return faces


def _face(box: list[float], score: float, row: np.ndarray, classes: tuple[str, ...], threshold: float | None) -> RecognizedFace:
    x1, y1, x2, y2 = box
    if len(row) == 2 and threshold is not None:
        return RecognizedFace((x1, y1, x2, y2), score, classes[int(row[1] >= threshold)], float(row[1]))
    return RecognizedFace((x1, y1, x2, y2), score, classes[int(row.argmax())], float(row.max()))


def _keras_rows(model: keras.Model, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N, C) probabilities from a Keras model, in one call; one sigmoid becomes two columns."""
    size_px = model.input_shape[1] or CROP_PX
    crops = crop_squares(image, boxes, size_px).astype(np.float32)
    if not _scales_itself(model):
        crops /= 255
    columns = model.output_shape[-1]
    scores = np.asarray(model(crops, training=False)).reshape(-1, columns) if len(crops) else np.zeros((0, columns), np.float32)
    return np.concatenate([1 - scores, scores], axis=1) if columns == 1 else scores


def _scales_itself(model: keras.Model) -> bool:
    """Whether a `Rescaling` layer is in the model or in a model inside it."""
    return any(type(layer).__name__ == "Rescaling" or (hasattr(layer, "layers") and _scales_itself(layer)) for layer in model.layers)


def _show(image: np.ndarray, faces: list[RecognizedFace]) -> None:
    """Draws boxes, labels and probabilities. Without a display the figure is only drawn, so that `plt.savefig` can keep it."""
    import_matplotlib()
    import matplotlib.pyplot as plt
    from matplotlib.backends import BackendFilter, backend_registry
    from matplotlib.patches import Rectangle

    size = (10, min(max(10 * image.shape[0] / image.shape[1], 2), 20))
    try:
        figure = plt.figure("faces", figsize=size, clear=True)  # one figure, however many pictures
    except ImportError:  # of a window system that is not there, or has no screen
        plt.switch_backend("agg")
        figure = plt.figure("faces", figsize=size, clear=True)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(image)
    axes.axis("off")
    for face in faces:
        x1, y1, x2, y2 = face.box
        axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor="lime", linewidth=2))
        axes.text(x1, y1, f"{face.label} {face.probability:.2f}", va="bottom", color="black", backgroundcolor="lime")
    if plt.get_backend().lower() not in backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE):
        plt.show()
