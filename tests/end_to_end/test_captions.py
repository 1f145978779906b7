"""Closed captions, which broadcasts have in each picture, come along, with faces drawn or without."""

from __future__ import annotations

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.faces import Analysis, Face
from stream.media import av
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sources.opening import open_source
from tests.media import need, picture

FACE = Face(np.array([20, 20, 60, 70], np.float32), 0.9, np.full((5, 2), 40, np.float32), track=1)
COUNT = 20


def captions(number: int) -> bytes:
    """Two bytes of caption, other ones for each picture, as H.264 carries them (ATSC A/53 part 4, 6.2.3)."""
    message = b"\xb5\x00\x31GA94\x03" + bytes([0x41, 0xFF, 0xFC, 0x80 + number, 0x41, 0xFF])
    return b"\0\0\0\1\x06\x04" + bytes([len(message)]) + message + b"\x80"


def captioned(path: Path, quarter_turns: int = 0) -> Path:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt, context.time_base = 320, 240, "yuv420p", Fraction(1, 25)
    context.options = {"preset": "ultrafast", "bf": "0"}
    frames = [av.VideoFrame.from_ndarray(picture(number), format="rgb24") for number in range(COUNT)]
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, Fraction(1, 25)
    units = [bytes(packet) for frame in [*frames, None] for packet in context.encode(frame)]
    assert len(units) == COUNT
    first_slice = re.compile(rb"\0?\0\0\x01[\x65\x41\x61\x25\x45]")
    places = [found.start() for unit in units if (found := first_slice.search(unit))]
    raw = path.with_suffix(".h264")
    raw.write_bytes(b"".join(unit[:at] + captions(n) + unit[at:] for n, (unit, at) in enumerate(zip(units, places, strict=True))))
    turned = ["-metadata:s:v", f"rotate={90 * quarter_turns}"] if quarter_turns else []
    subprocess.run([need("ffmpeg"), "-v", "error", "-y", "-r", "25", "-i", raw, "-c", "copy", *turned, path], check=True)
    return path


def captions_in(path: Path) -> list[bytes]:
    """Those of each picture that has some."""
    with av.open(str(path)) as container:
        return [bytes(frame.side_data["A53_CC"]) for frame in container.decode(video=0) if "A53_CC" in frame.side_data]


def written(path: Path, out: Path, *faces: Face) -> VideoSink:
    source = open_source(path)
    sink = VideoSink(out, source.info, OutputSettings())
    for frame in source:
        sink.write(Result(frame, Analysis(frame.source, frame.index, frame.time_s, faces), source.info))
    sink.close()
    return sink


@pytest.mark.parametrize("faces", [(), (FACE,)], ids=["no face", "a face"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_captions_come_along(tmp_path: Path, faces: tuple[Face, ...], suffix: str):
    path, out = captioned(tmp_path / "in.mp4"), tmp_path / f"out{suffix}"
    said = captions_in(path)
    assert said == [bytes([0xFC, 0x80 + number, 0x41]) for number in range(COUNT)]
    assert written(path, out, *faces).notes == []
    assert captions_in(out) == said


@pytest.mark.parametrize("turns", [1, 2])
def test_also_in_a_turned_video_which_is_not_turned_again(tmp_path: Path, turns: int):
    path, out = captioned(tmp_path / "in.mp4", turns), tmp_path / "out.mp4"
    written(path, out, FACE)
    assert captions_in(out) == captions_in(path)
    with av.open(str(out)) as container:
        frame = next(container.decode(video=0))
    assert frame.rotation == 0
    assert (frame.width, frame.height) == ((240, 320) if turns == 1 else (320, 240))


def test_what_is_drawn_is_the_same_with_captions_and_without(tmp_path: Path):
    path, plain = captioned(tmp_path / "in.mp4"), tmp_path / "plain.mp4"
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", path, "-c", "copy", "-bsf:v", "filter_units=remove_types=6", plain], check=True)
    assert captions_in(plain) == []
    outs = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for source, out in zip((path, plain), outs, strict=True):
        written(source, out, FACE)
    images = []
    for out in outs:
        with av.open(str(out)) as container:
            images.append(np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]))
    assert np.array_equal(*images)


def test_webm_has_no_place_for_them(tmp_path: Path):
    path = captioned(tmp_path / "in.mp4")
    assert written(path, tmp_path / "out.webm", FACE).notes == [f"{path}: its closed captions do not fit into WebM; left out."]
