"""Special hardware encodes where it works and is as good; elsewhere libx264 does, and whoever asks is told why."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import pytest

from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.encoders import Encoder
from stream.sinks.recording.hardware import CODECS, h264_codecs, trial, why_not
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from tests.command import facestream, is_one_sentence
from tests.media import ffprobe, ffprobe_times, make_clip, picture

OFF = ("--model", "none", "--set", "detector.enabled=false")


@pytest.fixture
def absent() -> str:
    """An encoder that does not work on this machine."""
    codec = next((codec for codec in CODECS if why_not(codec)), None)
    if codec is None:
        pytest.skip("all special hardware there is works here")
    return codec


def test_an_encoder_is_tried_with_real_pictures():
    assert trial(Encoder("libx264", {"qp": "20", "bf": "0"})) == ""
    assert trial(Encoder("libx264", {"qp": "20", "bf": "0"}, pixels="nv12")) == ""
    assert "40 are needed" in trial(Encoder("libx264", {"qp": "34", "bf": "0"}))


def test_what_does_not_work_is_left_alone_and_the_reason_is_logged(absent: str, caplog: pytest.LogCaptureFixture):
    why_not.cache_clear()
    with caplog.at_level(logging.INFO, "stream.sinks.recording.hardware"):
        codecs = h264_codecs(OutputSettings())
    assert absent not in codecs
    assert codecs[-1] == "libx264"
    assert any(record.getMessage().startswith(f"{absent}: ") for record in caplog.records)
    assert h264_codecs(OutputSettings(encoder="libx264")) == h264_codecs(OutputSettings(crf=0)) == ("libx264",)


def test_asked_for_by_name_it_is_refused_in_one_sentence(absent: str, tmp_path: Path):
    clip, out = make_clip(tmp_path / "clip.mp4"), tmp_path / "out.mp4"
    done = facestream("run", clip, "-o", out, *OFF, "--set", f"output.encoder={absent}")
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert f"{absent} cannot be used here: {why_not(absent)}; take auto or libx264" in done.stderr
    assert not out.exists()


def test_hardware_that_fails_when_it_is_needed_is_left_alone_too(absent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As when all its sessions are taken, or pictures are larger than it can."""
    info = SourceInfo("camera", live=True, rate=Fraction(25))
    monkeypatch.setattr("stream.sinks.recording.video.h264_codecs", lambda settings: (absent, "libx264"))  # it worked a moment ago
    sink = VideoSink(tmp_path / "out.mp4", info, OutputSettings())
    for number in range(5):
        frame = Frame.of_image(picture(number), source="camera", captured_at=0.0, index=number, pts=number, time_base=Fraction(1, 25))
        sink.write(Result(frame, Analysis("camera", number, 0.0), info))
    sink.close()
    assert len(ffprobe_times(tmp_path / "out.mp4")) == 5
    assert ffprobe(tmp_path / "out.mp4", "-show_entries", "stream=codec_name")["streams"][0]["codec_name"] == "h264"


@pytest.mark.slow
def test_the_doctor_names_each(tmp_path: Path):
    (line,) = (line for line in facestream("doctor", cwd=tmp_path).stdout.splitlines() if " encoders " in line)
    used = h264_codecs(OutputSettings())[0]
    assert f"H.264 is encoded by {used}" in line
    assert all(f"{codec}: {why_not(codec)}" in line for codec in CODECS if why_not(codec))
