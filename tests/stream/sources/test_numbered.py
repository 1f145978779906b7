"""Numbered pictures are one video, at the rate that the user says."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.errors import SourceError
from stream.settings.loading import load_settings
from stream.sources.opening import open_source
from tests.command import facestream
from tests.media import ffprobe_times, picture


def pictures(folder: Path, *names: str) -> Path:
    """Picture n shows `media.picture(n)`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.fromarray(picture(number)).save(folder / name)
    return folder


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("img%03d.png", ["img007.png", "img008.png", "img009.png", "img1010.png"]),
        ("%d.png", ["8.png", "9.png", "10.png", "100.png"]),
        ("a%db.jpg", ["a1b.jpg", "a02b.jpg", "a3b.jpg", "a4b.jpg"]),
    ],
)
def test_they_come_in_the_order_of_their_numbers(tmp_path: Path, pattern: str, names: list[str]) -> None:
    pictures(tmp_path, *names)
    pictures(tmp_path, "other.png", "img12.png", "xa1b.jpg")
    source = open_source(tmp_path / pattern, load_settings(overrides=["source.rate=29.97"]).source)
    frames = list(source)
    assert (source.info.still, source.info.width, source.info.height, source.info.frames) == (False, 320, 240, 4)
    assert [frame.pts * frame.time_base for frame in frames] == [number * Fraction(100, 2997) for number in range(4)]
    for frame in frames:
        assert np.abs(frame.image.astype(int) - picture(frame.index)).mean() < 4
    assert len(list(source)) == 4, "again"


def test_a_gap_and_a_damaged_picture_are_told_and_the_others_come(tmp_path: Path) -> None:
    pictures(tmp_path, "1.png", "2.png", "4.png")
    (tmp_path / "3.png").write_text("no picture")
    (tmp_path / "9.png").write_bytes((tmp_path / "1.png").read_bytes())
    source = open_source(tmp_path / "%d.png")
    assert [frame.time_s for frame in source] == pytest.approx([0, 0.04, 0.08, 0.12])
    assert source.status.notes == [
        f"{tmp_path}/%d.png: 4 numbers between 1 and 9 are missing; the pictures follow each other without a pause."
    ]
    assert len(source.status.failures) == 1
    assert str(tmp_path / "3.png") in source.status.failures[0]
    with pytest.raises(SourceError, match="there is no picture whose name fits this pattern"):
        open_source(tmp_path / "none%d.png")


def test_they_become_a_video(tmp_path: Path) -> None:
    pictures(tmp_path / "frames", "img001.png", "img002.png", "img003.png")
    blind = ("--set", "detector.enabled=false")
    done = facestream("run", "frames/img%03d.png", "--rate", "10", "-o", "out.mp4", *blind, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert ffprobe_times(tmp_path / "out.mp4") == pytest.approx([0, 0.1, 0.2])
    again = facestream("run", "frames/img%03d.png", "-o", "out/", *blind, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert ffprobe_times(*(tmp_path / "out").iterdir()) == pytest.approx([0, 0.04, 0.08])
    over = facestream("run", "frames/img%03d.png", "--events", "frames/img002.png", "--overwrite", *blind, cwd=tmp_path)
    assert (over.returncode, "this is an input" in over.stderr) == (2, True)
