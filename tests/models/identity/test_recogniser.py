"""Who a face is: real faces are told apart, and scores and thresholds mean what they say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from models import MTCNN
from models.identity.cohort import Cohort
from models.identity.embedder import FaceEmbedder
from models.identity.grouping import group
from models.identity.photos import describe_photos
from models.identity.recogniser import KnownPerson, Recogniser
from models.identity.thresholds import ThresholdTable
from tests.models.identity.faces import looks, strangers


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return Cohort.load()


@pytest.fixture(scope="module")
def embedder() -> FaceEmbedder:
    return FaceEmbedder.load(device="cpu")


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu")


@pytest.fixture(scope="module")
def hopper(embedder: FaceEmbedder, detector: MTCNN, portrait: np.ndarray) -> np.ndarray:
    return looks(embedder, detector, portrait)


@pytest.fixture(scope="module")
def collins(embedder: FaceEmbedder, detector: MTCNN, astronaut: np.ndarray) -> np.ndarray:
    return looks(embedder, detector, astronaut)


def test_a_known_face_has_its_name_and_another_none(cohort: Cohort, hopper: np.ndarray, collins: np.ndarray) -> None:
    recogniser = Recogniser([KnownPerson("Grace Hopper", hopper[:1])], cohort)
    own, other = recogniser.scores(hopper[1:]), recogniser.scores(collins)
    assert own.shape == (3, 1)
    assert own.dtype == np.float32
    assert own.min() > recogniser.thresholds[0] + 1
    assert other.max() < recogniser.thresholds[0] - 0.5
    both = Recogniser([KnownPerson("Grace Hopper", hopper[:2]), KnownPerson("Eileen Collins", collins[:1])], cohort)
    assert both.names == ("Grace Hopper", "Eileen Collins")
    assert both.scores(np.concatenate([hopper[2:], collins[1:]])).argmax(axis=1).tolist() == [0, 0, 1, 1, 1]


def test_a_score_depends_on_no_other_face_and_no_other_person(cohort: Cohort, hopper: np.ndarray, collins: np.ndarray) -> None:
    alone = Recogniser([KnownPerson("a", hopper[:2])], cohort).scores(hopper[2:3])[0, 0]
    people = [KnownPerson(str(number), one[None]) for number, one in enumerate(strangers(50))]
    many = Recogniser([*people, KnownPerson("a", hopper[:2])], cohort).scores(np.concatenate([collins, hopper[2:3]]))
    assert many[-1, -1] == pytest.approx(alone, abs=1e-3)


def test_where_nobody_is_known_nobody_has_a_name(cohort: Cohort, hopper: np.ndarray) -> None:
    nobody = Recogniser([], cohort)
    assert nobody.names == ()
    assert nobody.thresholds.shape == (0,)
    assert nobody.scores(hopper).shape == (4, 0)
    assert nobody.false_name_rate(-5) == 0
    one = Recogniser([KnownPerson("a", hopper)], cohort)
    assert one.scores(hopper[:0]).shape == (0, 1)


@pytest.mark.parametrize("people", [1, 5, 100, 5_000])
def test_the_threshold_is_where_as_many_strangers_get_a_name_as_were_asked_for(cohort: Cohort, people: int) -> None:
    known = [KnownPerson("a", one[None]) for one in np.resize(strangers(100), (people, 128))]
    for asked in (0.001, 0.01, 0.1):
        recogniser = Recogniser(known, cohort, false_names=asked)
        assert recogniser.thresholds.shape == (people,)
        assert recogniser.false_name_rate(float(recogniser.thresholds[0])) == pytest.approx(asked, rel=1e-3)
    assert recogniser.false_name_rate(-1) == pytest.approx(1)
    assert 0 < recogniser.false_name_rate(12) < 1e-6
    stricter = Recogniser(known, cohort, false_names=0.001).thresholds
    assert (stricter > recogniser.thresholds + 1.9).all()  # a hundredth: two more


def test_what_no_gallery_is_like_is_refused_in_words(cohort: Cohort, hopper: np.ndarray) -> None:
    for rate in (0, 0.5, -1, float("nan")):
        with pytest.raises(ValueError, match=r"false_names is from 0\.001 to 0\.1, not"):
            Recogniser([KnownPerson("a", hopper)], cohort, false_names=rate)
    with pytest.raises(ValueError, match="Ann has no photos"):
        Recogniser([KnownPerson("Ann", hopper[:0])], cohort)


def test_the_table_that_ships_rises_and_goes_on_beyond_its_ends() -> None:
    table = ThresholdTable.load()
    excess = np.linspace(-0.5, 0.3, 200)[:, None]
    scores = np.concatenate([table.scores(np.array([photos]), excess) for photos in (1, 2, 4, 5, 30)], axis=1)
    assert np.isfinite(scores).all()
    assert (np.diff(scores, axis=0) > 0).all()
    assert np.array_equal(scores[:, 3], scores[:, 4])  # more than five photos change nothing
    for photos in (1, 3):
        found = table.scores(np.array([photos]), np.array([[table.excess_at(photos, 1e-3)]]))
        assert found == pytest.approx(np.array([[3.0]]), abs=1e-4)


def test_an_offset_moves_scores_back(cohort: Cohort, hopper: np.ndarray, collins: np.ndarray) -> None:
    known = [KnownPerson("a", hopper)]
    usual = Recogniser(known, cohort).scores(collins)
    assert (Recogniser(known, Cohort(cohort.vectors, 0.01)).scores(collins) < usual).all()


def test_faces_are_sorted_by_person_without_names(cohort: Cohort, hopper: np.ndarray, collins: np.ndarray) -> None:
    mixed = np.concatenate([collins[:1], hopper, collins[1:3]])
    assert group(mixed, cohort).tolist() == [1, 0, 0, 0, 0, 1, 1]  # the larger group is the first
    assert group(mixed[:0], cohort).tolist() == []
    assert group(mixed[:1], cohort).tolist() == [0]
    assert group(np.repeat(hopper[:1], 30, axis=0), cohort).tolist() == [0] * 30
    with pytest.raises(ValueError, match="above 0, not 0"):
        group(mixed, cohort, false_joins=0)


def test_many_strangers_stay_apart(cohort: Cohort) -> None:
    from_different = group(strangers(1500), Cohort(strangers(400, seed=1)), false_joins=1e-30)
    assert len(set(from_different.tolist())) > 1400


@pytest.mark.slow
def test_small_children_who_look_alike_are_not_taken_for_one_another(
    data_dir: Path, cohort: Cohort, embedder: FaceEmbedder, detector: MTCNN
) -> None:
    with (data_dir / "identity" / "diverse.csv").open() as file:
        files = [row["file"] for row in csv.DictReader(file) if int(row["age"]) < 3][:45]
    faces = np.array(list(describe_photos([data_dir / "identity" / "diverse" / name for name in files], detector, embedder).values()))
    known, passing = faces[:5], faces[5:]
    assert (np.linalg.norm(passing[:, None] - known, axis=2).min(axis=1) < 0.386).mean() > 0.5  # by distance most of them would be
    recogniser = Recogniser([KnownPerson("child", one[None]) for one in known], cohort)
    assert (recogniser.scores(passing).max(axis=1) >= recogniser.thresholds[0]).sum() <= 1
