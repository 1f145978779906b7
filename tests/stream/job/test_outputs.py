"""No input is written over, nothing is written twice, and all of it is known before any work begins."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.errors import UsageError
from stream.frame import SourceInfo
from stream.job.outputs import check_outputs, plan_outputs
from tests.command import facestream, is_one_sentence
from tests.media import make_clip


@pytest.fixture
def place(tmp_path: Path, portrait: np.ndarray) -> Path:
    """Two folders with a picture and a video of the same names, and one picture of its own beside them."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(portrait[::2, ::2]).save(tmp_path / folder / "x.jpg")
        make_clip(tmp_path / folder / "clip.mp4", times=range(5))
    shutil.copy(tmp_path / "a" / "x.jpg", tmp_path / "one.jpg")
    return tmp_path


def fingerprints(folder: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["a/clip.mp4", "--events", "a/clip.mp4"], "this is an input"),
        (["a/x.jpg", "--events", "a/x.jpg"], "this is an input"),
        (["a", "--events", "a/x.jpg"], "this is an input"),
        (["b/x.jpg", "a/x.jpg", "-o", "a"], "this is an input"),
        (["a/x.jpg", "-o", "a"], "this is an input"),
        (["a", "-o", "a"], "this is an input"),
        (["a/clip.mp4", "-o", "a"], "this is an input"),
        (["a/x.jpg", "b/x.jpg", "-o", "new"], "two results would be written to it"),
        (["a/clip.mp4", "-o", "new.mp4", "--events", "new.mp4"], "two results would be written to it"),
        (["a/x.jpg", "one.jpg", "-o", "two.jpg"], "the output must be a folder"),
        (["a", "-o", "two.mp4"], "the output must be a folder"),
    ],
)
def test_what_would_harm_is_refused_and_nothing_is_touched(place: Path, words: list[str], part: str) -> None:
    before = fingerprints(place)
    done = facestream("run", *words, "--overwrite", cwd=place)
    assert (done.returncode, part in done.stderr) == (2, True), done.stderr
    assert is_one_sentence(done.stderr)
    assert fingerprints(place) == before


def test_a_shelf_of_videos_keeps_its_structure(place: Path) -> None:
    done = facestream("run", ".", "-o", "out", "--model", "none", cwd=place)
    assert done.returncode == 0, done.stderr
    written = sorted(path.relative_to(place / "out").as_posix() for path in (place / "out").rglob("*") if path.is_file())
    assert written == ["a/clip.mp4", "a/x.jpg", "b/clip.mp4", "b/x.jpg", "one.jpg"]


def test_one_that_fails_does_not_stop_the_others(place: Path) -> None:
    (place / "out").mkdir()
    (place / "out" / "a").write_text("in the way of a folder", encoding="utf-8")
    done = facestream("run", "a/clip.mp4", "b", "-o", "out", "--model", "none", "--max-frames", "2", cwd=place)
    assert done.returncode == 0, done.stderr
    done = facestream("run", ".", "-o", "out", "--model", "none", "--overwrite", cwd=place)
    assert done.returncode == 1
    assert "out/a" in done.stderr
    assert (place / "out" / "b" / "clip.mp4").exists(), "it came after the one that failed"


def test_names_for_what_has_none() -> None:
    camera, again = SourceInfo("rtsp://me@host/stream?x=1", live=True), SourceInfo("0", live=True)
    assert plan_outputs([camera, again, again], Path("out"), [None] * 3) == [
        Path("out/me-host-stream.mp4"),
        Path("out/0.mp4"),
        Path("out/0-2.mp4"),
    ]


def test_what_is_there_is_kept_unless_told(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"dear")
    info = SourceInfo("clip.mp4", path=tmp_path / "clip.mp4")
    with pytest.raises(UsageError, match="exists already; add --overwrite"):
        check_outputs([info], [path], [], overwrite=False)
    check_outputs([info], [path], [], overwrite=True)
