"""While a run goes on, sources come and go and settings change; the others notice nothing."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from models.detection.detections import Detections
from stream.analysis.analyser import Analyser
from stream.errors import SettingsError, SinkError, UsageError
from stream.frame import SourceInfo
from stream.monitoring.observer import Observed, RunObserver
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.pipeline.report import Report
from stream.settings.loading import load_settings
from stream.settings.schema import Settings
from stream.sinks.result import Result
from stream.sinks.threaded import Threaded
from tests.bundles import three_classes
from tests.command import facestream
from tests.scripted import Endless, Kept, Scripted, Slow, adds_up, nothing, running
from tests.waiting import wait_for


def by_name(report: Report) -> dict[str, int]:
    return {source.name: source.shown for source in report.sources}


def test_a_camera_that_is_added_runs_beside_the_others() -> None:
    first, second = Kept(), Kept()
    pipeline = Pipeline([Lane(Endless(live=True, name="a"), [first])], nothing())
    with running(pipeline):
        wait_for(lambda: len(first.results) > 3)
        pipeline.add(Lane(Endless(live=True, name="b"), [second]))
        before = len(first.results)
        wait_for(lambda: len(second.results) > 20 and len(first.results) > before + 20)
    assert first.closed == second.closed == 1
    assert adds_up(pipeline.report)
    assert all(shown > 20 for shown in by_name(pipeline.report).values())
    assert [source.analysed > 0 for source in pipeline.report.sources] == [True, True]


def test_a_file_that_is_added_loses_nothing() -> None:
    shown = Kept()
    pipeline = Pipeline([Lane(Endless(live=True, name="camera"), [Kept()])], nothing())
    with running(pipeline):
        pipeline.add(Lane(Scripted(60, name="file"), [shown]))
        wait_for(lambda: len(shown.results) == 60)
    assert shown.frames == list(range(60))


def test_a_camera_that_is_removed_is_closed_and_the_others_go_on() -> None:
    first, second = Kept(), Kept()
    lane = Lane(Endless(live=True, name="a"), [first])
    pipeline = Pipeline([lane, Lane(Endless(live=True, name="b"), [second])], nothing())
    with running(pipeline):
        wait_for(lambda: len(first.results) > 3)
        begin = time.monotonic()
        pipeline.remove(lane)
        wait_for(lambda: first.closed)
        assert time.monotonic() - begin < 2
        assert not [thread for thread in threading.enumerate() if thread.name == "capture a"]
        before = len(second.results)
        wait_for(lambda: len(second.results) > before + 20)
        pipeline.remove(lane)  # once more is no matter
    assert first.closed == 1
    assert adds_up(pipeline.report)
    assert set(by_name(pipeline.report)) == {"a", "b"}, "what became of it is told at the end"


def test_of_what_was_removed_nothing_is_kept_but_its_numbers() -> None:
    lane = Lane(Endless(live=True, name="a"), [Kept()])
    pipeline = Pipeline([lane, Lane(Endless(live=True, name="b"), [Kept()])], nothing())
    source = weakref.ref(lane.source)
    with running(pipeline):
        wait_for(lambda: by_name(pipeline.report)["a"] > 20)
        pipeline.remove(lane)
        del lane

        def gone() -> bool:
            gc.collect()
            return source() is None

        wait_for(gone)
    report = pipeline.report.sources[0]
    assert report.name == "a"
    assert report.shown > 20
    assert report.median_latency_s is not None
    assert len(report.latencies_s) == 1


def test_when_the_last_source_is_removed_the_run_is_over() -> None:
    lane = Lane(Endless(live=True), [Kept()])
    pipeline = Pipeline([lane], nothing())
    timer = threading.Timer(0.2, pipeline.remove, [lane])
    timer.start()
    assert not pipeline.run().stopped
    with pytest.raises(RuntimeError, match="late: came too late"):
        pipeline.add(Lane(Scripted(3, name="late"), [Kept()]))


def test_a_run_in_which_sources_come_and_go_all_the_time_ends_in_order() -> None:
    pipeline = Pipeline([Lane(Endless(live=True, name="stays"), [Kept()])], nothing())
    sinks: list[Kept] = []

    def come_and_go(name: str) -> None:
        for number in range(10):
            sinks.append(sink := Kept())
            pipeline.add(lane := Lane(Endless(live=True, name=f"{name}{number}"), [sink]))
            wait_for(lambda sink=sink: sink.results)
            pipeline.remove(lane)

    with running(pipeline):
        threads = [threading.Thread(target=come_and_go, args=(name,)) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert [sink.closed for sink in sinks] == [1] * 20
    assert len(pipeline.report.sources) == 21
    assert adds_up(pipeline.report)


class Asked:
    """A detector that finds nothing and notes which smallest faces it was asked for, and for what sizes it was made ready."""

    name = "asked"
    candidates_dropped = 0

    def __init__(self) -> None:
        self.min_faces: list[int] = []
        self.expected: list[tuple[int, int, int, int]] = []

    def detect(self, images: Sequence[np.ndarray], min_face_px: int | Sequence[int] | None = None) -> list[Detections]:
        assert isinstance(min_face_px, Sequence)
        self.min_faces += min_face_px
        return [Detections.none() for _ in images]

    def check(self, images: Sequence[np.ndarray], boxes: Sequence[np.ndarray]) -> list[Detections]:
        return [Detections.none() for _ in images]

    def expect(self, height: int, width: int, min_face_px: int | None = None, at_a_time: int = 1) -> None:
        self.expected.append((height, width, min_face_px or 0, at_a_time))


def test_settings_change_while_it_runs_each_source_with_its_own() -> None:
    detector = Asked()
    before = load_settings(None, ["detector.min_face_px=30"])
    pipeline = Pipeline([Lane(Endless(live=True, name="a"), [Kept()])], Analyser(detector, None), before)
    with running(pipeline):
        wait_for(lambda: 30 in detector.min_faces)
        pipeline.replace_settings(load_settings(None, ["detector.min_face_px=44"]))
        wait_for(lambda: detector.min_faces[-1] == 44)
        pipeline.replace_settings(load_settings(None, ["detector.min_face_px=44", "detector.enabled=false"]))
        wait_for(lambda: quiet(detector))
    assert set(detector.min_faces) == {30, 44}


def quiet(detector: Asked) -> bool:
    """Nobody asks any more."""
    before = len(detector.min_faces)
    threading.Event().wait(0.2)
    return len(detector.min_faces) == before


def test_a_setting_that_is_built_into_the_run_is_refused_by_its_name() -> None:
    pipeline = Pipeline([Lane(Scripted(1), [Kept()])], nothing())
    for change, name in (("pipeline.queue_size=3", "pipeline.queue_size"), ("detector.preset=wider", "detector.preset")):
        with pytest.raises(SettingsError, match=rf"^{name} cannot change while a run goes on"):
            pipeline.replace_settings(load_settings(None, [change]))
    pipeline.run()


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"  # keras.Model.save, of its own variables
)
def test_a_threshold_for_three_classes_is_refused_at_the_start_and_later(tmp_path: Path, portrait_path: Path) -> None:
    model = three_classes(tmp_path / "three")
    words, told = f"classifier.model={model}", "classifier.threshold decides between two classes; three has more"
    done = facestream("run", portrait_path, "--set", words, "--set", "classifier.threshold=0.7")
    assert (done.returncode, done.stderr) == (2, f"facestream: {told}: leave it out.\n")
    settings = load_settings(None, [words])
    pipeline = Pipeline([Lane(Scripted(1), [Kept()])], Analyser.load(settings), settings)
    with pytest.raises(UsageError, match=told):
        pipeline.replace_settings(load_settings(None, [words, "classifier.threshold=0.7"]))
    pipeline.run()


class Network(Endless):
    """A network camera: its pictures' size is not known before the first."""

    def __init__(self, name: str) -> None:
        super().__init__(live=True, name=name)
        self.info = SourceInfo(name, live=True)


