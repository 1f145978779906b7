"""A camera that records day and night: pieces of equal length, named by UTC, each closed and playable."""

from __future__ import annotations

import signal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.errors import SinkError
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.segments import SegmentedSink
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from tests.command import facestream, running
from tests.media import ffprobe_times, make_clip, picture, rtsp_server
from tests.waiting import wait_for

OFF = ("--model", "none", "--set", "detector.enabled=false")
CAMERA = SourceInfo("camera", live=True, rate=Fraction(10))
EIGHT_O_CLOCK = 1_795_593_600.0  # 2026-11-25 08:00:00 UTC


def results(seconds: float, begin: float = 0.0) -> list[Result]:
    """A camera of 10 frames/s."""
    tenth = Fraction(1, 10)

    def frame(number: int) -> Frame:
        at_s, pts = begin + number / 10, number + round(10 * begin)
        return Frame.of_image(picture(number), source="camera", captured_at=at_s, index=number, pts=pts, time_base=tenth)

    return [Result(frame(number), Analysis("camera", number, 0.0), CAMERA) for number in range(round(10 * seconds))]


def test_pieces_end_with_the_clock_and_lose_no_picture(tmp_path: Path):
    sink = SegmentedSink(tmp_path / "door.mp4", CAMERA, OutputSettings(segment_minutes=0.05), offset_s=lambda: EIGHT_O_CLOCK + 1)
    for result in results(6):
        sink.write(result)
    before_the_end = sorted(tmp_path.iterdir())
    assert [len(ffprobe_times(path)) for path in before_the_end[:2]] == [20, 30], "closed while the next is written"
    sink.close()
    sink.close()
    pieces = sorted(tmp_path.iterdir())
    assert [path.name for path in pieces] == [f"door-20261125T0800{second}Z.mp4" for second in ("01", "03", "06")]
    assert [len(ffprobe_times(path)) for path in pieces] == [20, 30, 10]
    assert ffprobe_times(pieces[1]) == pytest.approx([n / 10 for n in range(30)], abs=1e-5)
    assert sink.notes == ["camera: recorded in 3 pieces named by their begin in UTC."]


def test_two_runs_of_one_camera_never_meet_in_a_file(tmp_path: Path):
    """As after a machine was cut off from the others: both record on."""
    sinks = [
        SegmentedSink(tmp_path / "door.mp4", CAMERA, OutputSettings(segment_minutes=1), run=run, offset_s=lambda: EIGHT_O_CLOCK)
        for run in ("abcd", "efgh")
    ]
    for result in results(1):
        for sink in sinks:
            sink.write(result)
    for sink in sinks:
        sink.close()
    pieces = sorted(tmp_path.iterdir())
    assert [path.name for path in pieces] == ["door-20261125T080000Z-abcd.mp4", "door-20261125T080000Z-efgh.mp4"]
    assert [len(ffprobe_times(path)) for path in pieces] == [10, 10]


def test_what_came_since_it_was_begun_is_not_replaced(tmp_path: Path):
    sink = VideoSink(tmp_path / "door.mp4", CAMERA, OutputSettings())
    (tmp_path / "door.mp4").write_text("somebody else's")
    with pytest.raises(SinkError, match="File exists"):
        sink.write(results(1)[0])
    sink.close()
    assert (tmp_path / "door.mp4").read_text() == "somebody else's"


def test_hours_without_a_picture_leave_no_empty_piece(tmp_path: Path):
    sink = SegmentedSink(tmp_path / "door.mkv", CAMERA, OutputSettings(segment_minutes=1), offset_s=lambda: EIGHT_O_CLOCK)
    for result in results(1) + results(1, begin=7200):
        sink.write(result)
    sink.close()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["door-20261125T080000Z.mkv", "door-20261125T100000Z.mkv"]


def test_a_piece_ends_with_its_time_though_its_camera_is_away(tmp_path: Path):
    now = [0.0]
    sink = SegmentedSink(
        tmp_path / "door.mp4", CAMERA, OutputSettings(segment_minutes=1), offset_s=lambda: EIGHT_O_CLOCK, clock=lambda: now[0]
    )
    for result in results(2):
        sink.write(result)
    now[0] = 62.0
    sink.idle()
    for result in results(1, begin=59):
        sink.write(result)
    now[0] = 65.5
    sink.idle()
    (piece,) = tmp_path.iterdir()
    assert len(ffprobe_times(piece)) == 30, "closed already"
    size = piece.stat().st_size
    for result in results(1, begin=200):
        sink.write(result)
    sink.close()
    assert piece.stat().st_size == size
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["door-20261125T080000Z.mp4", "door-20261125T080320Z.mp4"]


