"""Folders as data sets are handed on: train, val and test in any spelling become parts, never classes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data.dataset import Dataset, load_dataset
from models.data.layout import class_folders, folders_of_parts
from models.data.samples import Part, labels_of
from models.data.split import split_samples
from models.errors import ModelError
from tests.photos import make_folder, photo


@pytest.fixture(scope="module")
def people(two_faces: dict[str, Image.Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with 24 photos each."""
    return make_folder(tmp_path_factory.mktemp("data") / "people", two_faces, 24)


def divided(people: Path, place: Path, names: dict[str, slice]) -> Path:
    """A copy of it, divided into folders of these names."""
    for name, chosen in names.items():
        for person in ("collins", "hopper"):
            (place / name / person).mkdir(parents=True)
            for path in sorted((people / person).iterdir())[chosen]:
                shutil.copy(path, place / name / person)
    return place


def loaded(data: Path) -> tuple[Dataset, str]:
    lines: list[str] = []
    return load_dataset(data, report=lines.append), "\n".join(lines)


TRAIN, MIDDLE, LAST = slice(0, 16), slice(16, 20), slice(20, 24)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "valid", "test"),
        ("train", "val", "test"),
        ("Training", "Validation", "Testing"),
        ("TRAIN", "dev", "TEST"),
        ("training_set", "val-set", "Test Set"),
        ("train_images", "eval", "test1"),
    ],
)
def test_three_parts_stay_what_they_are_called(people: Path, tmp_path: Path, train: str, validation: str, test: str) -> None:
    """As Roboflow, Kaggle and Ultralytics divide them."""
    dataset, _ = loaded(divided(people, tmp_path / "data", {train: TRAIN, validation: MIDDLE, test: LAST}))
    assert dataset.classes == ("collins", "hopper")
    split = split_samples(dataset.samples, 0, dataset.fixed)
    parts: dict[Part, str] = {"train": train, "validation": validation, "test": test}
    for part, name in parts.items():
        assert {Path(sample.origin).parts[0] for sample in split[part]} == {name}
        assert np.bincount(labels_of(split[part])).tolist() == ([16, 16] if part == "train" else [4, 4])


def test_validation_alone_stays_so_and_the_test_comes_from_what_is_to_be_learnt(people: Path, tmp_path: Path) -> None:
    """As Keras and Ultralytics divide them."""
    dataset, _ = loaded(divided(people, tmp_path / "data", {"train": slice(0, 20), "val": LAST}))
    split = split_samples(dataset.samples, 0, dataset.fixed)
    assert {Path(sample.origin).parts[0] for sample in split["validation"]} == {"val"}
    assert len(split["validation"]) == 8
    assert {Path(sample.origin).parts[0] for part in ("train", "test") for sample in split[part]} == {"train"}
    assert np.bincount(labels_of(split["test"])).tolist() == [3, 3]
    assert dataset.parts == {"train", "validation"}


def test_copies_count_in_the_test_first_then_in_validation(people: Path, tmp_path: Path) -> None:
    data = divided(people, tmp_path / "data", {"train": TRAIN, "valid": MIDDLE, "test": LAST})
    shutil.copy(data / "test/hopper/20.png", data / "valid/hopper/leak.png")
    with Image.open(data / "test/hopper/21.png") as image:
        image.resize((170, 170)).save(data / "train/hopper/leak.jpg")
    with Image.open(data / "valid/collins/16.png") as image:
        image.resize((170, 170)).save(data / "train/collins/leak.jpg")
    dataset, told = loaded(data)
    fates = {entry.origin: entry.outcome for entry in dataset.survey.entries}
    assert fates["valid/hopper/leak.png"] == fates["train/hopper/leak.jpg"] == "in test"
    assert fates["train/collins/leak.jpg"] == "in validation"
    assert fates["test/hopper/20.png"] == fates["test/hopper/21.png"] == fates["valid/collins/16.png"] == "one face"
    assert "1 copies of a validation picture, left out of training" in told


def test_what_systems_leave_behind_is_no_class_and_no_picture(people: Path, tmp_path: Path) -> None:
    data = divided(people, tmp_path / "data", {"train": TRAIN, "test": LAST})
    for name in ("__MACOSX/train", "@eaDir", ".ipynb_checkpoints", "train/collins/@eaDir", "train/$RECYCLE.BIN"):
        (data / name).mkdir(parents=True)
        shutil.copy(people / "hopper/00.png", data / name / "small.png")
    (data / "train/hopper/Thumbs.db").write_bytes(b"of Windows")
    (data / "train/hopper/._00.png").write_bytes(b"of macOS")
    dataset, _ = loaded(data)
    assert dataset.classes == ("collins", "hopper")
    assert len(dataset.survey.entries) == 40


