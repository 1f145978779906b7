"""A file is told from every other one, however large it is."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from stream.fingerprint import PIECE_BYTES, PIECES, fingerprint, fingerprint_of
from stream.frame import SourceInfo


def test_it_is_that_of_what_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(os.urandom(3 * PIECES * PIECE_BYTES))
    mark = fingerprint(path)
    assert mark is not None
    assert fingerprint(Path(shutil.copy(path, tmp_path / "b"))) == mark
    content = path.read_bytes()
    begin, end = bytes([content[0] ^ 1]), bytes([content[-1] ^ 1])
    for other in (content + b"x", content[:-1], begin + content[1:], content[:-1] + end, b""):
        path.write_bytes(other)
        assert fingerprint(path) not in (mark, None)


def test_every_byte_of_a_small_file_counts(tmp_path: Path) -> None:
    path, marks = tmp_path / "a", set()
    for number in range(100):
        path.write_bytes(bytes(99_900 + number) + b"x" + bytes(100 - number))
        marks.add(fingerprint(path))
    assert len(marks) == 100


def test_a_huge_file_takes_no_time(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        try:
            file.truncate(10**11)
        except OSError:
            pytest.skip("no file can be so large here")
    begin = time.monotonic()
    assert fingerprint(path) is not None
    assert time.monotonic() - begin < 1


def test_numbered_pictures_have_one_together(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(9)]
    for path in paths:
        path.write_bytes(path.name.encode())
    mark = fingerprint_of(SourceInfo("%d.png", pictures=tuple(paths)))
    assert mark is not None
    paths[-1].write_bytes(b"other")
    assert fingerprint_of(SourceInfo("%d.png", pictures=tuple(paths))) != mark
    assert fingerprint_of(SourceInfo("%d.png", pictures=tuple(paths[:-1]))) != mark


def test_what_is_no_file_has_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        assert fingerprint(place) is None
    assert fingerprint_of(SourceInfo("camera 0", live=True)) is None
    assert fingerprint_of(SourceInfo("standard input")) is None
