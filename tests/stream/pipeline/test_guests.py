"""Guests of a run: sources that come while it goes on, leave by themselves, and cost the others nothing."""

from __future__ import annotations

import gc
import itertools
import threading
import time
import weakref

from stream.errors import SinkError, SourceError
from stream.monitoring.observer import Ending, Observed, RunObserver
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from tests.scripted import Endless, Kept, Scripted, Slow, adds_up, nothing, running
from tests.waiting import wait_for


def test_a_run_that_stays_waits_without_any_source_and_takes_what_comes() -> None:
    first, second = Kept(), Kept()
    pipeline = Pipeline([], nothing(), stays=True)
    with running(pipeline):
        begin = time.process_time()
        threading.Event().wait(0.5)
        assert time.process_time() - begin < 0.25, "it waits, it does not spin"
        pipeline.add(Lane(Scripted(5, name="first"), [first], guest=True))
        wait_for(lambda: first.closed)
        pipeline.add(Lane(Scripted(7, name="second"), [second], guest=True))
        wait_for(lambda: second.closed)
    assert (first.frames, second.frames) == (list(range(5)), list(range(7)))
    assert adds_up(pipeline.report)


def test_a_run_that_stays_ends_when_its_time_is_over() -> None:
    begin = time.monotonic()
    assert not Pipeline([], nothing(), stays=True, duration_s=0.2).run().stopped
    assert 0.2 <= time.monotonic() - begin < 2


def test_a_guest_that_breaks_leaves_and_the_run_goes_on() -> None:
    class Told(RunObserver):
        def __init__(self) -> None:
            self.endings: dict[str, str | None] = {}

        def ended(self, source: Observed, ending: Ending) -> None:
            self.endings[source.name] = ending.error

    class Unclosable(Kept):
        def close(self) -> None:
            super().close()
            raise SinkError("the disk is full")

    stays, told = Kept(), Told()
    pipeline = Pipeline([Lane(Endless(live=True, name="a"), [stays])], nothing(), observers=[told])
    with running(pipeline):
        pipeline.add(Lane(Scripted(3, name="broken", error=SourceError("broken.mp4: no more")), [Kept()], guest=True))
        pipeline.add(Lane(Scripted(3, name="full"), [Unclosable()], guest=True))
        wait_for(lambda: len(told.endings) == 2)
        before = len(stays.results)
        wait_for(lambda: len(stays.results) > before + 5)
    assert told.endings == {"broken": "broken.mp4: no more", "full": "the disk is full", "a": None}


def test_of_guests_that_have_left_nothing_is_kept() -> None:
    pipeline = Pipeline([Lane(Endless(live=True, name="a"), [Kept()])], nothing())
    sources = []
    with running(pipeline):
        for number in range(20):
            sink = Kept()
            pipeline.add(lane := Lane(Scripted(2, name=f"guest {number}"), [sink], guest=True))
            sources.append(weakref.ref(lane.source))
            wait_for(lambda sink=sink: sink.closed)
        del lane
        wait_for(lambda: [source.name for source in pipeline.report.sources] == ["a"])
        wait_for(lambda: gc.collect() >= 0 and not any(source() for source in sources))
        kept = [one for one in gc.get_objects() if isinstance(one, threading.Thread) and one.name.startswith("close guest")]
        assert len(kept) <= 1, "the newest, which the next one takes the place of"
    assert adds_up(pipeline.report)


def test_a_guest_that_leaves_by_itself_while_it_is_removed_is_not_kept() -> None:
    class Waits(Scripted):
        def close(self) -> None:
            super().close()
            if threading.current_thread().name == "remover":
                assert gone.wait(5)

    class Told(RunObserver):
        def ended(self, source: Observed, ending: Ending) -> None:
            gone.set()

    gone, goes_on = threading.Event(), threading.Event()
    pipeline = Pipeline([Lane(Endless(live=True, name="a"), [Kept()])], nothing(), observers=[Told()])
    with running(pipeline):
        pipeline.add(lane := Lane(Waits(2, gate=lambda index: goes_on.wait(5) if index else None), [Kept()], guest=True))
        remover = threading.Thread(target=pipeline.remove, args=[lane], name="remover")
        remover.start()
        goes_on.set()
        remover.join(10)
        assert gone.is_set()
        source = weakref.ref(lane.source)
        del lane, remover
        wait_for(lambda: gc.collect() >= 0 and source() is None)


def test_a_guest_whose_output_is_slow_makes_no_look_at_a_camera_late() -> None:
    class Full(Kept):
        """Takes a picture every half second, as an encoder of 4K may."""

        full_until = 0.0

        @property
        def full(self) -> bool:
            return time.monotonic() < self.full_until

        def hurry(self, deadline: object) -> None:
            self.full_until = 0.0

        def write(self, result: object) -> None:
            super().write(result)  # type: ignore[arg-type]
            self.full_until = time.monotonic() + 0.5

    looked_at: list[float] = []
    camera, slow = Kept(lambda result: looked_at.append(time.monotonic())), Full()
    pipeline = Pipeline([Lane(Endless(live=True, name="camera"), analysis_sinks=[camera])], nothing())
    with running(pipeline):
        pipeline.add(Lane(Scripted(200, name="upload"), [slow], guest=True))
        wait_for(lambda: len(slow.results) >= 4)
    assert slow.frames[:4] == [0, 1, 2, 3]
    pauses = [after - before for before, after in itertools.pairwise(looked_at)]
    assert len(pauses) > 100
    assert max(pauses) < 0.3


def test_a_file_beside_a_camera_without_pictures_goes_on_as_soon_as_its_output_does() -> None:
    """Nothing but the room that its output makes tells the worker to look on."""
    shown = Kept()
    silent = Scripted(1, live=True, name="silent", gate=lambda index: silent.closed.wait(30))
    pipeline = Pipeline([Lane(silent, [Kept()])], nothing())
    with running(pipeline):
        pipeline.add(Lane(Scripted(500, name="file"), [shown]))
        wait_for(lambda: len(shown.results) == 500, 10)
    assert shown.frames == list(range(500))


def test_a_file_beside_a_camera_is_looked_at_one_picture_a_round_and_alone_in_batches() -> None:
    rounds: list[list[str]] = []
    analyser = Slow(lambda frames: rounds.append([frame.source for frame in frames]))
    shown = Kept()
    pipeline = Pipeline([Lane(Endless(live=True, name="camera"), [Kept()])], analyser)
    with running(pipeline):
        pipeline.add(Lane(Scripted(40, name="upload"), [shown], guest=True))
        wait_for(lambda: shown.closed)
    assert max(names.count("upload") for names in rounds) == 1
    assert shown.frames == list(range(40))
    rounds.clear()
    Pipeline([Lane(Scripted(40, name="file"), [Kept()])], Slow(lambda frames: rounds.append([frame.source for frame in frames]))).run()
    assert max(map(len, rounds)) > 1
