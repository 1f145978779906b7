"""Another network's cohort and thresholds, by strangers alone: scores mean what they say, and files of two networks are not mixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.identity.calibration import ASKED_STRANGERS, calibrate, spread_of
from models.identity.cohort import SHIPPED_COHORT, SHIPPED_SPREAD, Cohort
from models.identity.grouping import group
from models.identity.recogniser import KnownPerson, Recogniser
from models.identity.thresholds import shipped_table


def faces(count: int, features: int, seed: int, spread: float) -> np.ndarray:
    """(count, features) of unit length: of 20 kinds of people."""
    kinds = np.random.default_rng(99).normal(size=(20, features))
    random = np.random.default_rng(seed)
    vectors = 1 / spread + 0.5 * kinds[random.integers(0, 20, count)] + random.normal(size=(count, features))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize(("features", "spread"), [(64, 0.5), (64, 50.0), (512, 2.0)])
def test_about_as_many_strangers_get_a_name_as_were_asked_for_whatever_the_network(features: int, spread: float) -> None:
    cohort = calibrate(faces(600, features, 1, spread), "x")
    assert cohort.vectors.shape[1] == features
    assert cohort.table.shown == pytest.approx(4)
    random = np.random.default_rng(5)
    for photos in (1, 3):
        middles = faces(20, features, 2, spread)
        own = middles[:, None] + 0.3 / np.sqrt(features) * random.normal(size=(20, photos + 1, features))
        own = np.asarray(own / np.linalg.norm(own, axis=2, keepdims=True), np.float32)
        known = [KnownPerson(str(number), one[:photos]) for number, one in enumerate(own)]
        recogniser = Recogniser(known, cohort, false_names=0.05)
        named = (recogniser.scores(faces(3000, features, 3, spread)) >= recogniser.thresholds).any(axis=1).mean()
        assert 0.001 < named < 0.075  # to the safe side
        scores = recogniser.scores(own[:, -1])
        assert (scores.argmax(axis=1) == np.arange(20)).mean() > 0.9
        assert (scores.max(axis=1) >= recogniser.thresholds).mean() > 0.9


def test_so_few_strangers_show_no_rarer_ones_than_they_can() -> None:
    cohort = calibrate(faces(500, 64, 1, 1.0), "x")
    few = Recogniser([KnownPerson("a", one[None]) for one in faces(100, 64, 2, 1.0)], cohort)
    assert few.least_shown == pytest.approx(0.01, rel=0.01)  # of 100 people, each 1 in 10,000
    many = Recogniser([KnownPerson("a", one[None]) for one in faces(1000, 64, 2, 1.0)], cohort)
    assert many.least_shown == pytest.approx(0.095, rel=0.01)
    shipped = Recogniser([KnownPerson("a", one[None]) for one in faces(100, 128, 2, 1.0)], Cohort.load())
    assert shipped.least_shown == pytest.approx(0.001, rel=0.01)


def test_too_few_strangers_are_refused() -> None:
    with pytest.raises(ValueError, match=f"449 strangers are too few: take photos of {ASKED_STRANGERS} people or more"):
        calibrate(faces(449, 64, 1, 1.0), "x")


def test_it_is_the_same_once_saved_and_for_this_network_alone(tmp_path: Path) -> None:
    cohort = calibrate(faces(500, 64, 1, 1.0), "x")
    cohort.save(tmp_path / "own.npz")
    again = Cohort.load(tmp_path / "own.npz", "x")
    assert again.vectors == pytest.approx(cohort.vectors, abs=2e-3)
    assert (again.network, again.spread, again.table.rates, again.table.photos) == ("x", cohort.spread, cohort.table.rates, (1, 2, 3, 5))
    assert np.array_equal(again.table.excess, cohort.table.excess)
    for path, network, why in (
        (tmp_path / "own.npz", "y", "as another network described them"),
        (tmp_path / "own.npz", "x 0,0,0 1,1,1 rgb", "as this network with another identity.network_mean"),
        (SHIPPED_COHORT, "x", "as another network described them"),
    ):
        with pytest.raises(ModelError, match=why) as caught:
            Cohort.load(path, network)
        assert "facestream people calibrate" in str(caught.value)
    with pytest.raises(ModelError, match="cannot be compared with people now"):
        Cohort.load(tmp_path / "own.npz")


def test_a_byte_that_was_changed_is_noticed(tmp_path: Path) -> None:
    calibrate(faces(500, 64, 1, 1.0), "x").save(tmp_path / "own.npz")
    with np.load(tmp_path / "own.npz") as arrays:
        said = dict(arrays)
    assert {"network", "spread", "photos", "rates", "excess"} < set(said)
    for name in ("network", "spread", "photos", "rates", "excess", "vectors", "offset"):
        changed = np.array("y") if name == "network" else said[name] + np.ones_like(said[name])
        np.savez(tmp_path / "changed.npz", **(said | {name: changed}))
        with pytest.raises(ModelError, match="is damaged, or no cohort"):
            Cohort.load(tmp_path / "changed.npz", "x")


def test_what_ships_stays_what_it_was() -> None:
    shipped = Cohort.load()
    assert shipped.another is None
    assert shipped.table is shipped_table()
    assert shipped.spread == SHIPPED_SPREAD


def test_faces_are_sorted_by_a_cohort_of_any_network() -> None:
    cohort = calibrate(faces(600, 64, 1, 1.0), "x")
    some = np.repeat(faces(10, 64, 2, 1.0), 3, axis=0) + 0.02 * np.random.default_rng(0).normal(size=(30, 64))
    numbers = group(np.asarray(some / np.linalg.norm(some, axis=1, keepdims=True), np.float32), cohort)
    assert len(set(numbers.tolist())) == 10


def test_spread_is_the_distance_between_two_in_the_median() -> None:
    vectors = faces(300, 64, 1, 1.0)
    apart = np.linalg.norm(vectors[:, None] - vectors, axis=2)[np.triu_indices(300, 1)]
    assert spread_of(vectors) == pytest.approx(np.median(apart), abs=1e-3)
