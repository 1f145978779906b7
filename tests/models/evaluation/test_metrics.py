"""What is said about a model: numbers that others agree with, intervals that hold, scores that mean what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.evaluation.detection_metrics import true_and_false
from models.evaluation.metrics import Evaluation, Ranking, flat, measure, reliability, sentences, worst_mistakes
from models.evaluation.proportion import Share
from models.evaluation.thresholds import auc, best_threshold, threshold_removing
from models.imaging.boxes import iou
from models.training.calibration import calibrate, fit_temperature


def judged(labels: np.ndarray, scores: np.ndarray, threshold: float = 0.5) -> Evaluation:
    """Two classes, `scores` the probability of the second."""
    probabilities = np.stack([1 - scores, scores], axis=1).astype(np.float32)
    crops = np.zeros((len(labels), 8, 8, 3), np.uint8)
    return Evaluation(("cat", "dog"), threshold, labels, probabilities, crops, tuple(f"{i}.jpg" for i in range(len(labels))))


@pytest.fixture(scope="module")
def honest() -> Evaluation:
    """4000 pictures whose probabilities are exactly right: each is a dog as often as is said."""
    rng = np.random.default_rng(0)
    scores = rng.beta(0.5, 0.5, 4000)
    return judged((rng.random(4000) < scores).astype(int), scores)


def test_areas_are_those_of_scikit_learn_s_documentation() -> None:
    ranking = Ranking(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    assert ranking.auc() == pytest.approx(0.75)  # of roc_auc_score
    assert ranking.average_precision() == pytest.approx(0.8333, abs=1e-4)  # of average_precision_score
    false_positive, true_positive = ranking.roc()  # of roc_curve
    assert false_positive.tolist() == [0, 0, 0.5, 0.5, 1]
    assert true_positive.tolist() == [0, 0.5, 0.5, 1, 1]
    recall, precision = ranking.precision_recall()  # of precision_recall_curve
    assert recall.tolist() == [0.5, 0.5, 1, 1]
    assert precision == pytest.approx([1, 0.5, 2 / 3, 0.5])


def test_weighing_a_picture_twice_is_showing_it_twice() -> None:
    rng = np.random.default_rng(1)
    scores, positive, weights = rng.integers(0, 9, 60) / 9, rng.random(60) < 0.4, rng.integers(0, 3, 60)
    weighed, repeated = Ranking(scores, positive), Ranking(np.repeat(scores, weights), np.repeat(positive, weights))
    assert weighed.auc(weights) == pytest.approx(repeated.auc())
    assert weighed.average_precision(weights) == pytest.approx(repeated.average_precision())
    assert weighed.auc() == pytest.approx(auc(scores[positive], scores[~positive]))


def test_accuracy_and_balance_are_counted_and_their_interval_is_wilson_s_where_both_hold(honest: Evaluation) -> None:
    measured = measure(honest)
    right = Share(int((honest.called == honest.labels).sum()), len(honest.labels))
    assert measured["accuracy"].value == right.value
    assert (measured["accuracy"].low, measured["accuracy"].high) == pytest.approx(right.interval, abs=0.004)
    counts = honest.confusion
    assert measured["balanced_accuracy"].value == pytest.approx(np.mean([counts[0, 0] / counts[0].sum(), counts[1, 1] / counts[1].sum()]))
    assert counts.sum() == 4000
    assert set(flat(measured)) >= {"accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "auc", "auc_low"}
    assert measure(honest) == measured, "the same pictures give the same numbers"


def test_a_handful_all_right_or_all_wrong_leaves_much_open() -> None:
    right = measure(judged(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9])))["accuracy"]
    assert (right.low, right.high) == pytest.approx((Share(2, 2).interval[0], 1.0))
    one_class = measure(judged(np.array([0, 0, 1, 1]), np.array([0.7, 0.6, 0.8, 0.9])))
    for name in ("accuracy", "balanced_accuracy"):
        assert one_class[name].value == 0.5
        assert (one_class[name].low, one_class[name].high) == pytest.approx(
            (np.mean([0, Share(2, 2).interval[0]]), np.mean([Share(0, 2).interval[1], 1]))
        )


def test_copies_of_a_picture_are_no_more_evidence_than_the_picture(honest: Evaluation) -> None:
    few = np.arange(300)
    copies = np.repeat(few, 4)
    once = replace(honest, labels=honest.labels[few], probabilities=honest.probabilities[few], groups=())
    often = replace(honest, labels=honest.labels[copies], probabilities=honest.probabilities[copies], groups=tuple(map(str, copies)))
    alone, together = measure(once)["accuracy"], measure(often)["accuracy"]
    assert together.value == pytest.approx(alone.value)
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_no_mistake_is_no_certainty() -> None:
    measured = measure(judged(np.repeat([0, 1], [30, 20]), np.repeat([0.1, 0.9], [30, 20])))
    assert measured["accuracy"].value == measured["auc"].value == 1
    assert measured["accuracy"].low == measured["auc"].low == Share(20, 20).interval[0] < 0.85


def test_pictures_of_one_class_have_an_accuracy_and_no_curve() -> None:
    measured = measure(judged(np.ones(40, int), np.linspace(0.3, 1, 40)))
    assert "auc" not in measured
    assert 0.6 < measured["accuracy"].value < 0.8


def test_many_classes_are_measured_each_against_the_others() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, 600)
    logits = rng.normal(size=(600, 3)) + 2 * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    evaluation = replace(judged(labels, np.zeros(600)), classes=("a", "b", "c"), threshold=None, probabilities=probabilities)
    areas = [auc(probabilities[labels == i, i], probabilities[labels != i, i]) for i in range(3)]
    assert measure(evaluation)["auc"].value == pytest.approx(np.mean(areas))
    assert evaluation.called.tolist() == probabilities.argmax(axis=1).tolist()
    assert sum(one.true.of for one in reliability(evaluation)) == 600


def test_true_probabilities_are_called_reliable_and_overconfident_ones_are_not(honest: Evaluation) -> None:
    assert measure(honest)["calibration_error"].value < 0.02
    assert all(abs(one.said - one.true.value) < 0.07 for one in reliability(honest))
    logits = np.log(honest.probabilities[:, 1:] / honest.probabilities[:, :1])
    overconfident = judged(honest.labels, 1 / (1 + np.exp(-3 * logits[:, 0].clip(-20, 20))))
    assert measure(overconfident)["calibration_error"].value > 0.08
    assert fit_temperature(3 * logits, honest.labels) == pytest.approx(3, rel=0.1)


def test_the_worst_mistakes_come_first() -> None:
    evaluation = judged(np.array([1, 1, 0, 0, 1]), np.array([0.4, 0.1, 0.95, 0.2, 0.9]))
    assert worst_mistakes(evaluation, 10).tolist() == [2, 1, 0]
    assert worst_mistakes(evaluation, 1).tolist() == [2]
    assert any("`dog`: 33.3% (1 of 3" in line for line in sentences(evaluation, measure(evaluation)))


def test_few_right_answers_do_not_make_a_model_infinitely_sure() -> None:
    temperature = fit_temperature(np.array([[9.0]] * 20 + [[-9.0]] * 20), np.repeat([1, 0], 20))
    assert 0.92 < 1 / (1 + np.exp(-9 / temperature)) < 0.97, "20 of 20 right is 21 of 22 expected (Platt)"
    assert fit_temperature(np.zeros((0, 1)), np.zeros(0, int)) == 1


@pytest.mark.parametrize(("columns", "activation"), [(1, "sigmoid"), (3, "softmax")])
def test_a_network_is_calibrated_in_its_last_layer_and_ranks_as_before(columns: int, activation: str) -> None:
    import keras

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(columns, activation=activation)(x))
    crops, labels = rng.integers(0, 256, (60, 8, 8, 3), np.uint8), rng.integers(0, max(columns, 2), 60)
    before = model.predict(crops, verbose=0)
    temperature = calibrate(model, crops, labels)
    after = model.predict(crops, verbose=0)
    assert temperature > 2, "what learnt nothing should be unsure"
    if columns == 1:
        logits = np.log(before / (1 - before))
        np.testing.assert_allclose(after, 1 / (1 + np.exp(-logits / temperature)), atol=1e-5)
    else:
        assert after.argmax(axis=1).tolist() == before.argmax(axis=1).tolist()
        assert after.max() < before.max()


def test_measures_agree_with_counting_by_hand() -> None:
    assert auc(np.array([0.9, 0.8, 0.3]), np.array([0.1, 0.3])) == pytest.approx(5.5 / 6)
    scores = np.linspace(0.0015, 1, 200)
    assert (scores < threshold_removing(0.85, scores)).mean() == 0.85
    assert threshold_removing(1.0, np.array([0.4567, 0.3])) == 0.457
    assert best_threshold(np.array([0.9, 0.8]), np.array([0.2, 0.7])) == pytest.approx(0.75)
    assert best_threshold(np.array([0.9]), np.array([0.1])) == 0.5
    assert Share(95, 100).interval == pytest.approx((0.8882, 0.9785), abs=1e-4)  # Wilson, from R's prop.test(correct=FALSE)
    assert Share(0, 0).interval == (0.0, 1.0)


def test_a_find_is_a_face_or_none_or_neither() -> None:
    faces = np.array([[100, 100, 200, 200]], np.float32)
    finds = np.array([[105, 105, 205, 205], [300, 300, 350, 350], [130, 130, 160, 160], [180, 100, 320, 240]], np.float32)
    is_face, is_none = true_and_false(finds, faces)
    assert iou(finds, faces)[2, 0] < 0.3
    assert is_face.tolist() == [True, False, False, False]
    assert is_none.tolist() == [False, True, False, True]
    assert true_and_false(finds, faces[:0])[1].all()
    assert true_and_false(finds[:0], faces)[0].shape == (0,)