def test_a_clock_set_back_neither_overwrites_nor_shreds(tmp_path: Path):
    offsets = iter([EIGHT_O_CLOCK] * 10 + [EIGHT_O_CLOCK - 3600] * 10)
    sink = SegmentedSink(tmp_path / "door.mp4", CAMERA, OutputSettings(segment_minutes=1), offset_s=lambda: next(offsets))
    for result in results(2):
        sink.write(result)
    sink.close()
    (tmp_path / "kept.mp4").write_bytes((tmp_path / "door-20261125T080000Z.mp4").read_bytes())
    again = SegmentedSink(tmp_path / "door.mp4", CAMERA, OutputSettings(segment_minutes=1), offset_s=lambda: EIGHT_O_CLOCK)
    for result in results(1):
        again.write(result)
    again.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["door-20261125T080000Z-2.mp4", "door-20261125T080000Z.mp4", "kept.mp4"]
    assert len(ffprobe_times(tmp_path / "door-20261125T080000Z.mp4")) == 20


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SinkError, match="cannot be written"):
        SegmentedSink(tmp_path / "file" / "door.mp4", CAMERA, OutputSettings(segment_minutes=1))


@pytest.mark.slow
def test_a_camera_is_recorded_in_pieces(tmp_path: Path):
    with rtsp_server() as server:
        done = facestream(
            "run", server.address, "-o", tmp_path / "door.mp4", "--segment", "0.05", "--duration", "7.5", "--no-window",
            "--model", "none", "--set", "detector.enabled=false",
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pieces = sorted(tmp_path.iterdir())
    assert len(pieces) >= 2
    assert all(path.name.startswith("door-20") and path.name.endswith("Z.mp4") for path in pieces), pieces
    counts = [len(ffprobe_times(path)) for path in pieces]
    assert sum(count > 3 for count in counts) >= len(counts) - 2, "the first and the last begin and end anywhere"
    assert sum(counts) > 30


@pytest.mark.slow
def test_a_killed_camera_s_piece_is_closed_and_a_file_of_the_recording_s_name_is_left_alone(tmp_path: Path):
    (tmp_path / "door.mp4").write_bytes(b"of yesterday")
    with (
        rtsp_server() as server,
        running("run", server.address, "-o", tmp_path / "door.mp4", "--segment", "0.05", "--no-window", *OFF) as process,
    ):
        wait_for(lambda: list(tmp_path.glob("door-*.mp4")))
        server.kill()
        wait_for(lambda: all(boxes(piece)[-1:] == ["moov"] for piece in tmp_path.glob("door-*.mp4")))  # one index, at its end: closed
        last = sorted(tmp_path.glob("door-*.mp4"))
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=20)
    assert process.returncode == 130, complaints
    assert (tmp_path / "door.mp4").read_bytes() == b"of yesterday"
    assert all(len(ffprobe_times(piece)) > 0 for piece in last)


def boxes(path: Path) -> list[str]:
    """The names of an MP4's outer boxes."""
    data, place, names = path.read_bytes(), 0, []
    while place + 8 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        names.append(data[place + 4 : place + 8].decode("latin-1"))
        place += size or len(data)
    return names


def test_pieces_need_a_place_and_a_camera(tmp_path: Path):
    clip = make_clip(tmp_path / "clip.mp4", images=[np.zeros((240, 320, 3), np.uint8)] * 3, times=range(3))
    done = facestream("run", clip, "--segment", "1")
    assert done.returncode == 2
    assert "name a place for it with -o" in done.stderr
    done = facestream("run", clip, "--segment", "1", "-o", tmp_path / "out.mp4")
    assert (done.returncode, done.stderr) == (
        2,
        f"facestream: {clip}: --segment cuts recordings of cameras, and this is none; leave it out.\n",
    )
    assert not (tmp_path / "out.mp4").exists()
    done = facestream("run", clip, "--set", "output.segment_minutes=1", "-o", tmp_path / "out.mp4", *OFF)
    assert done.returncode == 0, "the settings may be those of cameras"
