"""Files lose nothing, live stays live, and everything ends: with scripted sources that really are sources."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from stream.errors import SinkError, SourceError
from stream.frame import Frame, SourceInfo
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.settings.schema import Settings
from stream.sinks.result import Result
from stream.sinks.sink import StopAsked
from tests.scripted import IMAGE, Endless, Kept, Scripted, Slow, adds_up, nothing
from tests.waiting import wait_for


def test_a_file_loses_nothing_and_keeps_its_order() -> None:
    shown, looked = Kept(), Kept()
    report = Pipeline([Lane(Scripted(100), [shown], [looked])], nothing()).run()
    assert shown.frames == looked.frames == list(range(100))
    assert (report.sources[0].read, report.sources[0].analysed, report.sources[0].shown) == (100, 100, 100)
    assert all(result.analysis.index == result.frame.index for result in shown.results), "each frame with its own faces"
    assert shown.closed == looked.closed == 1
    assert not report.stopped


def test_a_slow_disk_makes_a_file_wait_and_loses_nothing() -> None:
    waiting: list[int] = []
    source = Scripted(60)
    pipeline: list[Pipeline] = []

    def measure(result: Result) -> None:
        waiting.append(pipeline[0].report.sources[0].read - result.frame.index)

    sink = Kept(measure)
    pipeline.append(Pipeline([Lane(source, [sink])], nothing()))
    pipeline[0].run()
    assert sink.frames == list(range(60))
    settings = Settings().pipeline
    assert max(waiting) <= 2 * settings.queue_size + settings.batch_size + 2, "the source waits when the feeds are full"


@pytest.mark.parametrize("is_slow", [False, True])
def test_each_run_of_a_file_looks_at_the_same_frames_together_however_fast_it_is_read(is_slow: bool) -> None:
    looked: list[list[int]] = []
    source = Scripted(10, gate=lambda index: source.closed.wait(0.01) if is_slow else None)
    source.info = replace(source.info, path=Path("script.mp4"))
    Pipeline([Lane(source, [Kept()])], Slow(lambda frames: looked.append([frame.index for frame in frames]))).run()
    assert looked == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_live_the_worker_gets_the_newest_frame_and_the_renderer_every_one() -> None:
    looking, go_on = threading.Event(), threading.Event()

    def block_first(frames: Sequence[Frame]) -> None:
        looking.set()
        assert go_on.wait(10)

    shown, looked = Kept(), Kept()

    def gate(index: int) -> None:
        if index == 1:
            assert looking.wait(10), "the worker has frame 0"
        wait_for(lambda: len(shown.results) >= index)  # a camera slower than the renderer
        if index == 29:
            go_on.set()

    report = Pipeline([Lane(Scripted(30, live=True, gate=gate), [shown], [looked])], Slow(block_first)).run()
    assert shown.frames == list(range(30)), "a slow detector never slows the picture"
    assert looked.frames[0] == 0
    assert looked.frames[-1] == 29, "the newest wins"
    assert report.sources[0].drops["newer"] >= 27
    assert adds_up(report)


def test_a_stopped_run_shows_what_was_analysed_and_counts_the_rest() -> None:
    shown = Kept()
    pipeline = Pipeline([Lane(Endless(), [shown])], nothing())
    shown.on_write = lambda result: pipeline.stop() if result.frame.index == 10 else None
    report = pipeline.run()
    source = report.sources[0]
    assert report.stopped
    assert adds_up(report)
    assert shown.frames == list(range(source.analysed))
    assert shown.closed == 1


@pytest.mark.parametrize("live", [True, False])
def test_stop_from_another_thread_ends_within_two_seconds(live: bool) -> None:
    pipeline = Pipeline([Lane(Endless(live=live), [Kept()])], nothing())
    timer = threading.Timer(0.2, pipeline.stop)
    begin = time.monotonic()
    timer.start()
    report = pipeline.run()
    assert time.monotonic() - begin < 2.2
    assert report.sources[0].read > 0
    assert adds_up(report)


def test_the_time_given_ends_the_run_without_a_stop() -> None:
    begin = time.monotonic()
    report = Pipeline([Lane(Endless(live=True), [Kept()])], nothing(), duration_s=0.3).run()
    assert 0.3 <= time.monotonic() - begin < 2.3
    assert not report.stopped
    assert adds_up(report)


def test_so_many_frames_and_no_more() -> None:
    shown = Kept()
    report = Pipeline([Lane(Endless(), [shown])], nothing(), max_frames=7).run()
    assert shown.frames == list(range(7))
    assert report.sources[0].read == 7


def test_a_users_wish_to_end_is_no_error() -> None:
    def ask(result: Result) -> None:
        raise StopAsked

    sink, other = Kept(ask), Kept()
    report = Pipeline([Lane(Endless(live=True), [other, sink])], nothing()).run()
    assert report.stopped, "and whoever runs several one after another must know"
    assert sink.closed == other.closed == 1
    assert adds_up(report)


def test_a_failing_worker_is_the_error_of_the_run() -> None:
    def fail(frames: Sequence[Frame]) -> None:
        if frames[0].index >= 8:
            raise RuntimeError("the model broke")

    shown = Kept()
    pipeline = Pipeline([Lane(Endless(), [shown])], Slow(fail))
    with pytest.raises(RuntimeError, match="the model broke"):
        pipeline.run()
    assert adds_up(pipeline.report)
    assert shown.closed == 1
    assert len(shown.frames) >= 8, "what was done is not lost"


def test_a_failing_sink_is_the_error_of_the_run_and_the_others_are_closed() -> None:
    def fail(result: Result) -> None:
        raise SinkError("the disk is full")

    class Clumsy(Kept):
        def close(self) -> None:
            super().close()
            raise SinkError("it cannot even close")

    sinks = [Clumsy(), Kept(fail), Kept()]
    pipeline = Pipeline([Lane(Endless(), sinks)], nothing())
    with pytest.raises(SinkError, match="the disk is full"):
        pipeline.run()
    assert [sink.closed for sink in sinks] == [1, 1, 1]
    assert adds_up(pipeline.report)


def test_a_sink_that_fails_to_close_fails_the_run() -> None:
    class Clumsy(Kept):
        def close(self) -> None:
            super().close()
            raise SinkError("the end could not be written")

    last = Kept()
    with pytest.raises(SinkError, match="the end could not be written"):
        Pipeline([Lane(Scripted(3), [Clumsy(), last])], nothing()).run()
    assert last.closed == 1


def test_a_source_that_breaks_gives_what_it_had_and_then_its_error() -> None:
    shown = Kept()
    pipeline = Pipeline([Lane(Scripted(20, error=SourceError("the file ends in the middle")), [shown])], nothing())
    with pytest.raises(SourceError, match="the file ends in the middle"):
        pipeline.run()
    assert shown.frames == list(range(20))
    assert pipeline.report.sources[0].error == "the file ends in the middle"


def test_one_broken_source_does_not_stop_the_others() -> None:
    first, second = Kept(), Kept()
    lanes = [Lane(Scripted(0, error=SourceError("no such camera"), name="a"), [first]), Lane(Scripted(50, name="b"), [second])]
    with pytest.raises(SourceError, match="no such camera"):
        Pipeline(lanes, nothing()).run()
    assert second.frames == list(range(50))


def test_a_file_in_a_window_plays_at_its_own_pace() -> None:
    times: list[float] = []
    sink = Kept(lambda result: times.append(time.monotonic()))
    Pipeline([Lane(Scripted(11), [sink], paced=True)], nothing()).run()
    assert sink.frames == list(range(11))
    assert times[-1] - times[0] >= 0.39, "frames 0 to 10 at 25 frames/s are 0.4 s apart"


def test_a_picture_in_a_window_stays_until_the_user_turns_to_the_next() -> None:
    class Photos(Scripted):
        def __init__(self, count: int) -> None:
            super().__init__(count)
            self.info = SourceInfo("photos", 64, 48, still=True)

    sink = Kept()
    shown_when_asked: list[int] = []

    def turn() -> bool:
        shown_when_asked.append(len(sink.results))
        return len(shown_when_asked) % 3 == 0

    Pipeline([Lane(Photos(3), [sink], paced=True, turn=turn)], nothing()).run()
    assert shown_when_asked == [1, 1, 1, 2, 2, 2, 3, 3, 3], "the last one stays too"
    sink.results.clear()
    pipeline = Pipeline([Lane(Photos(3), [sink], paced=True, turn=lambda: pipeline.stop() or False)], nothing())  # type: ignore[func-returns-value]
    assert pipeline.run().stopped, "stopped while a picture stays"


def test_a_caller_who_leaves_the_loop_leaves_nothing_running() -> None:
    sink = Kept()
    results = Pipeline([Lane(Endless(live=True), [sink])], nothing()).results()
    assert next(results).frame.index >= 0
    results.close()
    assert sink.closed == 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("capture", "worker"))]


def test_huge_frames_wait_outside() -> None:
    """Eight frames may wait, but not eight of 108 megapixels."""
    alive: set[int] = set()
    most = 0

    class Huge(Scripted):
        def __iter__(self) -> Iterator[Frame]:
            nonlocal most
            for index in range(12):
                alive.add(index)
                most = max(most, len(alive))
                yield Frame("huge", 0, index, Fraction(1), 0.0, 12000, 9000, lambda: IMAGE)

    sink = Kept(lambda result: alive.discard(result.frame.pts))
    Pipeline([Lane(Huge(12), [sink])], nothing()).run()
    assert len(sink.results) == 12
    assert most <= 6, "one in each feed, one in each thread's hands"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no priority for each thread")
@pytest.mark.parametrize(("live", "sinks", "stands_back"), [(True, [Kept()], True), (True, [], False), (False, [Kept()], False)])
def test_the_worker_stands_back_where_a_live_picture_is_shown(live: bool, sinks: list[Kept], stands_back: bool) -> None:
    niceness: list[int] = []
    looks = Slow(lambda frames: niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
    Pipeline([Lane(Scripted(3, live=live), sinks)], looks).run()
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert set(niceness) == {min(19, own + 10) if stands_back else own}


def test_a_look_that_takes_long_is_not_waited_for_at_a_stop() -> None:
    go_on = threading.Event()
    shown = Kept()
    pipeline = Pipeline([Lane(Endless(), [shown])], Slow(lambda frames: go_on.wait(20)))
    timer = threading.Timer(0.3, pipeline.stop)
    timer.start()
    begin = time.monotonic()
    report = pipeline.run()
    took_s = time.monotonic() - begin
    go_on.set()
    assert took_s < 2.3
    assert adds_up(report)
    assert not shown.results
