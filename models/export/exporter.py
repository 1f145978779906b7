"""A bundle as other programs read it, checked against the original on real crops before it is called done.

Every format takes what `Classifier.classify` takes, (N, input_px, input_px, 3) uint8 RGB, and gives the network's own answer: (N, 1), the
probability of the second of two classes, or (N, C). A description beside it says what the numbers mean and how crops are cut.
"""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.atomic import prefix_of, put_in_place
from models.classification.bundle import INFO, Bundle, load_keras_model, read_bundle
from models.classification.classifier import load_network
from models.detection.detector import DetectorOptions, load_detector
from models.errors import ModelError, already_there
from models.export.description import describe
from models.export.formats import ENDINGS, READERS, WRITERS, Format
from models.imaging.crops import crop_squares
from models.imaging.pictures import read_picture
from models.imaging.portrait import portrait_path
from models.inference.keras_as_meant import as_meant
from models.inference.keras_quiet import quiet, start_keras
from models.places import printable, why_no_new_folder

ONNX_TOOLS = ("onnx", "onnxruntime", "tf2onnx")
MOST_DIFFERENT = 1e-3
"""A probability that differs by more makes the export fail. Seen: 1e-6 at most."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and how it was checked."""

    paths: tuple[Path, ...]
    crops: int
    largest_difference: float
    """Of a probability, between the original and what was written."""


def check_export_place(kind: Format, out: Path, *, overwrite: bool) -> None:
    """Refuses, before any work, a place where the export may not be written.

    Raises:
        ModelError: the name fits the format in no way, or something is there.
    """
    if why := why_no_new_folder(out, ("", ".json")):
        raise ModelError(f"{printable(out)}: {why}.")
    ending = ENDINGS.get(kind)
    if ending and out.suffix.lower() != ending:
        raise ModelError(f"{out}: the name of a model in the format {kind} ends in {ending}.")
    if kind == "savedmodel" and out.exists() and not (out / "saved_model.pb").is_file() and not (out.is_dir() and not any(out.iterdir())):
        raise ModelError(f"{out}: holds something other than a SavedModel; name a new folder.")
    for path in _places(kind, out):
        if path.exists() and (path.is_file() or any(path.iterdir())) and not overwrite:
            raise ModelError(already_there(path))


def export_model(model: str | Path, kind: Format, out: Path, *, overwrite: bool = False) -> Exported:
    """Writes a bundle in another format; nothing is written unless it says the same as the original.

    Args:
        model: a shipped bundle's name, or a bundle's folder.
        out: a file that ends as the format's do, or a folder for a SavedModel.

    Raises:
        ModelError: it cannot be written there, tools are missing, or it says something else than the original.
    """
    check_export_place(kind, out, overwrite=overwrite)
    if kind == "onnx" and (missing := [name for name in ONNX_TOOLS if importlib.util.find_spec(name) is None]):
        raise ModelError(f"{', '.join(missing)} is needed to write ONNX and is not installed: pip install 'facestream[export]'.")
    bundle = read_bundle(model)
    start_keras()
    original = load_keras_model(bundle)
    crops = real_crops(bundle)
    expected = np.asarray(original.predict(crops, verbose=0))
    _compare(expected, load_network(bundle, "f32", (1,))(crops)[0], f"{bundle.folder}: the network for CPUs")
    out = out.absolute()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=prefix_of(out)) as work:
            fresh = Path(work) / out.name
            try:
                with _quietly():
                    WRITERS[kind](bundle, original, fresh)
                    said = READERS[kind](fresh)(crops)
            except (ValueError, TypeError, RuntimeError) as error:  # of a converter that does not fit the versions that are installed
                reason = (str(error) or type(error).__name__).splitlines()[0]
                raise ModelError(f"{out}: the model could not be converted to {kind} ({reason}).") from error
            largest = _compare(expected, said, f"{out}: what was written")
            description = _description_place(kind, fresh)
            description.parent.mkdir(exist_ok=True)
            description.write_text(describe(bundle, kind, fresh, len(crops), largest), encoding="utf-8")
            places = _places(kind, out)
            for path, place in zip(_places(kind, fresh), places, strict=True):
                put_in_place(path, place)
    except OSError as error:
        reason = error.strerror or str(error).rpartition("; ")[2].partition(" [Op:")[0]  # TensorFlow's also tells what of it was at work
        raise ModelError(f"{out}: the model could not be written ({reason}).") from error
    return Exported(tuple(places), len(crops), largest)


def real_crops(bundle: Bundle) -> np.ndarray:
    """(N, input_px, input_px, 3) uint8: the portrait's face, boxed in many ways, and what else is there; mirrored and dark too."""
    image = read_picture(portrait_path())
    detector = load_detector(DetectorOptions(min_face_px=40, device="cpu"))
    x1, y1, x2, y2 = detector.detect([image])[0].boxes[0].tolist()
    side, aside = y2 - y1, (-0.2, 0.0, 0.2)
    squares = [
        ((x1 + x2) / 2 + dx * side, (y1 + y2) / 2 + dy * side, size * side) for size in (0.7, 1, 1.4) for dx in aside for dy in aside
    ]
    squares += [(x, y, size) for size in (60, 200) for x in (100, 250, 400) for y in (100, 250, 400)]
    boxes = np.array([(x - size / 2, y - size / 2, x + size / 2, y + size / 2) for x, y, size in squares])
    crops = crop_squares(image, boxes, bundle.info.input_px, bundle.info.crop.margin)
    return np.ascontiguousarray(np.concatenate([crops, crops[:, :, ::-1], (crops * 0.4).astype(np.uint8)]))


def _compare(expected: np.ndarray, said: np.ndarray, what: str) -> float:
    """The largest difference.

    Raises:
        ModelError: it is too large.
    """
    largest = float(np.abs(expected - said).max()) if expected.shape == said.shape else float("inf")
    if not largest <= MOST_DIFFERENT:
        raise ModelError(f"{what} differs from the Keras model by {largest:.3g} in a probability; nothing was written.")
    return largest


def _places(kind: Format, out: Path) -> list[Path]:
    """All that is written, what the user named last: once that is there, all is."""
    if kind == "savedmodel":
        return [out]
    weights = [out.with_suffix(".bin")] if kind == "openvino" else []
    return [*weights, _description_place(kind, out), out]


def _description_place(kind: Format, out: Path) -> Path:
    return out / "assets.extra" / INFO if kind == "savedmodel" else out.with_name(out.name + ".json")


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what converters and TensorFlow write to stderr about themselves."""
    with quiet(), as_meant(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
