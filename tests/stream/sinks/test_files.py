"""A file is claimed without touching what another program writes under its name."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from stream.errors import SinkError
from stream.sinks.files import claim


def test_a_file_that_another_writes_meanwhile_stays(tmp_path: Path) -> None:
    """Two attempts at one output: each claims it, one has written it already."""
    place, done = tmp_path / "photo.jpg", threading.Event()

    def keep_claiming() -> None:
        while not done.is_set():
            claim(place, None, overwrite=True)

    threads = [threading.Thread(target=keep_claiming) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(2000):
            place.write_bytes(b"%d" % number)
            assert place.read_bytes() == b"%d" % number
            place.unlink()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "ä" * 120 + ".png", "x" * 251 + ".png", "é" * 125 + "x.png"])
def test_any_name_that_a_file_may_have_can_be_claimed(tmp_path: Path, name: str) -> None:
    claim(tmp_path / name, None, overwrite=False)
    (tmp_path / name).touch()
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["x" * 252 + ".png", "é" * 126 + ".png"])
def test_a_name_that_is_too_long_is_refused_before_any_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(SinkError, match="File name too long"):
        claim(tmp_path / name, None, overwrite=False)
    assert list(tmp_path.iterdir()) == []
