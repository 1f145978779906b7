"""What a file has beside pictures and sound comes along where the output can hold it, and is named where it cannot."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command import facestream
from tests.media import make_clip, need

OFF = ("--model", "none", "--set", "detector.enabled=false")

SUBTITLES = "1\n00:00:00,500 --> 00:00:01,500\nHello\n\n2\n00:00:02,000 --> 00:00:03,000\nWorld\n"
CHAPTERS = ";FFMETADATA1\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={start + 2000}\ntitle={title}\n" for start, title in ((0, "One"), (2000, "Two"))
)


def ffmpeg(*words: object) -> None:
    subprocess.run([need("ffmpeg"), "-v", "error", "-y", *map(str, words)], check=True)


def asked(path: Path, *words: str) -> dict:
    command = [need("ffprobe"), "-v", "error", "-of", "json", *words, str(path)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def chapters(path: Path) -> list[tuple[float, float, str]]:
    return [(float(one["start_time"]), float(one["end_time"]), one["tags"]["title"]) for one in asked(path, "-show_chapters")["chapters"]]


def packets(path: Path, stream: str) -> list[tuple[float, int]]:
    """Time and size of each packet. What subtitles of MP4 say between the texts is left out: two bytes, nothing to read."""
    found = asked(path, "-select_streams", stream, "-show_packets")["packets"]
    return [(float(one["pts_time"]), int(one["size"])) for one in found if int(one["size"]) > 2]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds with sound, subtitles in English and two chapters."""
    folder = tmp_path_factory.mktemp("film")
    (folder / "a.srt").write_text(SUBTITLES, encoding="utf-8")
    (folder / "chapters.txt").write_text(CHAPTERS, encoding="utf-8")
    clip = make_clip(folder / "clip.mp4", times=range(100))
    ffmpeg(
        "-i", clip, "-f", "lavfi", "-i", "sine=duration=4", "-i", folder / "a.srt", "-i", folder / "chapters.txt", "-map", "0", "-map", "1",
        "-map", "2", "-map_chapters", "3", "-metadata:s:s:0", "language=eng", "-c:v", "copy", "-c:a", "aac", "-c:s", "srt",
        folder / "in.mkv",
    )  # fmt: skip
    return folder / "in.mkv"


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".webm"])
def test_subtitles_and_chapters_are_copied(film: Path, tmp_path: Path, suffix: str):
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    codecs = {".mkv": ["-c", "copy"], ".webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus", "-c:s", "webvtt"]}
    ffmpeg("-i", film, "-map", "0", *codecs.get(suffix, ["-c", "copy", "-c:s", "mov_text"]), path)
    done = facestream("run", path, "-o", out, *OFF)
    assert (done.returncode, done.stderr) == (0, "")
    assert chapters(out) == chapters(path) == [(0.0, 2.0, "One"), (2.0, 4.0, "Two")]
    assert packets(out, "s:0") == packets(path, "s:0")
    assert len(packets(out, "s:0")) == 2
    assert asked(out, "-select_streams", "s:0", "-show_streams")["streams"][0]["tags"]["language"] == "eng"
    assert packets(out, "a:0") == packets(path, "a:0")


def test_what_cannot_come_along_is_named(film: Path, tmp_path: Path):
    Image.fromarray(np.full((60, 60, 3), 200, np.uint8)).save(tmp_path / "cover.png")
    path = tmp_path / "in.mkv"
    ffmpeg(
        "-i", film, "-map", "0", "-map", "0:v", "-c", "copy", "-attach", tmp_path / "cover.png", "-metadata:s:t", "mimetype=image/png", path
    )
    done = facestream("run", path, "-o", tmp_path / "out.mp4", *OFF)
    assert done.returncode == 0
    told = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "left out" in line)
    for what in ("its srt subtitles do not fit into mp4; left out", "a video stream is left out", "a cover picture is left out"):
        assert what in told
    assert chapters(tmp_path / "out.mp4") == chapters(path)


def test_streams_of_data_are_named(data_dir: Path, tmp_path: Path):
    path = data_dir / "video" / "odd_containers" / "streamio_file_with_data_streams.mp4"
    done = facestream("run", path, "-o", tmp_path / "out.mp4", *OFF)
    assert f"{path}: 4 data streams are left out." in done.stdout + done.stderr


def test_interlaced_lines_stay_with_a_note(tmp_path: Path):
    path, out = tmp_path / "in.mkv", tmp_path / "out.mkv"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=50:duration=1", "-vf", "interlace", "-pix_fmt", "yuv420p",
        "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-q:v", "2", path,
    )  # fmt: skip
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0
    assert f"{path}: is interlaced; its lines are kept as they are" in done.stdout + done.stderr
    assert len(packets(out, "v")) == len(packets(path, "v")) == 25


def test_sound_with_a_gap_keeps_its_times(tmp_path: Path):
    path, out = tmp_path / "in.mp4", tmp_path / "out.mp4"
    clip = make_clip(tmp_path / "clip.mp4", times=range(100))
    ffmpeg(
        "-i", clip, "-f", "lavfi", "-i", "sine=duration=4", "-af", "aselect='not(between(t,1,3))'", "-map", "0:v", "-map", "1:a",
        "-c:v", "copy", "-c:a", "aac", path,
    )  # fmt: skip
    done = facestream("run", path, "-o", out, *OFF)
    assert (done.returncode, done.stderr) == (0, "")
    assert packets(out, "a") == packets(path, "a")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_chapter_with_an_impossible_time_is_named(tmp_path: Path, suffix: str):
    """MP4's muxer aborts the program where chapters are too far apart."""
    path, out = tmp_path / "in.mkv", tmp_path / f"out{suffix}"
    spans = [(0, 500), (500, 2000), (4_000_000_000, 90_000_000_000)]
    lines = [f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={start}\n" for start, end in spans]
    (tmp_path / "chapters.txt").write_text(";FFMETADATA1\n" + "".join(lines))
    ffmpeg(
        "-i", make_clip(tmp_path / "clip.mp4", times=range(50)), "-i", tmp_path / "chapters.txt", "-map_chapters", "1", "-c", "copy", path
    )
    done = facestream("run", path, "-o", out, *OFF)
    assert done.returncode == 0, done.stderr
    assert "has an impossible time; left out" in done.stderr
    assert [(start, title) for start, _, title in chapters(out)] == [(0.0, "0"), (0.5, "500")]
