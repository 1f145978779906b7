"""A bundle on disk is what it says it is, or it is refused in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from models.bundle import FILES, SHIPPED, ModelInfo, check_place, read_bundle, shipped_names, write_bundle
from models.errors import ModelError


@pytest.fixture
def face(tmp_path: Path) -> Path:
    """A copy of the shipped bundle `face`, to be spoilt."""
    return Path(shutil.copytree(SHIPPED / "face", tmp_path / "face"))


def change_info(folder: Path, **changes: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def test_every_shipped_bundle_is_whole_small_and_has_a_card() -> None:
    assert "face" in shipped_names()
    for name in shipped_names():
        bundle = read_bundle(name)
        assert bundle.info.name == name
        assert bundle.info.metrics["auc"] > 0.98
        card = (bundle.folder / "README.md").read_text(encoding="utf-8")
        assert all(word in card for word in (*bundle.info.classes, "95 % interval", "seed", "Limits"))
        assert all((bundle.folder / file).stat().st_size < 20 * 2**20 for file in FILES)


def test_a_folder_is_read_like_a_shipped_name(face: Path) -> None:
    assert read_bundle(face).info == read_bundle("face").info == read_bundle(str(face)).info


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"mug: there is no such model\. Shipped are: .*face"):
        read_bundle("mug")


@pytest.mark.parametrize("file", FILES)
def test_a_changed_file_is_refused(face: Path, file: str) -> None:
    content = bytearray((face / file).read_bytes())
    content[len(content) // 2] ^= 1
    (face / file).write_bytes(content)
    with pytest.raises(ModelError, match=f"{file} is not the file that model.json describes"):
        read_bundle(face)


@pytest.mark.parametrize("file", ["model.json", *FILES])
def test_a_missing_file_is_named(face: Path, file: str) -> None:
    (face / file).unlink()
    with pytest.raises(ModelError, match=f"there is no {file}"):
        read_bundle(face)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format"),
        ({"surprise": 1}, "surprise"),
        ({"classes": ["face"]}, "classes"),
        ({"classes": ["face", "face"]}, "same name"),
        ({"drop": ["mug"]}, "drop"),
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": None}, "threshold"),
        ({"files": {"../../etc/passwd": "0" * 64}}, "files"),
        ({"files": {}}, "files"),
        ({"metrics": {"accuracy": "good"}}, "metrics"),
    ],
)
def test_a_foreign_description_is_refused_with_its_reason(face: Path, changes: dict[str, object], reason: str) -> None:
    change_info(face, **changes)
    with pytest.raises(ModelError, match=reason):
        read_bundle(face)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_a_description_that_is_no_json_object_is_refused(face: Path, content: bytes) -> None:
    (face / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match="not a model description"):
        read_bundle(face)


def info_like_face(files: dict[str, str]) -> ModelInfo:
    return read_bundle("face").info.model_copy(update={"files": files})


def copy_face_into(folder: Path) -> None:
    for file in FILES:
        shutil.copy(SHIPPED / "face" / file, folder / file)


def test_what_is_written_can_be_read_and_replaces_an_earlier_bundle(face: Path) -> None:
    written = write_bundle(face, info_like_face, copy_face_into, lambda info: f"# {info.name}\n")
    assert written.info == read_bundle("face").info
    assert (face / "README.md").read_text(encoding="utf-8") == "# face\n"
    assert [path.name for path in face.parent.iterdir()] == ["face"], "something half-written was left"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_what_was_there(face: Path, error: BaseException) -> None:
    def fail(folder: Path) -> None:
        (folder / FILES[0]).write_bytes(b"half")
        raise error

    expected = ModelError if isinstance(error, OSError) else KeyboardInterrupt
    for place in (face, face.parent / "new"):
        with pytest.raises(expected):
            write_bundle(place, info_like_face, fail, lambda info: "")
    assert read_bundle(face).info == read_bundle("face").info
    assert [path.name for path in face.parent.iterdir()] == ["face"]


def a_file(path: Path) -> None:
    path.write_text("precious")


def a_folder_of_photos(path: Path) -> None:
    path.mkdir()
    (path / "photo.jpg").write_bytes(b"precious")


@pytest.mark.parametrize("make", [a_file, a_folder_of_photos])
def test_a_place_that_holds_something_else_is_refused_before_any_work(tmp_path: Path, make: Callable[[Path], None]) -> None:
    place = tmp_path / "place"
    make(place)
    with pytest.raises(ModelError, match="holds something other than a model"):
        check_place(place)
