"""With few pictures every one chooses and every one is learnt from, but no network is asked about what it learnt."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from models.classification.networks import ARCHITECTURES
from models.data.augmentation import GENTLE
from models.data.samples import Sample, cut_sample
from models.imaging.crops import CROP_PX
from models.training.calibration import soften
from models.training.checkpoint import begin_anew, variables_of
from models.training.cross_validation import TOO_FEW, cross_validate, too_few
from models.training.fit import answers, fit, judge
from models.training.schedule import Plan
from models.training.trained_model import to_choose_on

if TYPE_CHECKING:
    import keras

STILL = replace(GENTLE, shift=0.02, zoom=0.02, turn_deg=2, light=0)
PLAN = Plan(epochs=25, epoch_crops=64, patience=None, batch_size=16, learning_rate=3e-3, recipe=STILL)
"""Such that a small network can learn two dozen patterns by heart."""


def quiet(line: str) -> None: ...


def small_network() -> keras.Model:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inputs = keras.Input((CROP_PX, CROP_PX, 3))
    x = layers.Flatten()(layers.AveragePooling2D(10)(layers.Rescaling(2 / 255, offset=-1)(inputs)))
    x = layers.Dense(128, activation="relu")(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    return model


def pattern(rng: np.random.Generator, light: float, label: int, number: int) -> Sample:
    """Patches of grey, of a mean lightness."""
    patches = rng.uniform(light - 60, light + 60, (6, 6)).clip(0, 255).astype(np.uint8)
    image = cv2.resize(cv2.cvtColor(patches, cv2.COLOR_GRAY2RGB), (200, 200), interpolation=cv2.INTER_CUBIC)
    return cut_sample(image, np.array([50, 50, 150, 150], np.float32), label, f"{label}/{number}", f"{label}/{number}.png")


@pytest.mark.slow
def test_what_can_only_be_learnt_by_heart_is_not_known_and_what_can_be_learnt_is() -> None:
    rng = np.random.default_rng(0)
    by_heart = [pattern(rng, 128, number % 2, number) for number in range(24)]
    by_lightness = [pattern(rng, 80 + 96 * (number % 2), number % 2, number) for number in range(24)]
    model = small_network()
    chance = cross_validate(model, by_heart, PLAN, 0, report=quiet)
    assert sorted(chance.labels) == [0] * 12 + [1] * 12
    assert chance.fitted.history["accuracy"][-1] > 0.85, "it did learn them by heart"
    assert judge(chance.said, chance.labels)[1] < 0.75
    assert judge(chance.said, chance.labels)[0] > 0.6, "and calibrated answers say that it knows nothing"
    lines: list[str] = []
    known = cross_validate(model, by_lightness, PLAN, 0, report=lines.append)
    assert judge(known.said, known.labels)[1] > 0.95
    assert len(lines) == 4 * PLAN.epochs, "no fold ends early"
    assert lines[-1].startswith("fold 4 of 4, epoch 25 of 25")


def test_the_best_epoch_is_kept_and_a_training_that_gets_no_better_ends() -> None:
    rng = np.random.default_rng(4)
    samples, others = ([pattern(rng, 128, number % 2, number) for number in range(24)] for _ in range(2))
    model, labels = small_network(), np.arange(24) % 2
    crops = np.stack([sample.crop for sample in others])
    plan = replace(PLAN, patience=4)
    fitted = fit(model, samples, crops, labels, plan, 0, report=quiet)
    assert fitted.kept == int(np.argmin(fitted.history["val_loss"])) + 1
    assert len(fitted.history["loss"]) == fitted.kept + 4 < plan.epochs, "by heart is no better, so it ends"
    assert judge(answers(model, crops), labels)[0] == pytest.approx(min(fitted.history["val_loss"]), abs=1e-6)


def test_three_pictures_of_a_class_are_enough_for_folds() -> None:
    rng = np.random.default_rng(5)
    samples = [pattern(rng, 128, number % 2, number) for number in range(6)]
    plan = replace(PLAN, epochs=1, epoch_crops=16)
    lines: list[str] = []
    known = cross_validate(small_network(), samples, plan, 0, report=lines.append)
    assert sorted(known.labels) == [0, 0, 0, 1, 1, 1]
    assert len(known.said) == 6
    assert len(lines) == known.fitted.folds == 3


@pytest.mark.slow
def test_a_network_set_back_learns_the_same_again() -> None:
    rng = np.random.default_rng(1)
    samples = [pattern(rng, 128, number % 2, number) for number in range(4)]
    plan = Plan(epochs=1, epoch_crops=8, batch_size=4, patience=None)
    none, labels = np.zeros((0, 150, 150, 3), np.uint8), np.zeros(0, int)
    model = ARCHITECTURES["compact"](2)
    begin = variables_of(model)
    learnt = []
    for _ in range(2):
        fitted = fit(model, samples, none, labels, plan, 0, report=quiet)
        assert len(fitted.history["loss"]) == 1
        assert "val_loss" not in fitted.history, "there is nothing to validate on"
        learnt.append(model.get_weights())
        begin_anew(model, begin)
    assert all(np.array_equal(a, b) for a, b in zip(*learnt, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(learnt[0], model.get_weights(), strict=True))


@pytest.mark.parametrize("said", [np.array([[0.9], [0.2]]), np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])])
def test_answers_are_softened_as_a_network_would_be(said: np.ndarray) -> None:
    np.testing.assert_allclose(soften(said, 1.0), said, atol=1e-6)
    softer = soften(said, 3.0)
    assert softer.shape == said.shape
    assert np.abs(softer - 1 / max(said.shape[1], 2)).max() < np.abs(said - 1 / max(said.shape[1], 2)).max()
    if said.shape[1] == 1:
        np.testing.assert_allclose(np.log(softer / (1 - softer)), np.log(said / (1 - said)) / 3, atol=1e-5)
    else:
        np.testing.assert_allclose(softer.sum(axis=1), 1, atol=1e-6)
        np.testing.assert_allclose(np.log(softer[:, 0] / softer[:, 1]), np.log(said[:, 0] / said[:, 1]) / 3, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_an_epoch_is_judged_by_what_calibration_makes_of_its_answers(classes: int) -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, classes, 300)
    sums = rng.normal(0, 1, (300, classes)) + 1.5 * np.eye(classes)[labels]
    honest = np.exp(sums * 1.5) / np.exp(sums * 1.5).sum(axis=1, keepdims=True)
    honest = honest[:, 1:] if classes == 2 else honest
    sure = soften(honest, 0.25)
    assert np.abs(sure - honest).max() > 0.15
    assert judge(sure, labels)[0] == pytest.approx(judge(honest, labels)[0], rel=0.02), "too sure of itself is mended afterwards"
    blind = rng.permutation(honest)
    assert judge(blind, labels)[0] > 1.5 * judge(honest, labels)[0], "to know nothing is not"


def test_few_is_by_the_smallest_class() -> None:
    rng = np.random.default_rng(2)
    one = pattern(rng, 128, 0, 0), pattern(rng, 128, 1, 1)
    assert not too_few([one[0]] * TOO_FEW + [one[1]] * TOO_FEW)
    assert too_few([one[0]] * 10 * TOO_FEW + [one[1]] * (TOO_FEW - 1))
    crops, labels, changed = to_choose_on([one[0]] * 60 + [one[1]] * 20)
    assert changed
    assert len(crops) == len(labels) == 80 * 11
    assert np.array_equal(crops[:80], np.stack([one[0].crop] * 60 + [one[1].crop] * 20)), "as they are come first"
    assert len({crop.tobytes() for crop in crops}) == 2 + 80 * 10
    assert not to_choose_on([one[0]] * 60 + [one[1]] * 60)[2]
