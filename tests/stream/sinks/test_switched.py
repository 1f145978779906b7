"""A recording that is ended and begun anew while the run goes on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stream.deadline import Deadline
from stream.errors import SinkError
from stream.settings.schema import OutputSettings
from stream.sinks.recording.segments import SegmentedSink
from stream.sinks.recording.switched import SwitchedSink
from stream.sinks.recording.video import VideoSink
from stream.sinks.sink import Sink
from tests.media import ffprobe_times
from tests.scripted import Kept, camera_results


def recording(path: Path) -> SwitchedSink:
    info = next(camera_results(1)).info
    return SwitchedSink(lambda path, may_replace: VideoSink(path, info, OutputSettings(), overwrite=may_replace), path)


def test_off_and_on_between_two_pictures_are_two_files(tmp_path: Path) -> None:
    sink = recording(tmp_path / "out.mp4")
    for number, result in enumerate(camera_results(12)):
        if number == 5:
            sink.on = False
            sink.on = True
        sink.write(result)
    sink.close()
    first, second = tmp_path / "out.mp4", *tmp_path.glob("out-*.mp4")
    assert (len(ffprobe_times(first)), len(ffprobe_times(second))) == (5, 7)


def test_on_and_off_again_without_a_picture_is_no_file(tmp_path: Path) -> None:
    sink = recording(tmp_path / "out.mp4")
    results = camera_results(6)
    sink.write(next(results))
    sink.on = False
    sink.idle()
    sink.on = True
    sink.on = False
    for result in results:
        sink.write(result)
    sink.close()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert len(ffprobe_times(tmp_path / "out.mp4")) == 1


@pytest.mark.parametrize("where", ["the first", "one that began anew"])
def test_a_recording_that_has_failed_is_off_and_stays_so(tmp_path: Path, where: str) -> None:
    class Full(Kept):
        def write(self, result: object) -> None:
            raise SinkError("the disk is full")

    made: list[Sink] = [Full()] if where == "the first" else [Kept(), Full()]
    sink, results = SwitchedSink(lambda path, may_replace: made.pop(0), tmp_path / "out.mp4"), camera_results(3)
    if where != "the first":
        sink.write(next(results))
        sink.on = False
        sink.on = True
    assert sink.on
    with pytest.raises(SinkError, match="the disk is full"):
        sink.write(next(results))
    assert (sink.on, sink.failed) == (False, True)
    sink.on = True
    assert not sink.on, "nothing would be written"


def test_a_recording_that_begins_while_the_run_ends_hurries_as_the_others(tmp_path: Path) -> None:
    class Hurried(Kept):
        full, deadline = False, None

        def hurry(self, deadline: Deadline) -> None:
            self.deadline = deadline

    made = [Hurried(), Hurried()]
    first, second = made
    sink, (before, after), deadline = (
        SwitchedSink(lambda path, may_replace: made.pop(0), tmp_path / "out.mp4"),
        camera_results(2),
        Deadline.now(),
    )
    sink.write(before)
    sink.on = False
    sink.hurry(deadline)
    sink.on = True
    sink.write(after)
    assert first.deadline is deadline
    assert second.deadline is deadline
    assert (first.closed, len(second.results)) == (1, 1)


def test_pieces_have_their_time_in_their_names_once_and_none_replaces_another(tmp_path: Path) -> None:
    settings = OutputSettings(segment_minutes=60)
    info = next(camera_results(1)).info

    def begun(path: Path, may_replace: bool) -> SegmentedSink:
        return SegmentedSink(path, info, settings, overwrite=may_replace)

    sink = SwitchedSink(begun, tmp_path / "door.mp4", in_pieces=True)
    for number, result in enumerate(camera_results(9)):
        if number in (3, 6):
            sink.on = False
            sink.on = True
        sink.write(result)
    sink.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    assert all(re.fullmatch(r"door-\d{8}T\d{6}Z(-\d)?\.mp4", path.name) for path in files), files
    assert [len(ffprobe_times(path)) for path in files] == [3, 3, 3]
