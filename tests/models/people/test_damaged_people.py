"""Files of people that are damaged, foreign, or of another network."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from models.errors import PeopleError
from models.people.folder import PeopleFolder
from models.people.names import file_name_of
from tests.people import a_photo


@pytest.fixture
def folder(tmp_path: Path) -> PeopleFolder:
    return PeopleFolder(tmp_path / "people")


def damaged(said: dict[str, object], how: str) -> bytes:
    match how:
        case "cut off":
            return json.dumps(said).encode()[:200]
        case "empty":
            return b""
        case "binary":
            return bytes(range(256)) * 10
        case "deep":
            return b"[" * 100_000
        case "no list":
            return json.dumps(said | {"photos": 7}).encode()
        case "no photos":
            return json.dumps(said | {"photos": []}).encode()
        case "no name":
            return json.dumps({key: value for key, value in said.items() if key != "name"}).encode()
        case "a number as name":
            return json.dumps(said | {"name": 3}).encode()
    (photo,) = said["photos"]  # type: ignore[misc]
    changed = {
        "zeros": {"descriptor": base64.b64encode(np.zeros(128, "<f4").tobytes()).decode()},
        "not finite": {"descriptor": base64.b64encode(np.full(128, np.nan, "<f4").tobytes()).decode()},
        "no base64": {"descriptor": "*" * 100},
        "a byte short": {"descriptor": base64.b64encode(b"abc").decode()},
        "eyes in words": {"eye_px": "wide"},
        "no checksum": {"sha256": None},
    }[how]
    return json.dumps(said | {"photos": [photo | changed]}).encode()


@pytest.mark.parametrize(
    "how",
    ["cut off", "empty", "binary", "deep", "no list", "no photos", "no name", "a number as name", "zeros", "not finite", "no base64"],
)
def test_a_damaged_file_is_named_in_one_sentence(folder: PeopleFolder, how: str) -> None:
    folder.add("Ada", [a_photo()])
    folder.add("Bob", [a_photo()])
    file = folder.path / file_name_of("Ada")
    file.write_bytes(damaged(json.loads(file.read_bytes()), how))
    with pytest.raises(PeopleError, match="is damaged") as refused:
        folder.load()
    assert str(file) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_foreign_files_are_refused(folder: PeopleFolder) -> None:
    folder.add("Ada", [a_photo()])
    (folder.path / "package.json").write_text('{"name": "left-pad"}', encoding="utf-8")
    (folder.path / "package.json").chmod(0o600)
    with pytest.raises(PeopleError, match="is not one of the files"):
        folder.load()
    (folder.path / "package.json").unlink()
    (folder.path / ".DS_Store").write_bytes(b"x")
    (folder.path / "README.txt").write_bytes(b"x")
    assert len(folder.load()) == 1


@pytest.mark.parametrize(("key", "value"), [("network", "0" * 64), ("alignment", 0)])
def test_what_another_network_has_described_is_refused_with_the_command(folder: PeopleFolder, key: str, value: object) -> None:
    folder.add("Ada", [a_photo()])
    (file,) = folder.path.iterdir()
    file.write_text(json.dumps(json.loads(file.read_bytes()) | {key: value}), encoding="utf-8")
    with pytest.raises(PeopleError, match="was enrolled with") as refused:
        folder.load()
    assert 'facestream people add "Ada" PHOTO...' in str(refused.value)


def test_who_was_enrolled_with_another_network_can_be_removed(folder: PeopleFolder) -> None:
    folder.add("Ada", [a_photo()])
    with pytest.raises(PeopleError, match="another network"):
        PeopleFolder(folder.path, network="0" * 64).load()
    assert PeopleFolder(folder.path, network="0" * 64).remove("Ada").name == "Ada"
    assert list(folder.path.iterdir()) == []
