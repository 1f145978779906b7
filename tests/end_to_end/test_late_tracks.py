"""A track that begins late, or never, neither keeps the pictures off the disk nor changes what follows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.command import facestream
from tests.end_to_end.test_killed_runs_play import recorded, times_of
from tests.media import need, packets_of

pytestmark = pytest.mark.slow

OFF = ("--model", "none", "--set", "detector.enabled=false")
PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25:duration=12")
ENCODED = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def ffmpeg(*words: object) -> None:
    subprocess.run([need("ffmpeg"), "-v", "error", "-y", *map(str, words)], check=True)


def late(path: Path, codec: str) -> None:
    ffmpeg(*PICTURES, "-itsoffset", "9", "-f", "lavfi", "-i", "sine=duration=2", *ENCODED, "-c:a", codec, path)


def never(path: Path) -> None:
    ffmpeg(*PICTURES, "-f", "lavfi", "-i", "sine=duration=2", *ENCODED, "-c:a", "aac", "-af", "aselect=0", path)


def late_subtitle(path: Path) -> None:
    (path.parent / "a.srt").write_text("1\n00:00:09,500 --> 00:00:10,500\nHello\n")
    ffmpeg(
        *PICTURES, "-f", "lavfi", "-i", "sine=duration=12", "-i", path.parent / "a.srt", "-c:s", "mov_text", *ENCODED, "-c:a", "aac", path
    )


def untitled_chapters(path: Path) -> None:
    (path.parent / "chapters.txt").write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\n")
    ffmpeg(*PICTURES, "-i", path.parent / "chapters.txt", "-map_chapters", "1", *ENCODED, path)


KINDS = {
    "late.mkv": lambda path: late(path, "aac"),
    "late.avi": lambda path: late(path, "mp3"),
    "late.ts": lambda path: late(path, "ac3"),
    "never.mkv": never,
    "subtitle.mp4": late_subtitle,
    "chapters.mkv": untitled_chapters,
}


@pytest.mark.parametrize("name", KINDS)
def test_a_kill_costs_a_second_at_most(tmp_path: Path, name: str):
    path, out = tmp_path / name, tmp_path / "out.mp4"
    KINDS[name](path)
    assert recorded(path, [out], most=125) == 125
    assert len(times_of(out)) >= 100


def loudness(path: Path) -> list[float]:
    """The largest sample of each half second, 0..1."""
    command = [need("ffmpeg"), "-v", "error", "-i", str(path), "-map", "0:a", "-f", "f32le", "-ac", "1", "-ar", "8000", "-"]
    samples = memoryview(subprocess.run(command, capture_output=True, check=True).stdout).cast("f")
    return [max(samples[begin : begin + 4000]) for begin in range(0, len(samples), 4000)]


@pytest.mark.parametrize("name", ["late.mkv", "late.ts"])
def test_sound_that_begins_late_is_preceded_by_silence_with_a_note(tmp_path: Path, name: str):
    path, out = tmp_path / name, tmp_path / "out.mp4"
    KINDS[name](path)
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0
    assert "sound begins late; silence is put before it" in done.stderr
    heard = loudness(out)
    assert max(heard[:17]) < 0.01
    assert min(heard[19:21]) > 0.05
    assert len(times_of(out)) == 300


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_its_packets_and_their_times_stay(tmp_path: Path, suffix: str):
    path, out = tmp_path / "late.mkv", tmp_path / f"out{suffix}"
    KINDS["late.mkv"](path)
    facestream("run", path, "-o", out, *OFF)
    before, after = packets_of(path, "a:0"), packets_of(out, "a:0")
    assert [content for _, content in after[-len(before) :]] == [content for _, content in before]
    assert [time_s for time_s, _ in after[-len(before) :]] == pytest.approx([time_s for time_s, _ in before], abs=0.001)


def test_sound_that_never_comes_is_named(tmp_path: Path):
    path, out = tmp_path / "never.mkv", tmp_path / "out.mp4"
    never(path)
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0
    assert f"{path}: its aac sound is empty; left out." in done.stderr
    assert len(times_of(out)) == 300
