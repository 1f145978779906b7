"""A file's frames wait a moment for what comes next: none is lost by that, none comes twice, whatever ends the run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from models.detection.detections import Detections
from stream.analysis.analyser import Analyser
from stream.frame import Frame
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.settings.schema import Settings
from tests.scripted import Endless, Kept, Scripted, adds_up

BOX = np.array([[20, 20, 60, 60]], np.float32)


class Finds:
    """A detector that sees one face wherever it looks."""

    name = "finds"
    candidates_dropped = 0

    def __init__(self, before: Callable[[int], None] = lambda calls: None) -> None:
        self.calls = 0
        self._before = before

    def _found(self) -> Detections:
        self.calls += 1
        self._before(self.calls)
        return Detections(BOX.copy(), np.full(1, 0.99, np.float32), np.full((1, 5, 2), 40, np.float32))

    def detect(self, images: Sequence[np.ndarray], min_face_px: int | Sequence[int] | None = None) -> list[Detections]:
        return [self._found() for _ in images]

    def check(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], *, around: bool = False) -> list[Detections]:
        found = []
        for mine in boxes:
            self._found()
            count = len(mine)
            points = np.repeat((mine[:, None, :2] + mine[:, None, 2:]) / 2, 5, axis=1).astype(np.float32)
            found.append(Detections(mine.astype(np.float32), np.full(count, 0.99, np.float32), points))
        return found

    def expect(self, height: int, width: int, min_face_px: int | None = None, at_a_time: int = 1) -> None:
        """Always ready."""


def test_every_frame_comes_once_with_its_face() -> None:
    sink, detector = Kept(), Finds()
    report = Pipeline([Lane(Scripted(60), [sink])], Analyser(detector, None)).run()
    assert sink.frames == list(range(60))
    assert [len(result.analysis.faces) for result in sink.results] == [1] * 60
    assert report.sources[0].analysed == 60
    assert adds_up(report)
    assert detector.calls < 40, "it is followed"


@pytest.mark.parametrize("count", [1, 2, 5, 31])
def test_a_run_of_few_frames_has_all_of_them(count: int) -> None:
    sink = Kept()
    report = Pipeline([Lane(Endless(), [sink])], Analyser(Finds(), None), max_frames=count).run()
    assert sink.frames == list(range(count))
    assert all(result.analysis.faces for result in sink.results)
    assert adds_up(report)


def test_a_stop_shows_what_was_looked_at() -> None:
    pipeline: list[Pipeline] = []
    sink = Kept(lambda result: pipeline[0].stop() if result.frame.index == 20 else None)
    pipeline.append(Pipeline([Lane(Endless(), [sink])], Analyser(Finds(), None)))
    report = pipeline[0].run()
    assert sink.frames == list(range(len(sink.frames)))
    assert len(sink.frames) > 21, "held ones too"
    assert adds_up(report)
    assert report.sources[0].shown == len(sink.frames)


@pytest.mark.parametrize("call", [1, 2, 3, 5, 8, 12, 14, 17, 20, 23])
def test_a_failing_detector_loses_nothing_that_was_looked_at(call: int) -> None:
    def fail(calls: int) -> None:
        if calls == call:
            raise RuntimeError("the model broke")

    sink = Kept()
    pipeline = Pipeline([Lane(Scripted(60), [sink])], Analyser(Finds(fail), None))
    with pytest.raises(RuntimeError, match="the model broke"):
        pipeline.run()
    assert sink.frames == list(range(len(sink.frames)))
    assert adds_up(pipeline.report)
    if call >= 12:
        assert len(sink.frames) >= 12


def test_finding_may_be_switched_off_and_on_while_it_runs() -> None:
    pipeline: list[Pipeline] = []
    off = Settings().changed({"detector": {"enabled": False}})

    def switch(result: object) -> None:
        index = len(sink.results)
        if index in (10, 60):
            pipeline[0].replace_settings(off if index == 10 else Settings())

    sink = Kept(switch)
    pipeline.append(Pipeline([Lane(Scripted(200), [sink])], Analyser(Finds(), None)))
    pipeline[0].run()
    faces = [len(result.analysis.faces) for result in sink.results]
    assert sink.frames == list(range(200))
    assert faces[0] == faces[-1] == 1
    assert 0 in faces
    first, last = faces.index(0), len(faces) - 1 - faces[::-1].index(0)
    assert not any(faces[first : last + 1]), "nothing is drawn into frames that nobody looked at"


def test_a_source_that_is_removed_hands_on_what_it_held() -> None:
    pipeline: list[Pipeline] = []
    first, second = Kept(), Kept(lambda result: pipeline[0].remove(lanes[0]) if result.frame.index == 20 else None)
    lanes = [Lane(Endless(name="a"), [first]), Lane(Scripted(80, name="b"), [second])]
    pipeline.append(Pipeline(lanes, Analyser(Finds(), None)))
    report = pipeline[0].run()
    assert first.frames == list(range(len(first.frames)))
    assert second.frames == list(range(80))
    assert adds_up(report)


@pytest.mark.slow
@pytest.mark.parametrize("changing", [12, 48])
def test_where_a_search_takes_300_ms_a_known_face_is_still_looked_at_ten_times_a_second(changing: int) -> None:
    class Slow(Finds):
        checks = searches = 0

        def detect(self, images: Sequence[np.ndarray], min_face_px: int | Sequence[int] | None = None) -> list[Detections]:
            self.searches += len(images)
            time.sleep(0.3)  # the work itself
            return super().detect(images, min_face_px)

        def check(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray], *, around: bool = False) -> list[Detections]:
            self.checks += 1
            return super().check(images, boxes, around=around)

    rng = np.random.default_rng(0)

    class Restless(Scripted):
        """25 pictures a second of which so many rows change all the time: it wants to be searched as often as it may be; 48: all of it."""

        def __iter__(self) -> Iterator[Frame]:
            for frame in super().__iter__():
                noise = frame.image.copy()
                noise[-changing:] = rng.integers(0, 255, (changing, 1, 3), np.uint8)
                yield replace(frame, make_image=lambda noise=noise: noise, _image=[])

    detector = Slow()
    Pipeline([Lane(Restless(150, live=True, gate=lambda index: time.sleep(0.04)), [Kept()])], Analyser(detector, None)).run()
    assert detector.checks / 6 >= 10, f"{detector.checks} checks and {detector.searches} searches in six seconds"
    assert detector.searches >= 4
