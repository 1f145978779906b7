"""What every sink promises, asked of every kind of sink. Those on a screen are asked in a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from stream.errors import SinkError
from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.events import EventsSink
from stream.sinks.picture import PictureSink
from stream.sinks.recording.segments import SegmentedSink
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sinks.sink import Sink
from stream.sinks.threaded import Threaded
from tests.disk import full_disk
from tests.left_behind import nothing_more_is_held
from tests.paths import ROOT
from tests.scripted import Kept

CAMERA = SourceInfo("camera", live=True)
SETTINGS = OutputSettings(segment_minutes=1)

KINDS: dict[str, Callable[[Path], Sink]] = {
    "mp4": lambda folder: VideoSink(folder / "out.mp4", CAMERA, SETTINGS),
    "mkv": lambda folder: VideoSink(folder / "out.mkv", CAMERA, SETTINGS),
    "webm": lambda folder: VideoSink(folder / "out.webm", CAMERA, SETTINGS),
    "segments": lambda folder: SegmentedSink(folder / "out.mp4", CAMERA, SETTINGS),
    "pictures": lambda folder: PictureSink(folder / "out", CAMERA, SETTINGS),
    "events": lambda folder: EventsSink(folder / "events.jsonl"),
    "events on stdout": lambda folder: EventsSink("-"),
    "threaded": lambda folder: Threaded(VideoSink(folder / "out.mp4", CAMERA, SETTINGS), source="camera"),
    "scripted": lambda folder: Kept(),
}
ON_A_DISK = [kind for kind in KINDS if kind not in ("events on stdout", "scripted")]  # stdout: test_events


def results(count: int, begin: int = 0) -> list[Result]:
    """What a camera gives: noise, and a face."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    face = Face(np.array([40, 40, 90, 100], np.float32), 0.99, np.full((5, 2), 60, np.float32))

    def frame(number: int) -> Frame:
        image = np.roll(noise, number, axis=1)
        return Frame.of_image(image, source=f"{number:03}.png", captured_at=float(number), index=number, pts=40 * number)

    frames = [frame(number) for number in range(begin, begin + count)]
    return [Result(frame, Analysis(frame.source, frame.index, frame.time_s, (face,)), CAMERA) for frame in frames]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Callable[[Path], Sink]:
    return KINDS[request.param]


def test_it_can_be_closed_any_number_of_times_and_nothing_more_is_held(make: Callable[[Path], Sink], tmp_path: Path) -> None:
    with nothing_more_is_held():
        sink = make(tmp_path)
        for result in results(5):
            sink.write(result)
        for _ in range(3):
            sink.close()
        assert all(isinstance(note, str) for note in sink.notes)
        assert len(sink.notes) == len(set(sink.notes)), "told once"


def test_one_that_gets_nothing_writes_nothing(make: Callable[[Path], Sink], tmp_path: Path) -> None:
    with nothing_more_is_held():
        sink = make(tmp_path)
        sink.close()
        sink.close()
    assert sink.notes == []
    assert not any(files(tmp_path).values())


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_after_its_end_is_refused_or_left_out(kind: str, tmp_path: Path) -> None:
    sink = KINDS[kind](tmp_path)
    for result in results(5):
        sink.write(result)
    sink.close()
    written = files(tmp_path)
    with nothing_more_is_held():
        with suppress(SinkError):
            sink.write(results(1, begin=5)[0])
        sink.close()
    assert files(tmp_path) == written


@pytest.mark.parametrize("kind", ON_A_DISK)
def test_a_full_disk_is_one_sentence_about_the_file(kind: str, tmp_path: Path) -> None:
    sink = KINDS[kind](tmp_path)
    with nothing_more_is_held(), full_disk(10_000), pytest.raises(SinkError) as failure:
        write_until_it_fails(sink)
    assert is_a_sentence(str(failure.value))
    assert str(tmp_path) in str(failure.value)
    assert "File too large" in str(failure.value), "in the system's words"
    sink.close()
    sink.close()


def write_until_it_fails(sink: Sink) -> None:
    try:
        for result in results(100):
            sink.write(result)
    finally:
        sink.close()


def is_a_sentence(text: str) -> bool:
    return re.fullmatch(r"[^\n]+\.", text) is not None


ON_A_SCREEN = """
import sys
from stream.sinks.screen.mosaic import Mosaic
from stream.sinks.screen.window import WindowSink
from tests.stream.sinks.test_sink_contract import CAMERA, results

def window():
    return WindowSink("camera"), lambda: None

def tile():
    mosaic = Mosaic([CAMERA])
    return mosaic.tiles[0], mosaic.refresh

for make in (window, tile):
    unused, refresh = make()
    unused.poll(), unused.close(), unused.close()
    sink, refresh = make()
    for result in results(5):
        sink.write(result), refresh(), sink.show_stale(result), sink.poll()
    sink.close(), sink.close()
    sink.write(results(1)[0]), sink.show_stale(results(1)[0]), sink.poll()
    assert sink.notes == unused.notes == []
    print(make.__name__, "kept its promises", flush=True)
"""


def test_those_on_a_screen_close_any_number_of_times_and_show_nothing_afterwards(screen: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "WAYLAND_DISPLAY"} | {"DISPLAY": screen}
    done = subprocess.run(
        [sys.executable, "-c", ON_A_SCREEN], capture_output=True, text=True, timeout=60, env=environment, cwd=ROOT, check=False
    )
    assert (done.stdout, done.stderr) == ("window kept its promises\ntile kept its promises\n", "")
