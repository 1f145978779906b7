"""What became of a run, in numbers."""

from __future__ import annotations

import statistics
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from stream.faces import Analysis
from stream.frame import Frame
from stream.monitoring.observer import NEVER_ANALYSED, DropReason, Ending, Observed, RunObserver

LATENCIES_KEPT = 10_000
"""How many of the newest capture-to-shown times the median is taken over."""


COUNTS = ("name", "read", "analysed", "shown", "faces", "frames_with_faces", "tracks", "seconds")


@dataclass(slots=True)
class SourceReport:
    """What became of one source. `read == analysed + dropped`, always, once the run is over."""

    name: str
    read: int = 0
    analysed: int = 0
    shown: int = 0
    drops: Counter[str] = field(default_factory=Counter)
    """Frames nobody looked at, by reason: "newer" (a newer frame took its place), "stopped", "failed"."""
    faces: int = 0
    """Faces in all analysed frames together."""
    frames_with_faces: int = 0
    tracks: int = 0
    """The highest track number given: how many different faces there were, as far as they could be followed."""
    reconnects: int = 0
    failures: list[str] = field(default_factory=list)
    """One sentence for each picture that could not be read."""
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT), repr=False)
    seconds: float = 0.0
    """From the first frame's arrival to the last one shown."""

    @property
    def dropped(self) -> int:
        return self.drops.total()

    def counts(self) -> dict[str, Any]:
        """What may be summed up over several of one source, and its notes, as JSON can write it."""
        return {name: getattr(self, name) for name in COUNTS} | {"notes": list(self.notes)}

    @property
    def median_latency_s(self) -> float | None:
        """From a frame's arrival to the moment it was shown; None when none was."""
        return statistics.median(self.latencies_s) if self.latencies_s else None


@dataclass(slots=True)
class Report:
    """What became of a run."""

    sources: list[SourceReport]
    stopped: bool = False
    """`Pipeline.stop` or a sink's user ended it, not its sources."""


class ReportKeeper(RunObserver):
    """Counts what becomes of each source."""

    def __init__(self) -> None:
        self.sources: list[SourceReport] = []
        """Of each source, in the order in which they began, but for guests that have left."""
        # weak: a run of a thousand files must not keep their decoders and outputs
        self._reports: WeakKeyDictionary[Observed, SourceReport] = WeakKeyDictionary()
        self._begun: WeakKeyDictionary[Observed, float] = WeakKeyDictionary()
        """When the first frame of each arrived, `time.monotonic()`."""
        self._changing = threading.Lock()

    def began(self, source: Observed) -> None:
        self._reports[source] = SourceReport(source.name)
        with self._changing:
            self.sources.append(self._reports[source])

    def forget(self, source: Observed) -> None:
        """Nobody will ask for it: a run that goes on for months has had thousands."""
        report = self._reports[source]
        with self._changing:
            self.sources[:] = [one for one in self.sources if one is not report]

    def read(self, source: Observed, frame: Frame) -> None:
        self._begun.setdefault(source, frame.captured_at)
        self._reports[source].read += 1

    def dropped(self, source: Observed, reason: DropReason) -> None:
        if reason in NEVER_ANALYSED:
            with self._changing:  # any thread drops
                self._reports[source].drops[reason] += 1

    def analysed(self, source: Observed, frame: Frame, analysis: Analysis, age_s: float) -> None:
        report = self._reports[source]
        report.analysed += 1
        report.faces += len(analysis.faces)
        report.frames_with_faces += bool(analysis.faces)
        report.tracks = max([report.tracks, *(face.track for face in analysis.faces)])

    def shown(self, source: Observed, frame: Frame, age_s: float) -> None:
        report = self._reports[source]
        report.shown += 1
        report.latencies_s.append(age_s)
        report.seconds = frame.captured_at + age_s - self._begun[source]

    def ended(self, source: Observed, ending: Ending) -> None:
        report = self._reports[source]
        report.reconnects = source.state().reconnects
        report.failures, report.notes, report.error = list(ending.failures), list(ending.notes), ending.error
        if report.median_latency_s is not None:
            report.latencies_s = deque([report.median_latency_s])  # nobody asks for more of what is over