def test_network_cameras_of_one_size_are_made_ready_for_in_one_batch() -> None:
    detector = Asked()
    lanes = [Lane(Network(f"camera{number}"), [Kept()]) for number in range(5)]
    pipeline = Pipeline(lanes, Analyser(detector, None), Settings())
    with running(pipeline):
        wait_for(lambda: len(detector.expected) == 5)
    assert {at_a_time for *_, at_a_time in detector.expected} == {5}, "the first camera's size counts for those that gave no picture yet"
    assert {size[:3] for size in detector.expected} == {(48, 64, 20)}


def test_a_camera_that_comes_while_the_run_ends_is_refused_and_closed() -> None:
    go_on = threading.Event()
    pipeline = Pipeline([Lane(Endless(live=True), [Kept()])], Slow(lambda frames: go_on.wait(1.0)), duration_s=0.3)
    late, refused = Endless(live=True, name="late"), threading.Event()

    def come() -> None:
        threading.Event().wait(1.2)  # the time is over, the worker still looks
        with pytest.raises(RuntimeError, match="late: came too late"):
            pipeline.add(Lane(late, [Kept()]))
        refused.set()

    comer = threading.Thread(target=come)
    comer.start()
    begin = time.monotonic()
    pipeline.run()
    assert time.monotonic() - begin < 0.3 + 2
    comer.join(5)
    assert refused.is_set()
    assert late.closed.is_set()


