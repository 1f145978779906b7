"""`facestream people group` and `calibrate` as they are typed."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest
from PIL import Image

from models.identity.cohort import Cohort
from tests.command import facestream, is_one_sentence
from tests.photos import make_folder

pytestmark = pytest.mark.slow


@pytest.fixture
def here(tmp_path: Path, two_faces: dict[str, Image.Image]) -> Path:
    """Photos of two people: four of one, three of the other, and rubbish."""
    make_folder(tmp_path / "photos", {"collins": two_faces["collins"]}, 4)
    make_folder(tmp_path / "photos", {"hopper": two_faces["hopper"]}, 3)
    (tmp_path / "photos" / "damaged.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    Image.new("RGB", (200, 200), "green").save(tmp_path / "photos" / "lawn.png")
    return tmp_path


@pytest.fixture
def strangers(data_dir: Path, tmp_path: Path) -> Path:
    """A photo of each of 130 people."""
    folders = sorted((data_dir / "identity" / "lfw_even").iterdir())[:130]
    if len(folders) < 130:
        pytest.skip("no photos of people in data/identity")
    (tmp_path / "strangers").mkdir()
    for folder in folders:
        shutil.copy(next(iter(sorted(folder.iterdir()))), tmp_path / "strangers")
    return tmp_path / "strangers"


def test_a_folder_is_sorted_and_a_group_gets_a_name(here: Path) -> None:
    done = facestream("people", "group", "photos", "-o", "groups.json", cwd=here)
    assert done.returncode == 0, done.stderr
    assert "damaged.jpg: " in done.stderr
    assert "2 groups of two or more faces, 0 faces alone." in done.stdout
    faces = json.loads((here / "groups.json").read_bytes())["faces"]
    assert {(face["photo"].split("/")[0], face["group"]) for face in faces} == {("collins", 1), ("hopper", 2)}
    for group, name in (("1", "Eileen"), ("2", "Grace")):
        done = facestream("people", "add", name, "--group", f"groups.json:{group}", cwd=here)
        assert done.returncode == 0, done.stderr
    told = facestream("people", "check", "photos/hopper/00.png", cwd=here).stdout
    assert "Grace" in told
    assert "Eileen" not in told


def test_nothing_is_written_over(here: Path) -> None:
    (here / "groups.json").write_text("mine", encoding="utf-8")
    done = facestream("people", "group", "photos", "-o", "groups.json", cwd=here)
    assert (done.returncode, is_one_sentence(done.stderr)) == (2, True)
    assert (here / "groups.json").read_text(encoding="utf-8") == "mine"
    assert facestream("people", "group", "photos", "-o", "groups.json", "--overwrite", cwd=here).returncode == 0


def test_photos_that_are_gone_or_changed_stop_no_others(here: Path) -> None:
    assert facestream("people", "group", "photos", "-o", "groups.json", cwd=here).returncode == 0
    (here / "photos" / "collins" / "00.png").unlink()
    shutil.copy(here / "photos" / "hopper" / "00.png", here / "photos" / "collins" / "01.png")
    done = facestream("people", "add", "Eileen", "--group", "groups.json:1", cwd=here)
    assert done.returncode == 0, done.stderr
    assert "00.png: there is no such file; not taken." in done.stderr
    assert "01.png: has changed since its faces were sorted; not taken." in done.stderr


def test_strangers_are_learnt_and_only_means_are_kept(strangers: Path, tmp_path: Path) -> None:
    done = facestream("people", "calibrate", "strangers", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (file,) = (tmp_path / "people").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == ("cohort.npz", 0o600)
    more = len(Cohort.load(file).vectors) - len(Cohort.load().vectors)
    assert 20 <= more <= 130 / 5
    (known, *_) = sorted(strangers.iterdir())
    assert facestream("people", "add", "Ada", known, cwd=tmp_path).returncode == 0
    assert "Ada" in facestream("people", "check", known, cwd=tmp_path).stdout
    assert "1 face like somebody who is enrolled left out." in facestream("people", "calibrate", "strangers", cwd=tmp_path).stdout
    file.write_bytes(file.read_bytes()[:1000])
    done = facestream("people", "check", known, cwd=tmp_path)
    assert (done.returncode, is_one_sentence(done.stderr)) == (1, True)


def test_too_few_strangers_change_nothing(strangers: Path, tmp_path: Path) -> None:
    for path in sorted(strangers.iterdir())[50:]:
        path.unlink()
    done = facestream("people", "calibrate", "strangers", cwd=tmp_path)
    assert (done.returncode, is_one_sentence(done.stderr)) == (1, True)
    assert "photos of 100 or more are needed" in done.stderr
    assert not (tmp_path / "people").exists()
