"""What every model of faces promises, whatever it knows about them."""

from __future__ import annotations

import numpy as np
import pytest

from models import Classifier
from models.classification.bundle import shipped_names
from models.classification.face_model import FaceModel
from models.detection.detections import Detections

BOXES = np.array([[180, 60, 330, 250], [10, 10, 60, 70], [400, 300, 600, 640]], np.float32)
FOUND = Detections(BOXES, np.array([0.99, 0.8, 0.75], np.float32), np.zeros((3, 5, 2), np.float32))


@pytest.fixture(scope="module", params=shipped_names())
def model(request: pytest.FixtureRequest) -> FaceModel:
    return Classifier.load(request.param, device="cpu", precision="f32")


def test_it_wants_one_picture_of_each_face_and_none_of_no_face(model: FaceModel, portrait: np.ndarray) -> None:
    crops = model.cut(portrait, FOUND)
    assert crops.dtype == np.uint8
    assert len(crops) == 3
    assert crops.shape[1] == crops.shape[2]
    assert len(model.cut(portrait, Detections.none())) == 0


def test_it_answers_for_all_at_once_as_for_each_alone(model: FaceModel, portrait: np.ndarray) -> None:
    crops = model.cut(portrait, FOUND)
    together = model.answer(crops, FOUND.scores)
    alone = [model.answer(crops[i : i + 1], FOUND.scores[i : i + 1])[0] for i in range(3)]
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-4)
    assert len(model.answer(crops[:0], FOUND.scores[:0])) == 0


def test_a_verdict_names_one_of_its_labels_with_its_probability(model: FaceModel, portrait: np.ndarray) -> None:
    answers = model.answer(model.cut(portrait, FOUND), FOUND.scores)
    for answer in (*answers, answers[:2].mean(axis=0)):
        verdict = model.verdict(answer)
        assert verdict.probability == pytest.approx(verdict.probabilities[verdict.label])
        assert sum(verdict.probabilities.values()) == pytest.approx(1, abs=1e-4)
        assert all(0 <= value <= 1 for value in verdict.probabilities.values())


def test_a_threshold_of_the_user_s_own_decides(model: FaceModel, portrait: np.ndarray) -> None:
    (answer,) = model.answer(model.cut(portrait, FOUND)[:1], FOUND.scores[:1])
    always, never = model.verdict(answer, 0.0), model.verdict(answer, 1.0)
    assert always.label == list(always.probabilities)[1]
    assert never.label == next(iter(never.probabilities))