def test_while_the_outputs_of_a_removed_camera_close_the_others_are_shown() -> None:
    class Laggard(Kept):
        def close(self) -> None:
            super().close()
            threading.Event().wait(1.0)

    shown_at: list[float] = []
    stays, laggard = Kept(lambda result: shown_at.append(time.monotonic())), Laggard()
    lane = Lane(Endless(live=True, name="a"), [laggard])
    pipeline = Pipeline([lane, Lane(Endless(live=True, name="b"), [stays])], nothing())
    with running(pipeline):
        wait_for(lambda: laggard.results and len(stays.results) > 3)
        pipeline.remove(lane)
        wait_for(lambda: laggard.closed)
        before = len(stays.results)
        threading.Event().wait(0.5)
        assert len(stays.results) > before + 10, "while the other still closes"
    assert laggard.closed == 1


def test_a_camera_that_is_added_later_is_looked_at_with_the_settings_of_now() -> None:
    detector = Asked()
    pipeline = Pipeline([Lane(Endless(live=True, name="a"), [Kept()])], Analyser(detector, None))
    with running(pipeline):
        pipeline.replace_settings(load_settings(None, ["detector.min_face_px=44"]))
        wait_for(lambda: 44 in detector.min_faces)
        before = len(detector.min_faces)
        pipeline.add(Lane(Endless(live=True, name="b"), [Kept()]))
        wait_for(lambda: len(detector.min_faces) > before + 20)
    assert set(detector.min_faces[before:]) == {44}


def test_a_run_that_began_without_a_detector_cannot_begin_to_look() -> None:
    blind = load_settings(None, ["detector.enabled=false"])
    pipeline = Pipeline([Lane(Scripted(1), [Kept()])], nothing(), blind)
    with pytest.raises(SettingsError, match="began without a detector"):
        pipeline.replace_settings(Settings())
    pipeline.run()


def test_an_output_that_fails_alone_is_told_though_its_camera_is_silent_and_another_kind_ends_the_run() -> None:
    class Full(Kept):
        def write(self, result: Result) -> None:
            threading.Event().wait(0.3)
            raise SinkError("the disk is full")

    class Told(RunObserver):
        def output_failed(self, source: Observed, error: Exception) -> None:
            assert str(error) == "the disk is full"
            pipeline.stop()

    def silent(name: str) -> Scripted:
        source = Scripted(10**9, live=True, name=name, gate=lambda index: source.closed.wait(60) if index == 3 else None)
        return source

    recording = Threaded(Full(), source="a")
    pipeline = Pipeline([Lane(silent("a"), [recording], fail_alone=[recording])], nothing(), observers=[Told()], duration_s=20)
    begin = time.monotonic()
    assert pipeline.run().stopped
    assert time.monotonic() - begin < 3
    with pytest.raises(SinkError, match="the disk is full"):
        Pipeline([Lane(silent("a"), [Kept()], [Full()], fail_alone=[recording])], nothing(), duration_s=20).run()