def folders(place: Path, *names: str) -> Path:
    rng = np.random.default_rng(1)
    for name in names:
        (place / name).mkdir(parents=True)
        photo(Image.new("RGB", (50, 50), "teal"), rng).save(place / name / "a.png")
    return place


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("test", "train", "valid"), "test, train, valid are names of parts of the data, not of classes.*known are train, val"),
        (("Test", "Train"), "Test, Train are names of parts"),
        (("train", "test1"), "test1, train are names of parts"),
        (("train_data",), "train_data is the name of a part"),
        (("train/a", "train/b", "test"), "not each has a folder for each class"),
        (("val/a", "val/b", "test/a", "test/b"), "has test, val, but no train folder to learn from"),
        (("train/a", "train/b", "val/a", "val/b", "valid/a", "valid/b"), "two of these are the same part"),
        (("train/a", "train/b", "val/a", "val/b", "extra/a"), "has the parts train, val and beside them extra"),
    ],
)
def test_names_of_parts_are_no_classes(tmp_path: Path, names: tuple[str, ...], words: str) -> None:
    with pytest.raises(ModelError, match=words) as refused:
        load_dataset(folders(tmp_path / "data", *names), report=lambda line: None)
    assert "\n" not in str(refused.value)


def test_a_class_may_be_called_so_among_others(tmp_path: Path) -> None:
    data = folders(tmp_path / "data", "train", "bus", "car")
    assert folders_of_parts(data) == [(None, data)]
    assert [folder.name for folder in class_folders(data)] == ["bus", "car", "train"]


def test_to_judge_no_train_folder_is_needed_and_one_part_is_the_folder_itself(tmp_path: Path) -> None:
    data = folders(tmp_path / "data", "val/a", "val/b", "test/a", "test/b")
    assert folders_of_parts(data, to_judge=True) == [("validation", data / "val"), ("test", data / "test")]
    alone = folders(tmp_path / "alone", "train/a", "train/b")
    assert folders_of_parts(alone) == [(None, alone / "train")]


def test_linked_pictures_count_and_what_cannot_be_looked_into_is_told(people: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(people, tmp_path / "data"))
    (data / "hopper").rename(tmp_path / "elsewhere")
    (data / "hopper").symlink_to(tmp_path / "elsewhere")
    shutil.move(tmp_path / "elsewhere/00.png", tmp_path / "more.png")
    (tmp_path / "more").mkdir()
    shutil.move(tmp_path / "more.png", tmp_path / "more/00.png")
    (tmp_path / "elsewhere/linked").symlink_to(tmp_path / "more")
    (tmp_path / "elsewhere/gone").symlink_to("nowhere")
    dataset, told = loaded(data)
    assert sum(sample.label == 1 for sample in dataset.samples) == 24
    assert "hopper/gone: left out: leads to nowhere, which is not there or cannot be read." in told


def test_a_class_behind_a_link_that_leads_nowhere_is_not_left_out_in_silence(tmp_path: Path) -> None:
    data = folders(tmp_path / "data", "a", "b")
    (data / "c").symlink_to("/media/not mounted")
    with pytest.raises(ModelError, match=r"data/c: leads to /media/not mounted, which is not there"):
        load_dataset(data, report=lambda line: None)


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("dataset/a", "dataset/b"), "has only dataset; they seem to lie in {data}/dataset: name that."),
        (("x/dataset/train/a", "x/dataset/train/b", "x/dataset/val/a"), "has only x; they seem to lie in {data}/x/dataset: name that."),
        (("dataset/a", "dataset/b", "__MACOSX/dataset"), "they seem to lie in {data}/dataset: name that."),
        (("train/photos/a", "train/photos/b"), "train: needs .* has only photos; they seem to lie in {data}/train/photos: name that."),
        (("dataset",), "has only dataset; the pictures in {data}/dataset lie side by side: sort them into a folder for each class."),
        ((".",), "has none; the pictures in {data} lie side by side: sort them into a folder for each class."),
        (("a/b/c/d/e/f/g/h",), "has only a."),
        (("dataset/only",), "has only dataset; the pictures in {data}/dataset/only lie side by side"),
    ],
)
@pytest.mark.parametrize("classes", [None, ("a", "b")])
def test_where_the_classes_seem_to_lie_is_said(names: tuple[str, ...], hint: str, classes: tuple[str, ...] | None, tmp_path: Path) -> None:
    """To learn from and to judge on: archives unpack into a folder of their own."""
    data = tmp_path / "data"
    for name in names:
        (data / name).mkdir(parents=True, exist_ok=True)
        photo(Image.new("RGB", (50, 50), "teal"), np.random.default_rng(1)).save(data / name / "a.png")
    with pytest.raises(ModelError, match=hint.format(data=data)):
        load_dataset(data, classes=classes, report=lambda line: None)


def test_an_archive_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data.zip").write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"data\.zip: is a file; unpack it"):
        load_dataset(tmp_path / "data.zip", report=lambda line: None)
