"""What became of a run, in numbers."""

from __future__ import annotations

import statistics
from collections import Counter, deque
from dataclasses import dataclass, field

from stream.faces import Analysis

LATENCIES_KEPT = 10_000
"""How many of the newest capture-to-shown times the median is taken over."""


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

    @property
    def median_latency_s(self) -> float | None:
        """From a frame's arrival to the moment it was shown; None when none was."""
        return statistics.median(self.latencies_s) if self.latencies_s else None

    def count(self, analysis: Analysis) -> None:
        """Add one look."""
        self.analysed += 1
        self.faces += len(analysis.faces)
        self.frames_with_faces += bool(analysis.faces)
        self.tracks = max([self.tracks, *(face.track for face in analysis.faces)])


@dataclass(slots=True)
class Report:
    """What became of a run."""

    sources: list[SourceReport]
    stopped: bool = False
    """`Pipeline.stop` or a sink's user ended it, not its sources."""
