"""A file is there whole or not at all, and nothing is left beside it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from models.atomic import file_written_whole, prefix_of, written_whole


def test_a_file_takes_the_place_of_an_older_one_in_one_step(tmp_path: Path) -> None:
    place = tmp_path / "a.bin"
    place.write_bytes(b"old")
    with file_written_whole(place) as file:
        file.write(b"new")
        assert place.read_bytes() == b"old"
    assert place.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("before", [None, b"old"])
def test_what_goes_wrong_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path, before: bytes | None) -> None:
    place = tmp_path / "a.bin"
    if before is not None:
        place.write_bytes(before)

    def stopped() -> None:
        with file_written_whole(place) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([] if before is None else [before])


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_permissions_are_those_of_any_other_file_unless_asked_otherwise(tmp_path: Path) -> None:
    plain, ours, own = tmp_path / "plain", tmp_path / "ours", tmp_path / "own"
    plain.write_bytes(b"")
    with file_written_whole(ours):
        pass
    with file_written_whole(own, mode=0o600):
        pass
    assert stat.S_IMODE(ours.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert stat.S_IMODE(own.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["n" * 255, "ä" * 125 + ".png", ".hidden", "a.b.c"])
def test_the_longest_names_are_written_too(tmp_path: Path, name: str) -> None:
    with file_written_whole(tmp_path / name) as file:
        file.write(b"x")
    with written_whole(tmp_path / name) as fresh:
        fresh.write_bytes(b"y")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"y"


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with written_whole(tmp_path / "folder") as fresh:
            fresh.mkdir()
            (fresh / "file").write_text(content)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (tmp_path / "folder/file").read_text() == "new"


def test_long_names_that_begin_alike_are_told_apart() -> None:
    """Whoever removes what was begun of one must not take the other's."""
    names = [Path(f"{'ü' * 120}{number}.mp4") for number in range(2)]
    prefixes = {prefix_of(name) for name in names}
    assert len(prefixes) == 2
    assert all(len(prefix.encode()) <= 200 for prefix in prefixes)
    assert prefix_of(Path("clip.mp4")) == ".clip-"
