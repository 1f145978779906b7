"""Files of cohorts and thresholds: what ships, what a user makes, and what is no such file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.identity.cohort import SHIPPED_COHORT, Cohort
from models.identity.strangers import cohort_of_strangers, means_of_strangers
from models.identity.thresholds import SHIPPED_TABLE, ThresholdTable
from tests.models.identity.faces import strangers


def test_a_cohort_is_the_same_once_saved(tmp_path: Path) -> None:
    cohort = Cohort(strangers(120), offset=0.0123)
    cohort.save(tmp_path / "own.npz")
    again = Cohort.load(tmp_path / "own.npz")
    assert again.offset == cohort.offset
    assert again.vectors == pytest.approx(cohort.vectors, abs=1e-3)
    assert np.linalg.norm(again.vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert not again.vectors.flags.writeable
    again.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "own.npz").read_bytes()


def test_what_ships_is_what_its_card_says() -> None:
    card = (SHIPPED_COHORT.parent / "README.md").read_text(encoding="utf-8")
    for path in (SHIPPED_COHORT, SHIPPED_TABLE):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert str(len(Cohort.load().vectors)) in card


@pytest.mark.parametrize(("load", "shipped"), [(Cohort.load, SHIPPED_COHORT), (ThresholdTable.load, SHIPPED_TABLE)])
def test_a_damaged_or_foreign_file_is_refused_in_one_sentence(load: type, shipped: Path, tmp_path: Path) -> None:
    content, path = shipped.read_bytes(), tmp_path / "spoilt"
    random = np.random.default_rng(0)
    spoilt = [b"", b"\x00", b"PK\x03\x04", b"{}", b"[" * 100_000, content[: len(content) // 2], content[:-30]]
    places = random.integers(0, len(content), 60).tolist()
    spoilt += [content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :] for place in places]
    good, sentences = vars_of(load(shipped)), []
    for one in spoilt:
        path.write_bytes(one)
        try:
            same = vars_of(load(path))
        except ModelError as error:
            sentences.append(str(error))
        else:  # a byte that says nothing: a time, or a name that is there twice
            assert all(np.array_equal(a, b) for a, b in zip(same, good, strict=True))
    assert all(one.startswith(f"{path}: is damaged, or no ") and "\n" not in one for one in sentences)
    assert len(sentences) > 0.9 * len(spoilt)
    np.savez(path.with_suffix(".npz"), allow_pickle=True, vectors=np.array([{}], object))
    for place, why in (
        (tmp_path, "is a folder"),
        (tmp_path / "none", "there is no such file"),
        (path.with_suffix(".npz"), "is damaged, or no"),
    ):
        with pytest.raises(ModelError, match=why):
            load(place)


def vars_of(one: Cohort | ThresholdTable) -> list[np.ndarray]:
    return [np.asarray(getattr(one, name)) for name in one.__slots__]


def test_what_is_no_cohort_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"\(K, F\) numbers, not of \(5,\)"):
        Cohort(np.ones(5))
    with pytest.raises(ValueError, match="at least 5 vectors, not 3"):
        Cohort(strangers(3))
    with pytest.raises(ValueError, match="finite"):
        Cohort(np.full((5, 128), np.nan))


def test_a_cohort_of_other_numbers_is_none_of_the_network_that_ships(tmp_path: Path) -> None:
    Cohort(strangers(10)[:, :64]).save(tmp_path / "own.npz")
    with pytest.raises(ModelError, match="is damaged, or no cohort"):
        Cohort.load(tmp_path / "own.npz")


def test_a_mean_is_of_five_people_and_nobody_is_in_two() -> None:
    faces = strangers(600)
    twice = np.concatenate([faces, faces[:5] + 1e-4])  # five of them have a second photo
    means = means_of_strangers(twice)
    assert means.shape == (121, 128)
    assert np.linalg.norm(means, axis=1) == pytest.approx(1, abs=1e-5)
    assert (means @ twice.T).max() < 0.97  # nobody's face: of no more than a fifth of anybody
    assert np.array_equal(means, means_of_strangers(twice))
    assert means_of_strangers(faces[:0]).shape == (0, 128)


def test_few_strangers_are_no_cohort_alone_but_beside_another() -> None:
    shipped, faces = Cohort.load(), strangers(150)
    with pytest.raises(ValueError, match="150 faces of strangers are too few, or of too few people: take photos of 500 people or more"):
        cohort_of_strangers(faces)
    with pytest.raises(ValueError, match="take photos of 100 people or more"):
        cohort_of_strangers(faces[:90], shipped)
    beside = cohort_of_strangers(faces, shipped)
    assert beside.vectors[: len(shipped.vectors)] == pytest.approx(shipped.vectors, abs=1e-6)
    assert len(beside.vectors) == len(shipped.vectors) + 30
    assert cohort_of_strangers(strangers(600)).offset != 0
