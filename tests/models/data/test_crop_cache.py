"""Crops that are kept are those that would be cut now."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

import models.data.crop_cache
from models import DetectorOptions
from models.data.crop_cache import CropCache, code_version, default_folder
from models.data.dataset import load_dataset
from tests.photos import make_folder

PACKAGE = Path(models.data.crop_cache.__file__).parents[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, but for its trained models."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "copy", ignore=shutil.ignore_patterns("trained", "__pycache__")))


@pytest.mark.parametrize(
    "changed",
    [
        "detection/proposals.py",
        "detection/compiled/steps.py",
        "detection/flip_averaging.py",
        "inference/batching.py",
        "imaging/boxes.py",
        "imaging/picture_formats.py",
        "data/dataset.py",
        "data/samples.py",
    ],
)
def test_a_change_of_anything_that_a_crop_depends_on_makes_crops_anew(copy: Path, changed: str) -> None:
    before = code_version(copy)
    assert before == code_version(PACKAGE)
    (copy / changed).write_bytes((copy / changed).read_bytes() + b"\n")
    code_version.cache_clear()
    assert code_version(copy) != before


def test_code_that_moves_between_modules_counts_as_a_change(copy: Path) -> None:
    before = code_version(copy)
    (copy / "detection/pyramid.py").rename(copy / "detection/pyramids.py")
    code_version.cache_clear()
    assert code_version(copy) != before


def test_what_no_crop_depends_on_changes_nothing(copy: Path) -> None:
    before = code_version(copy)
    (copy / "training/fit.py").write_text("")
    (copy / "detection/notes.txt").write_text("not code")
    code_version.cache_clear()
    assert code_version(copy) == before


def test_another_detector_s_crops_are_not_taken(two_faces: dict[str, Image.Image], tmp_path: Path) -> None:
    photos, cache = make_folder(tmp_path / "photos", two_faces, count=2), CropCache(tmp_path / "cache")

    def kept(options: DetectorOptions | None) -> int:
        load_dataset(photos, least=1, report=lambda line: None, cache=cache, detector=options)
        return len(list(cache.folder.rglob("*.npz")))

    assert [kept(None), kept(DetectorOptions()), kept(DetectorOptions(min_face_px=40)), kept(None)] == [4, 4, 8, 8]


def test_a_relative_place_for_caches_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be another in each folder: the XDG Base Directory Specification calls it invalid."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for given, place in [("", tmp_path / ".cache"), ("caches", tmp_path / ".cache"), (str(tmp_path / "own"), tmp_path / "own")]:
        monkeypatch.setenv("XDG_CACHE_HOME", given)
        assert default_folder() == place / "facestream/crops"
