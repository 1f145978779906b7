"""What happens in a run is told once, and everyone who listens comes to the same numbers."""

from __future__ import annotations

import threading
from collections import Counter

from stream.faces import Analysis
from stream.frame import Frame
from stream.monitoring.metrics import Metrics
from stream.monitoring.observer import DropReason, Ending, Observed, RunObserver, StageName
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from tests.scripted import Endless, Kept, Scripted, Slow, adds_up


class Counting(RunObserver):
    """Counts what it is told."""

    def __init__(self) -> None:
        self.told = Counter[tuple[str, str]]()
        self.stages = Counter[str]()
        self._counting = threading.Lock()

    def _count(self, what: str, source: Observed) -> None:
        with self._counting:
            self.told[what, source.name] += 1

    def began(self, source: Observed) -> None:
        self._count("began", source)

    def read(self, source: Observed, frame: Frame) -> None:
        self._count("read", source)

    def dropped(self, source: Observed, reason: DropReason) -> None:
        self._count(reason, source)

    def analysed(self, source: Observed, frame: Frame, analysis: Analysis, age_s: float) -> None:
        assert age_s >= 0
        self._count("analysed", source)

    def shown(self, source: Observed, frame: Frame, age_s: float) -> None:
        self._count("shown", source)

    def ended(self, source: Observed, ending: Ending) -> None:
        self._count("ended", source)

    def stage(self, stage: StageName, seconds: float) -> None:
        with self._counting:
            self.stages[stage] += 1


def test_report_metrics_and_any_other_observer_count_the_same() -> None:
    counting, metrics = Counting(), Metrics()
    looks = Slow(lambda frames: threading.Event().wait(0.02))  # slower than the camera, so that frames are dropped
    shown = Kept(lambda result: pipeline.stop() if result.info.live and result.frame.index == 60 else None)
    lanes = [Lane(Endless(live=True, name="camera"), [shown]), Lane(Scripted(20, name="file"), [Kept()])]
    pipeline = Pipeline(lanes, looks, observers=[counting, metrics])
    report = pipeline.run()
    assert adds_up(report)
    assert report.sources[0].drops["newer"] > 0
    for source in report.sources:
        told = {what: count for (what, name), count in counting.told.items() if name == source.name}
        assert (told["began"], told["ended"]) == (1, 1)
        assert (told["read"], told["analysed"], told["shown"]) == (source.read, source.analysed, source.shown)
        assert {reason: told.get(reason, 0) for reason in source.drops} == dict(source.drops)
        for outcome, count in (("read", source.read), ("analysed", source.analysed), ("shown", source.shown), ("dropped", source.dropped)):
            sample = metrics.registry.get_sample_value("facestream_frames_total", {"source": source.name, "outcome": outcome})
            assert (sample or 0) == count, f"{source.name} {outcome}"
    assert counting.stages["decode"] == 20, "a camera's own pace is no work"
    assert counting.stages["detect"] == counting.stages["classify"] > 0
    assert counting.stages["write"] == sum(source.shown for source in report.sources)
