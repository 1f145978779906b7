"""Whatever takes a picture, boxes or scores from a program refuses what is none of them, in words; nothing black comes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.classification.classifier import Classifier
from models.detection.detections import Detections
from models.detection.mtcnn import MTCNN
from models.imaging.crops import crop_squares
from models.imaging.picture_writer import write_picture
from stream.drawing.overlay import draw
from stream.faces import Analysis

BOX = np.array([[100, 60, 300, 260]], np.float32)
Door = Callable[[np.ndarray], object]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load("face", device="cpu")


@pytest.fixture(scope="module")
def doors(classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Door]:
    """Everything public that takes a picture."""
    detector, folder = MTCNN(min_face_px=40, device="cpu"), tmp_path_factory.mktemp("written")
    detections = Detections(BOX, np.array([0.9], np.float32), np.zeros((1, 5, 2), np.float32))
    return {
        "Classifier.crop": lambda image: classifier.crop(image, BOX),
        "Classifier.cut": lambda image: classifier.cut(image, detections),
        "crop_squares": lambda image: crop_squares(image, BOX, 150),
        "detect": lambda image: detector.detect([image]),
        "check": lambda image: detector.check([image], [BOX]),
        "draw": lambda image: draw(image, Analysis("", 0, 0.0, ())),
        "write_picture": lambda image: write_picture(folder / "picture.png", image),
    }


@pytest.mark.parametrize("door", ["Classifier.crop", "Classifier.cut", "crop_squares", "detect", "check", "draw", "write_picture"])
def test_every_door_refuses_what_is_no_picture(door: str, doors: dict[str, Door], portrait: np.ndarray) -> None:
    opaque = np.full((*portrait.shape[:2], 1), 255, np.uint8)
    wrong: list[tuple[object, type[Exception], str]] = [
        (np.concatenate([portrait, opaque], axis=2), ValueError, r"\(height, width, 3\) RGB, not \(600, 512, 4\)"),
        (portrait[..., 0], ValueError, r"not \(600, 512\)"),
        (portrait[..., :1], ValueError, r"not \(600, 512, 1\)"),
        (portrait[:0], ValueError, r"not \(0, 512, 3\)"),
        (portrait / np.float32(255), TypeError, "uint8.*not float32"),
        (portrait / 255, TypeError, "not float64"),
        (portrait.astype(np.uint16) * 257, TypeError, "not uint16"),
        (portrait.astype(np.int64), TypeError, "not int64"),
        (portrait > 127, TypeError, "not bool"),
        (portrait.tolist(), TypeError, "not list"),
        (None, TypeError, "not NoneType"),
    ]
    for picture, error, words in wrong:
        with pytest.raises(error, match=words):
            doors[door](picture)  # type: ignore[arg-type]
    doors[door](portrait[:, ::-1])  # as numpy turns them: what is a picture passes


@pytest.mark.parametrize(
    ("boxes", "error", "words"),
    [
        ([[0, 0, 10]], ValueError, r"\(N, 4\), x1 y1 x2 y2 in pixels, not \(1, 3\)"),
        ([0, 0, 10, 10], ValueError, r"not \(4,\)"),
        ([[0, 0, np.nan, 10]], ValueError, "finite"),
        ([[0, 0, np.inf, 10]], ValueError, "finite"),
        ([[0, 0, 1e12, 1e12]], ValueError, "finite"),
        ([["a", "b", "c", "d"]], TypeError, "numbers"),
        ([[0, 0, 10, 10], [0]], ValueError, "array of numbers"),
        (None, TypeError, "numbers"),
    ],
)
def test_what_are_no_boxes_is_refused(
    boxes: object, error: type[Exception], words: str, classifier: Classifier, portrait: np.ndarray
) -> None:
    with pytest.raises(error, match=words):
        classifier.crop(portrait, boxes)  # type: ignore[arg-type]
    with pytest.raises(error, match=words):
        crop_squares(portrait, boxes, 48)  # type: ignore[arg-type]


def test_no_boxes_and_boxes_cut_to_nothing_are_taken(classifier: Classifier, portrait: np.ndarray) -> None:
    assert classifier.crop(portrait, []).shape == (0, 150, 150, 3)  # type: ignore[arg-type]
    assert classifier.crop(portrait, np.zeros((0, 4))).shape == (0, 150, 150, 3)
    assert classifier.crop(portrait, np.array([[512, 600, 512, 600]])).shape == (1, 150, 150, 3)
    np.testing.assert_array_equal(classifier.crop(portrait, BOX.tolist()), classifier.crop(portrait, BOX))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ([300, 60, 100, 260], r"box 1 of 2, \(300, 60, 100, 260\), ends before it begins; boxes are x1 y1 x2 y2"),
        ([100, 260, 300, 60], "ends before it begins"),
        ([300, 400, 80, 90], "ends before it begins"),  # x y width height
        ([-80, 10, -20, 70], "lies outside the image of 512×600 px"),
        ([512, 10, 560, 70], "lies outside"),
        ([10, 600, 70, 640], "lies outside"),
        ([10, -60, 70, 0], "lies outside"),
        ([600, 700, 600, 700], "lies outside"),
    ],
)
def test_a_box_that_shows_nothing_of_the_picture_is_refused(
    box: list[int], words: str, classifier: Classifier, portrait: np.ndarray
) -> None:
    with pytest.raises(ValueError, match=words):
        classifier.crop(portrait, np.array([BOX[0], box]))


def test_a_box_that_shows_a_little_is_cut(classifier: Classifier, portrait: np.ndarray) -> None:
    crops = classifier.crop(portrait, np.array([[-80, -70, 1, 1], [511, 599, 900, 700], [-9, -9, 600, 700]]))
    assert (crops.reshape(3, -1).max(axis=1) > 0).all()


def test_one_bad_box_of_a_detector_does_not_end_what_is_live(classifier: Classifier, portrait: np.ndarray) -> None:
    bad = np.array([[np.nan] * 4, [0, 0, np.inf, 9], [300, 300, 200, 200], [900, 900, 990, 990], [5, 5, 5, 5]], np.float32)
    boxes = np.concatenate([BOX, bad])
    crops = classifier.cut(portrait, Detections(boxes, np.full(6, 0.9, np.float32), np.zeros((6, 5, 2), np.float32)))
    assert crops.shape == (6, 150, 150, 3)
    np.testing.assert_array_equal(crops[:1], classifier.crop(portrait, BOX))
    assert crops[1].max() == crops[2].max() == 0


@pytest.mark.parametrize(
    ("scores", "error", "words"),
    [
        ([0.5], ValueError, r"shape \(2,\), one for each crop, not \(1,\)"),
        (0.5, ValueError, r"not \(\)"),
        ([[0.5], [0.5]], ValueError, r"not \(2, 1\)"),
        ([0.5, 90], ValueError, "between 0 and 1"),
        (["much", "little"], TypeError, "numbers"),
    ],
)
@pytest.mark.parametrize("model", ["face", "smile"])
def test_scores_that_belong_to_other_crops_are_refused(
    model: str, scores: object, error: type[Exception], words: str, classifier: Classifier
) -> None:
    """Also by a model that would ignore them: one score for two crops is a mistake, whatever comes of it."""
    asked = classifier if model == "face" else Classifier.load(model, device="cpu")
    with pytest.raises(error, match=words):
        asked.classify(np.zeros((2, 150, 150, 3), np.uint8), scores)  # type: ignore[arg-type]


def test_a_picture_from_a_program_is_no_path(portrait: np.ndarray) -> None:
    from models import detect_and_recognize_faces

    with pytest.raises(TypeError):
        detect_and_recognize_faces(portrait, "face")  # type: ignore[arg-type]


@pytest.mark.parametrize(("size_px", "margin"), [(0, 0.0), (-3, 0.0), (48, -0.1), (48, np.nan), (48, np.inf)])
def test_sizes_and_margins_that_mean_nothing_are_refused(size_px: int, margin: float, portrait: np.ndarray) -> None:
    with pytest.raises(ValueError, match="size_px is at least 1"):
        crop_squares(portrait, BOX, size_px, margin)


def test_nothing_is_written_of_what_is_refused(tmp_path: Path, portrait: np.ndarray) -> None:
    with pytest.raises(TypeError, match="uint8"):
        write_picture(tmp_path / "a.png", portrait / 255)
    assert not list(tmp_path.iterdir())
