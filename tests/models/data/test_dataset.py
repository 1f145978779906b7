"""Folders of pictures are looked through first: each file's fate is told, copies stay together, faces are found once."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data.crop_cache import CropCache
from models.data.dataset import load_dataset
from models.data.samples import labels_of
from models.data.split import folds, split_samples
from models.data.survey import Entry
from models.errors import ModelError
from tests.photos import make_folder, photo


@pytest.fixture(scope="module")
def people(two_faces: dict[str, Image.Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with 14 photos each, all different."""
    return make_folder(tmp_path_factory.mktemp("data") / "people", two_faces, 14)


@pytest.fixture
def data(people: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    return Path(shutil.copytree(people, tmp_path / "data"))


def looked_at(data: Path) -> tuple[dict[str, Entry], str]:
    """What became of each file, by its path in the folder, and all that was told."""
    lines: list[str] = []
    dataset = load_dataset(data, report=lines.append)
    return {entry.origin: entry for entry in dataset.survey.entries}, "\n".join(lines)


def test_the_fate_of_every_file_is_told_and_saved(data: Path, two_faces: dict[str, Image.Image], tmp_path: Path) -> None:
    hopper, rng = data / "hopper", np.random.default_rng(9)
    (hopper / "notes.txt").write_text("to be sorted")
    (hopper / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing more")
    Image.new("RGB", (700, 500), "teal").save(hopper / "wall.png")
    two = Image.new("RGB", (440, 220), "white")
    for x, size in ((10, 200), (330, 100)):
        two.paste(two_faces["hopper"].resize((size, size)), (x, 10))
    two.save(hopper / "two.png")
    two_faces["hopper"].crop((20, 80, 180, 140)).save(hopper / "eyes.png")
    photo(two_faces["hopper"], rng).save(hopper / "no suffix", "PNG")
    fates, told = looked_at(data)
    assert fates["hopper/notes.txt"].outcome == "no picture"
    assert fates["hopper/broken.jpg"].outcome == "unreadable"
    assert fates["hopper/wall.png"].outcome == "no face"
    assert fates["hopper/two.png"].outcome == "several faces"
    assert fates["hopper/two.png"].look is not None
    assert fates["hopper/two.png"].look.box[2] - fates["hopper/two.png"].look.box[0] > 80, "the larger of the two"
    assert fates["hopper/eyes.png"].outcome == "whole"
    assert fates["hopper/no suffix"].outcome == "one face"
    counted = "hopper: 20 files: 15 with one face; 1 with several faces (the largest central one is used); 1 without a found face"
    assert counted in told
    assert "hopper/broken.jpg: left out: " in told
    dataset = load_dataset(data, report=lambda line: None)
    dataset.survey.write(tmp_path / "pictures.csv")
    with (tmp_path / "pictures.csv").open(newline="") as file:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(file)}
    assert len(rows) >= 20
    assert [rows[name]["used"] for name in ("notes.txt", "broken.jpg", "wall.png", "two.png")] == ["no", "no", "no", "yes"]
    assert "format" in rows["notes.txt"]["reason"]


def test_copies_count_once_and_near_copies_stay_on_one_side(data: Path) -> None:
    first = data / "collins" / "00.png"
    shutil.copy(first, data / "collins" / "again.png")
    with Image.open(first) as image:
        image.resize((150, 150)).save(data / "collins" / "small.jpg", quality=60)
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(data / "collins" / "mirrored.png")
        image.resize((180, 180)).save(data / "hopper" / "misfiled.png")
    shutil.copy(data / "hopper" / "03.png", data / "collins" / "wrong.png")
    fates, told = looked_at(data)
    assert Counter(fates[f"collins/{name}.png"].outcome for name in ("00", "again"))["copy"] == 1
    assert fates["collins/wrong.png"].outcome == fates["hopper/03.png"].outcome == "other class"
    near = [fates[name] for name in ("collins/small.jpg", "collins/mirrored.png", "hopper/misfiled.png")]
    assert len({entry.group for entry in near}) == 1
    assert "nearly the same, in different classes: " in told
    assert "is one misfiled?" in told
    samples = load_dataset(data, report=lambda line: None).samples
    for seed in range(5):
        split = split_samples(samples, seed)
        groups = [{sample.group for sample in part} for part in split.values()]
        assert not groups[0] & groups[1]
        assert not groups[1] & groups[2]
        assert not groups[0] & groups[2]
        assert sum(map(len, split.values())) == len(samples)


def test_a_split_is_stratified_and_follows_its_seed(people: Path) -> None:
    samples = load_dataset(people, report=lambda line: None).samples
    splits = [split_samples(samples, seed) for seed in (0, 0, 1)]
    names = [[sample.origin for sample in split["test"]] for split in splits]
    assert names[0] == names[1] != names[2]
    assert all(np.bincount(labels_of(split[part])).tolist() == [2, 2] for split in splits for part in ("validation", "test"))
    parts = folds(samples, 5, seed=0)
    assert sorted(sample.origin for part in parts for sample in part) == [sample.origin for sample in samples]
    assert all(np.bincount(labels_of(part)).min() >= 2 for part in parts)


def test_a_folder_divided_into_train_and_test_stays_so(data: Path) -> None:
    divided = data.parent / "divided"
    for name in ("collins", "hopper"):
        for side, chosen in (("train", slice(0, 10)), ("test", slice(10, 14))):
            (divided / side / name).mkdir(parents=True)
            for path in sorted((data / name).iterdir())[chosen]:
                shutil.copy(path, divided / side / name)
    shutil.copy(divided / "test" / "hopper" / "11.png", divided / "train" / "hopper" / "leak.png")
    shutil.copy(data / "hopper" / "10.png", data / "hopper" / "spare.png")
    lines: list[str] = []
    dataset = load_dataset(divided, report=lines.append)
    split = split_samples(dataset.samples, 0, dataset.fixed)
    assert {Path(sample.origin).parts[0] for sample in split["test"]} == {"test"}
    assert len(split["test"]) == 8
    assert {Path(sample.origin).parts[0] for part in ("train", "validation") for sample in split[part]} == {"train"}
    assert "1 copies of a test picture, left out of training" in "\n".join(lines)


def test_classes_from_different_sources_and_imbalance_are_told(data: Path) -> None:
    for path in sorted((data / "hopper").iterdir()):
        with Image.open(path) as image:
            image.resize((90, 90)).save(path.with_suffix(".jpg"), quality=30)
        path.unlink()
    for path in sorted((data / "collins").iterdir())[4:]:
        path.unlink()
    lines: list[str] = []
    load_dataset(data, report=lines.append, least=4)
    told = "\n".join(lines)
    assert "hopper differ from the others in size: 90 to 90 against 200 to 200 px on the shorter side" in told
    assert "learn the source instead of the face" in told
    assert "hopper has 14 pictures and collins 4; each class is drawn equally often" in told


def test_faces_found_once_are_not_looked_for_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = CropCache(tmp_path / "cache")
    first = load_dataset(data, report=lambda line: None, cache=cache)
    (data / "hopper" / "00.png").rename(data / "hopper" / "renamed.png")
    kept = {path: path.stat().st_mtime_ns for path in cache.folder.rglob("*.npz")}
    assert len(kept) == 28
    damaged = sorted(kept)[0]
    damaged.write_bytes(damaged.read_bytes()[:1000])
    second = load_dataset(data, report=lambda line: None, cache=cache)
    changed = [path for path in cache.folder.rglob("*") if path.is_file() and path.stat().st_mtime_ns != kept.get(path)]
    assert changed == [damaged], "only what was damaged is made anew, though a picture has another name"
    assert {sample.crop.tobytes() for sample in first.samples} == {sample.crop.tobytes() for sample in second.samples}


def test_a_cache_that_cannot_be_written_stops_nothing(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert len(load_dataset(data, report=lambda line: None, cache=CropCache(tmp_path / "file" / "cache")).samples) == 28


def test_a_bundle_s_classes_are_asked_for_by_name(data: Path) -> None:
    dataset = load_dataset(data, classes=("hopper", "collins"), report=lambda line: None)
    assert {sample.label for sample in dataset.samples if "hopper" in sample.origin} == {0}
    with pytest.raises(ModelError, match=r"has the classes collins, hopper; cat, dog are needed"):
        load_dataset(data, classes=("cat", "dog"), report=lambda line: None)


def one_class(data: Path) -> None:
    shutil.rmtree(data / "collins")


def an_empty_class(data: Path) -> None:
    for path in data.glob("collins/*"):
        path.unlink()


def few_pictures(data: Path) -> None:
    for path in sorted(data.glob("collins/*"))[9:]:
        path.unlink()


def copies_of_one_picture(data: Path) -> None:
    first, *others = sorted(data.glob("collins/*"))
    for number, path in enumerate(others):
        with Image.open(first) as image:
            image.resize((190 - number, 190 - number)).save(path)


def no_folder(data: Path) -> None:
    shutil.rmtree(data)


def no_faces(data: Path) -> None:
    for number, path in enumerate(data.rglob("*.png")):
        Image.effect_noise((120, 120), 40 + number).convert("RGB").save(path)


def a_long_name(data: Path) -> None:
    (data / "collins").rename(data / ("c" * 120))


def an_unprintable_name(data: Path) -> None:
    (data / "collins").rename(data / "col\nlins")


def names_that_differ_in_capitals(data: Path) -> None:
    (data / "collins").rename(data / "Hopper")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (one_class, "two or more classes, and has only hopper"),
        (an_empty_class, "collins: has no pictures"),
        (few_pictures, "collins: has 9 usable pictures; a class needs at least 10"),
        (copies_of_one_picture, "collins: shows only 1 different picture; that leaves none for"),
        (no_folder, "there is no such folder"),
        (no_faces, "no face was found in any of its 28 pictures"),
        (a_long_name, "cannot be the name of a class: it is longer than 100 characters"),
        (an_unprintable_name, "cannot be the name of a class: it has characters that cannot be printed"),
        (names_that_differ_in_capitals, "two classes differ only in capital letters"),
    ],
)
def test_data_that_nothing_can_be_learnt_from_is_refused(data: Path, spoil: Callable[[Path], None], message: str) -> None:
    spoil(data)
    with pytest.raises(ModelError, match=message) as refused:
        split_samples(load_dataset(data, report=lambda line: None).samples, 0)
    assert "\n" not in str(refused.value)


def test_a_list_that_cannot_be_written_is_told_before_any_training(people: Path) -> None:
    with pytest.raises(ModelError, match=r"who-pictures\.csv: cannot be written"):
        load_dataset(people, report=lambda line: None, listed=Path("/dev/null/who-pictures.csv"))
