"""A camera that was away for hours or days: its recording goes on, with a gap as long as that."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from tests.media import ffprobe, need


def frame(number: int, time_s: float, time_base: Fraction) -> Frame:
    image = np.full((120, 160, 3), 5 * number % 255, np.uint8)
    return Frame.of_image(image, source="camera", index=number, pts=round(time_s / time_base), time_base=time_base, captured_at=time_s)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize(("hours", "time_base"), [(7, Fraction(1, 90_000)), (100, Fraction(1, 90_000)), (1, Fraction(1, 10_000_000))])
def test_a_gap_of_hours_stays_one(tmp_path: Path, suffix: str, hours: int, time_base: Fraction):
    """MP4 holds no step of 2^31 ticks: 6.6 hours of a camera's."""
    out, info = tmp_path / f"out{suffix}", SourceInfo("camera", live=True)
    sink = VideoSink(out, info, OutputSettings())
    times = [number / 25 + (3600 * hours if number >= 25 else 0) for number in range(50)]
    for number, time_s in enumerate(times):
        one = frame(number, time_s, time_base)
        sink.write(Result(one, Analysis("camera", number, one.time_s), info))
    sink.close()
    assert sink.notes == []
    shown = [float(one["pts_time"]) for one in ffprobe(out, "-show_entries", "packet=pts_time")["packets"]]
    assert shown[:25] == pytest.approx(times[:25], abs=0.001)
    assert shown[-25:] == pytest.approx(times[25:], abs=0.001)
    assert len(shown) < 150, "the last picture before the gap is shown again, as often as it must be"
    strict = [
        need("ffmpeg"),
        "-v",
        "error",
        "-xerror",
        "-i",
        str(out),
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
    ]
    pictures = np.frombuffer(subprocess.run(strict, capture_output=True, check=True).stdout, np.uint8).reshape(len(shown), -1)
    assert np.abs(pictures[25:-25].mean(axis=1) - pictures[24].mean()).max(initial=0) < 2


def test_a_camera_that_is_back_for_one_picture_does_not_last_as_long_as_it_was_away(tmp_path: Path):
    out, info = tmp_path / "out.mp4", SourceInfo("camera", live=True)
    sink = VideoSink(out, info, OutputSettings())
    for number, time_s in enumerate([0, 0.04, 0.08, 3600]):
        one = frame(number, time_s, Fraction(1, 90_000))
        sink.write(Result(one, Analysis("camera", number, one.time_s), info))
    sink.close()
    assert float(ffprobe(out, "-show_format")["format"]["duration"]) == pytest.approx(3600, abs=1.1)
