"""People may be called anything that can be shown; their files are called what any system takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import PeopleError
from models.people.folder import PeopleFolder
from models.people.names import checked_name, file_name_of
from tests.people import a_photo


@pytest.fixture
def folder(tmp_path: Path) -> PeopleFolder:
    return PeopleFolder(tmp_path / "people")


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/", "..", "CON", "nul.txt", "a" * 100, "李" * 100, "Zoë", "мама", "نازنین\u200cزهرا", "🙂", "a\\b:c*?", "-rf"],
)
def test_any_name_has_a_file_of_its_own(folder: PeopleFolder, name: str) -> None:
    folder.add(name, [a_photo()])
    folder.add("somebody else", [a_photo()])
    assert name in [person.name for person in folder.load()]
    assert {path.parent for path in folder.path.parent.rglob("*.json")} == {folder.path}
    for path in folder.path.iterdir():
        assert path.name.isascii()
        assert len(path.name) < 80
        assert path.stem.lower() == path.stem
    folder.remove(name)
    assert len(list(folder.path.iterdir())) == 1


@pytest.mark.parametrize(
    "name", ["", "  ", "\u200d", "a" * 101, "a\x00b", "\x1b[31mred", "a\u202eb", "\udce9", "Unknown", "known", "everybody"]
)
def test_what_is_no_name_is_refused(folder: PeopleFolder, name: str) -> None:
    with pytest.raises(PeopleError, match="cannot be a name") as refused:
        folder.add(name, [a_photo()])
    assert str(refused.value).isprintable()
    assert not folder.exists


def test_one_name_is_one_person_however_it_is_composed(folder: PeopleFolder) -> None:
    composed, apart = "Zo\u00eb", "Zoe\u0308"
    folder.add(apart, [a_photo()])
    folder.add(composed, [a_photo()])
    (person,) = folder.load()
    assert (person.name, len(person.photos)) == (composed, 2)
    assert checked_name(f" {apart}\u00a0 X\n") == f"{composed} X"
    assert file_name_of("ADA") == file_name_of("ada")
    assert file_name_of("Ada") != file_name_of("Ida")


def test_names_that_differ_only_in_capitals_are_asked_about(folder: PeopleFolder) -> None:
    folder.add("Max", [a_photo()])
    with pytest.raises(PeopleError, match="there is Max already"):
        folder.add("MAX", [a_photo()])
    assert [len(person.photos) for person in folder.load()] == [1]
