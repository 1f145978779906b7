"""The notebook's function works as people know it, with its faults mended."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from models import create_cnn_model, detect_and_recognize_faces
from models.classification.classifier import Classifier
from models.errors import ModelError, PictureError
from models.imaging.pictures import read_picture


@pytest.fixture(autouse=True)
def headless() -> None:
    plt.switch_backend("agg")


def test_a_portrait_shows_one_face_that_the_shipped_model_recognizes(portrait_path: Path) -> None:
    (face,) = detect_and_recognize_faces(portrait_path, "face")
    assert face.label == "face"
    assert face.probability > 0.5
    assert face.score > 0.9
    x1, y1, x2, y2 = face.box
    height, width = read_picture(portrait_path).shape[:2]
    assert 0 <= x1 < x2 <= width
    assert 0 <= y1 < y2 <= height
    assert x1 < width / 2 < x2


def test_the_figure_shows_the_picture_in_its_colours_with_a_box_for_each_face(portrait_path: Path) -> None:
    faces = detect_and_recognize_faces(str(portrait_path), "face")
    (axes,) = plt.figure("faces").axes
    np.testing.assert_array_equal(axes.get_images()[0].get_array(), read_picture(portrait_path))
    assert len(axes.patches) == len(axes.texts) == len(faces) == 1
    assert axes.texts[0].get_text() == f"face {faces[0].probability:.2f}"


def test_a_name_and_a_loaded_classifier_say_the_same(portrait_path: Path) -> None:
    by_name = detect_and_recognize_faces(portrait_path, "face", show=False)
    assert by_name == detect_and_recognize_faces(portrait_path, Classifier.load("face"), show=False)


def test_a_threshold_decides_the_label(portrait_path: Path) -> None:
    (face,) = detect_and_recognize_faces(portrait_path, "face", threshold=1.0, show=False)
    assert face.label == "not face"


@pytest.mark.slow
def test_a_keras_model_gets_pixels_in_the_range_it_was_made_for(portrait_path: Path) -> None:
    import keras

    inputs = keras.Input((150, 150, 3))
    brightest = keras.layers.GlobalMaxPooling2D()(inputs)
    plain = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(1 / 3))(brightest))
    scaled = keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
    scaling = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(1 / 3))(scaled))
    wrapped = keras.Sequential([keras.Input((150, 150, 3)), scaling])
    (plain_face,) = detect_and_recognize_faces(portrait_path, plain, show=False)
    (scaling_face,) = detect_and_recognize_faces(portrait_path, scaling, show=False)
    (wrapped_face,) = detect_and_recognize_faces(portrait_path, wrapped, show=False)
    assert 0.5 < plain_face.probability <= 1
    assert plain_face.probability == pytest.approx(scaling_face.probability, abs=1e-5)
    assert plain_face.probability == pytest.approx(wrapped_face.probability, abs=1e-5)


@pytest.mark.slow
def test_the_untrained_original_network_runs_as_in_the_notebook(portrait_path: Path) -> None:
    (face,) = detect_and_recognize_faces(portrait_path, create_cnn_model())
    assert 0.3 < face.probability < 0.7
    (face,) = detect_and_recognize_faces(portrait_path, create_cnn_model(classes=3))
    assert face.label in {"class 0", "class 1", "class 2"}


def test_a_picture_without_faces_is_shown_and_gives_none(tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 300, 3), 90, np.uint8)).save(tmp_path / "flat.png")
    assert detect_and_recognize_faces(tmp_path / "flat.png", "face") == []


def test_faults_are_named(portrait_path: Path, tmp_path: Path) -> None:
    with pytest.raises(PictureError):
        detect_and_recognize_faces(tmp_path / "missing.jpg", "face")
    with pytest.raises(ModelError, match="Shipped are"):
        detect_and_recognize_faces(portrait_path, "mug")
