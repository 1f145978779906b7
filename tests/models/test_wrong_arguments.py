"""What is no argument at all is a `TypeError` or `ValueError` of one sentence at every public door, that says what was expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import MTCNN, Classifier, DetectorOptions, detect_and_recognize_faces, load_detector

IMAGE = np.zeros((60, 60, 3), np.uint8)
ANYTHING: tuple[Any, ...] = (None, 5, b"face", ["face"], IMAGE)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load("face", device="cpu")


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu")


@pytest.mark.parametrize("wrong", ANYTHING)
def test_a_model_has_a_name_or_a_folder(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"^a model's name or folder is a str or a Path, not {type(wrong).__name__}$"):
        Classifier.load(wrong)


@pytest.mark.parametrize("wrong", ANYTHING)
def test_a_picture_has_a_path_and_the_notebook_s_function_a_model(wrong: Any, portrait_path: Path) -> None:
    with pytest.raises(TypeError, match=f"^a picture is a str or a Path, not {type(wrong).__name__}$"):
        detect_and_recognize_faces(wrong, "face", show=False)
    with pytest.raises(TypeError, match=f"^model is a Keras model, .* not {type(wrong).__name__}$"):
        detect_and_recognize_faces(portrait_path, wrong, show=False)


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (lambda: Classifier.load("face", threshold="0.4"), "threshold is a number from 0 to 1, not '0.4'"),  # type: ignore[arg-type]
        (lambda: Classifier.load("face", threshold=True), "threshold is a number from 0 to 1, not True"),
        (lambda: Classifier.load("face", precision="f16"), "precision is auto or f32, not 'f16'"),  # type: ignore[arg-type]
        (lambda: Classifier.load("face", detector=None), "detector is the name of one, not None"),  # type: ignore[arg-type]
        (lambda: MTCNN(thresholds=0.5), "thresholds are three numbers from 0 to 1, .* not 0.5"),  # type: ignore[arg-type]
        (lambda: MTCNN(thresholds=(0.6, "b", 0.7)), "the threshold of R-Net is a number .* not 'b'"),  # type: ignore[arg-type]
        (lambda: MTCNN(pyramid_step="0.7"), "pyramid_step is a number from 0 to 1, not '0.7'"),  # type: ignore[arg-type]
        (lambda: MTCNN(preset=["live"]), r"preset is live or wider, not \['live'\]"),  # type: ignore[arg-type]
        (lambda: load_detector({"kind": "mtcnn"}), "options are DetectorOptions, .* not dict"),  # type: ignore[arg-type]
        (lambda: load_detector(DetectorOptions(kind="yunet", weights=5)), "weights is a str or a Path, not int"),  # type: ignore[arg-type]
    ],
)
def test_options_say_what_they_are(load: Callable[[], object], expected: str) -> None:
    with pytest.raises((TypeError, ValueError), match=expected):
        load()


@pytest.mark.parametrize("wrong", [None, 5, "a.jpg", Path("a.jpg"), [None]])
def test_a_detector_takes_a_list_of_arrays(detector: MTCNN, wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^images are a list of arrays, not|^image 0 is a numpy array .* not"):
        detector.detect(wrong)
    with pytest.raises(TypeError, match=r"^boxes are a list, with an array for each picture, not|^boxes of image 0 are numbers, not"):
        detector.check([IMAGE], wrong)


@pytest.mark.parametrize("wrong", [None, 0.5, np.zeros(3), np.zeros((1, 2)), "ab"])
def test_a_label_is_that_of_one_row(classifier: Classifier, wrong: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^probabilities "):
        classifier.label(wrong)
    assert classifier.label([0.1, 0.9]) == ("face", 0.9)  # type: ignore[arg-type]
