"""The scripts that make what ships beside the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.identity.cohort import Cohort
from models.identity.learn import PHOTOS, RATES, balanced_means, group_name, learn_table, main
from models.identity.recogniser import KnownPerson, Recogniser
from models.identity.strangers import means_of_strangers
from tests.models.identity.faces import strangers


def test_small_groups_come_more_often_in_a_cohort() -> None:
    faces = strangers(500)
    groups = np.array(["few"] * 50 + ["some"] * 150 + ["many"] * 300)
    means = balanced_means(faces, groups)
    assert len(means) == 500 // 5 + 2 * (50 // 5) + 150 // 5
    assert np.array_equal(means[:100], means_of_strangers(faces))
    assert len(np.unique(means, axis=0)) == len(means)


def test_groups_are_by_age_and_for_adults_by_the_table() -> None:
    ages = {
        0: "0 to 2 years",
        2: "0 to 2 years",
        3: "3 to 9 years",
        17: "10 to 17 years",
        18: "Asian adults",
        79: "Asian adults",
        80: "80 and older",
    }
    assert {age: group_name(age, "Asian") for age in ages} == ages


@pytest.mark.slow
def test_thresholds_that_are_learnt_hold_for_other_people_of_the_kind() -> None:
    random, cohort = np.random.default_rng(5), Cohort(means_of_strangers(strangers(1000, seed=1)))

    def people(count: int, seed: int) -> dict[str, np.ndarray]:
        """Each with six photos."""
        middles = strangers(count, seed)
        photos = middles[:, None] + 0.02 * random.normal(size=(count, 6, 128))
        photos /= np.linalg.norm(photos, axis=2, keepdims=True)
        return {f"{seed} {number}": one.astype(np.float32) for number, one in enumerate(photos)}

    table = learn_table(people(120, 2), cohort)
    assert table.excess.shape == (len(PHOTOS), len(RATES))
    assert (np.diff(table.excess, axis=1) > 0).all()
    for photos in (1, 3):
        known = [KnownPerson(name, vectors[:photos]) for name, vectors in people(20, 3).items()]
        recogniser = Recogniser(known, cohort, false_names=0.05, table=table)
        passing = np.array([vectors[0] for vectors in people(1500, 4).values()])
        assert (recogniser.scores(passing) >= recogniser.thresholds).any(axis=1).mean() == pytest.approx(0.05, abs=0.025)


def test_learning_from_what_is_no_such_folder_ends_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("cohort", "thresholds"):
        assert main([what, str(tmp_path / "none"), str(tmp_path / "new")]) == 1
        assert capsys.readouterr().err == f"{tmp_path / 'none'}: there is no such folder; name one with photos.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_learning_from_too_few_faces_ends_in_one_sentence(tmp_path: Path, portrait_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    person = tmp_path / "photos" / "Grace"
    person.mkdir(parents=True)
    (person / "portrait.jpg").write_bytes(portrait_path.read_bytes())
    (person / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    for what in ("cohort", "thresholds"):
        assert main([what, str(tmp_path / "photos"), str(tmp_path / "new")]) == 1
        assert "too few" in capsys.readouterr().err


def test_what_is_no_table_of_groups_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "table.csv"
    for content in (
        None,
        b"file,age\n1.jpg,3\n",
        b"file,age,group\n1.jpg,x,White\n",
        b"file,age,group\n1.jpg,-1,White\n",
        b"file,age,group\n\xff",
    ):
        if content is not None:
            table.write_bytes(content)
        assert main(["cohort", str(tmp_path), str(tmp_path / "new"), "--groups", str(table)]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"{table}: ")
        assert error.count("\n") == 1
