"""Recorded pictures: only what is drawn changes, and shape, colours and orientation stay. Judged by ffprobe and ffmpeg."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.frame import SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from stream.sources.opening import open_source
from tests.media import make_clip
from tests.recorded import FACE, ffmpeg, ffprobe, frame_times, processed, result_of, streams
from tests.scripted import camera_results


def luma(path: Path, width: int, height: int) -> np.ndarray:
    """(N, height, width) uint8: the brightness of each frame, as FFmpeg decodes it."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    raw = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8)
    return raw.reshape(-1, height * 3 // 2, width)[:, :height]


@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p"])
def test_only_what_is_drawn_changes_a_pixel(tmp_path: Path, pixels: str):
    path = tmp_path / "in.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=1", "-pix_fmt", pixels, "-c:v", "libx264", path)
    processed(path, tmp_path / "out.mkv", FACE, settings=OutputSettings(crf=0))  # lossless, so that any difference is the program's
    before, after = luma(path, 160, 120), luma(tmp_path / "out.mkv", 160, 120)
    assert len(before) == len(after) == 10
    differs = (before != after).any(axis=0)
    assert differs[18:24, 30:50].mean() > 0.5, "the box's upper side"
    assert not differs[:, 66:].any()
    assert not differs[76:].any()
    assert not differs[30:38, 26:54].any(), "nor inside the box, above the landmarks"


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_video_with_a_face_is_the_input_turned_and_nothing_else(tmp_path: Path, turns: int):
    path = make_clip(tmp_path / "in.mp4", times=range(5), size=(160, 120), quarter_turns=turns)
    source = open_source(str(path))
    sink = VideoSink(tmp_path / "out.mkv", source.info, OutputSettings(crf=0))
    for frame in source:
        sink.write(result_of(frame, source.info, FACE))
    sink.close()
    size = (120, 160) if turns % 2 else (160, 120)
    before, after = luma(path, *size), luma(tmp_path / "out.mkv", *size)
    assert len(before) == len(after) == 5
    assert not (before != after)[:, 76:].any()
    assert (before != after)[:, 15:25].any()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_the_shape_of_pixels_and_what_the_file_says_of_itself_are_kept(tmp_path: Path, suffix: str):
    path, out = tmp_path / "in.mkv", tmp_path / f"out{suffix}"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=0.5,setsar=16/15", "-f", "lavfi", "-i", "sine=duration=0.5",
        "-f", "lavfi", "-i", "sine=f=900:duration=0.5", "-map", "0", "-map", "1", "-map", "2", "-pix_fmt", "yuv420p",
        "-metadata", "title=Grüße", "-metadata", "artist=Anna", "-metadata:s:v:0", "language=ger", "-metadata:s:a:1", "language=fra", path,
    )  # fmt: skip
    source = open_source(str(path))
    sink = VideoSink(out, source.info, OutputSettings())
    for frame in source:
        sink.write(result_of(frame, source.info, FACE))
    sink.close()
    picture, sounds = streams(out, "v")[0], streams(out, "a")
    if suffix == ".webm":
        assert any("its pixels are 16/15 as wide as high; in WebM they are shown as squares" in note for note in sink.notes)
    else:
        assert picture["sample_aspect_ratio"] == "16:15"
    tags = {key.lower(): value for key, value in ffprobe(out, "-show_format")["format"]["tags"].items()}
    assert (tags["title"], tags["artist"]) == ("Grüße", "Anna")
    assert picture["tags"]["language"] == "ger"
    assert [sound.get("tags", {}).get("language", "und") for sound in sounds] == ["und", "fra"]


def test_pixels_of_a_turned_video_are_turned_too(tmp_path: Path):
    flat, path = make_clip(tmp_path / "flat.mp4", times=range(5), quarter_turns=1), tmp_path / "in.mp4"
    ffmpeg("-i", flat, "-c", "copy", "-bsf:v", "h264_metadata=sample_aspect_ratio=4/3", path)
    source = open_source(str(path))
    assert source.info.pixel_aspect == Fraction(3, 4)


@pytest.mark.parametrize(
    ("matrix", "full"), [("bt709", False), ("smpte170m", False), ("bt709", True)], ids=["bt709", "bt601", "bt709 full range"]
)
def test_colours_and_their_tags_stay(tmp_path: Path, matrix: str, full: bool):
    path = tmp_path / "in.mp4"
    size_range = "pc" if full else "tv"
    ffmpeg(
        "-f", "lavfi", "-i", "color=c=0xC03020:size=160x120:rate=10:duration=0.5,format=rgb24",
        "-vf", f"scale=out_color_matrix={matrix}:out_range={size_range},format={'yuvj420p' if full else 'yuv420p'}",
        "-colorspace", matrix, "-color_primaries", matrix, "-color_trc", matrix, "-color_range", size_range, "-c:v", "libx264",
        "-crf", "5", path,
    )  # fmt: skip
    processed(path, tmp_path / "out.mp4", replace(FACE, box=np.array([2, 2, 20, 20], np.float32)))  # a face, so that it goes through RGB
    before, after = streams(path, "v")[0], streams(tmp_path / "out.mp4", "v")[0]
    tags = ("color_space", "color_range", "color_primaries", "color_transfer")
    assert {tag: after.get(tag) for tag in tags} == {tag: before.get(tag) for tag in tags}
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "out.mp4"), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8).reshape(120, 160, 3)
    assert pixels[80:110, 60:150].mean(axis=(0, 1)) == pytest.approx((0xC0, 0x30, 0x20), abs=4)


def test_odd_sizes_grow_by_a_pixel(tmp_path: Path):
    sink = VideoSink(tmp_path / "out.mp4", SourceInfo("camera", live=True), OutputSettings())
    for result in camera_results(5, size=(121, 163)):
        sink.write(result)
    sink.close()
    stream = streams(tmp_path / "out.mp4", "v")[0]
    assert (stream["width"], stream["height"], stream["nb_frames"]) == (164, 122, "5")


def test_a_camera_that_comes_back_with_another_size_is_fitted_into_the_first(tmp_path: Path):
    sink = VideoSink(tmp_path / "out.mp4", SourceInfo("camera", live=True), OutputSettings())
    for result in camera_results(5, size=(120, 160)):
        sink.write(result)
    for result in camera_results(5, size=(240, 640), pts=90_000_000 + 10 * 90_000):
        sink.write(result)
    sink.close()
    stream = streams(tmp_path / "out.mp4", "v")[0]
    assert (stream["width"], stream["height"], stream["nb_frames"]) == (160, 120, "10")
    assert frame_times(tmp_path / "out.mp4")[5] == pytest.approx(10.0, abs=0.001)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "out.mp4"), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    last = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8).reshape(-1, 120, 160)[-1]
    assert last[:25].mean() < 10
    assert last[35:85].mean() > 60
