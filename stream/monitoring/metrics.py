"""Every Prometheus metric, declared in one table, in base units: seconds and counts.

Rates are the reader's: `rate(facestream_frames_total{outcome="shown"}[1m])` is the frames per second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from stream.faces import Analysis
from stream.monitoring.health import Health

Outcome = Literal["read", "analysed", "shown", "dropped"]
Stage = Literal["decode", "detect", "classify", "track", "draw", "write"]
Queue = Literal["look", "show", "write"]

DROPS = ("newer", "unshown", "unwritten", "stopped", "failed")

STAGE_BUCKETS_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Drawing takes under a millisecond, the detector on a large photo seconds."""
LATENCY_BUCKETS_S = (0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
"""Finest around one and two frame times of 30 frames/s, which is what a live picture is measured against."""


@dataclass(frozen=True, slots=True)
class Declared:
    """One metric."""

    kind: type[Counter] | type[Gauge] | type[Histogram]
    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


DECLARED = (
    Declared(
        Counter,
        "facestream_frames_total",
        "Frames by outcome: read, analysed, shown, dropped. read = analysed + dropped once a run has ended.",
        ("source", "outcome"),
    ),
    Declared(
        Counter,
        "facestream_drops_total",
        "Frames that missed something, by reason: newer (never looked at: the worker was busy until a newer one came), unshown "
        "(the same for the renderer), unwritten (not recorded: the output was too slow, or has failed), stopped and failed "
        "(never looked at).",
        ("source", "reason"),
    ),
    Declared(
        Histogram,
        "facestream_stage_seconds",
        "Time of one call of a stage: decode, detect, classify, track, draw, write.",
        ("stage",),
        STAGE_BUCKETS_S,
    ),
    Declared(
        Histogram,
        "facestream_capture_to_shown_seconds",
        "Age of a frame when every output has had it.",
        ("source",),
        LATENCY_BUCKETS_S,
    ),
    Declared(
        Histogram,
        "facestream_capture_to_analysed_seconds",
        "Age of a frame when the worker was done with it.",
        ("source",),
        LATENCY_BUCKETS_S,
    ),
    Declared(Gauge, "facestream_last_shown_timestamp_seconds", "When the newest shown frame had arrived, in Unix time.", ("source",)),
    Declared(
        Gauge,
        "facestream_queue_frames",
        "Frames that wait, by queue: look (for the worker), show (for the renderer), write (for the slowest output).",
        ("source", "queue"),
    ),
    Declared(Counter, "facestream_faces_total", "Faces in analysed frames; label is empty without a classifier.", ("source", "label")),
    Declared(
        Counter,
        "facestream_detector_candidates_dropped_total",
        "Possible faces that the detector did not look at because a picture had more than it has places for; GPUs only.",
    ),
    Declared(Gauge, "facestream_faces_in_view", "Faces in the newest analysed frame.", ("source",)),
    Declared(Counter, "facestream_reconnects_total", "How often a live source came back after it was lost.", ("source",)),
    Declared(
        Counter,
        "facestream_decode_errors_total",
        "Packets and pictures of a live source that could not be decoded, or only in part.",
        ("source",),
    ),
    Declared(Gauge, "facestream_source_up", "1 while the source gives pictures, else 0. A file that has ended is gone.", ("source",)),
    Declared(
        Gauge,
        "facestream_thread_busy_seconds",
        "For how long a thread (capture, worker, renderer, sink) has been at one piece of work; 0 while it waits. A camera that is away "
        "keeps nobody busy.",
        ("thread", "source"),
    ),
    Declared(
        Gauge, "facestream_thread_stalled_after_seconds", "The setting pipeline.stalled_after_s: a thread busy for longer is stalled."
    ),
    Declared(Gauge, "facestream_build_info", "Always 1; the version is the label.", ("version",)),
)
"""The one place where metrics are named. `as_markdown_table` makes the README's table of it."""


ENDED_KEPT = 100
"""Files and pictures that have ended and still have numbers of their own. A shelf of ten thousand must not fill anybody's memory."""


class Metrics:
    """The numbers of one run. Any thread may call any method."""

    def __init__(self, health: Health | None = None) -> None:
        self.health = health or Health()
        self.registry = CollectorRegistry()  # one of its own: two runs in a process must not share counts
        self.on_refresh: list[Callable[[], None]] = []
        """Called before the numbers are given out: sets those that say how things are now."""
        self._refreshing = threading.Lock()
        self._threads: set[tuple[str, str]] = set()
        self._candidates = 0
        self._ended: dict[str, None] = {}
        self._made: dict[str, Any] = {}  # Counter, Gauge or Histogram: the table says which
        for one in DECLARED:
            more: dict[str, Any] = {"buckets": one.buckets} if one.buckets else {}
            self._made[one.name] = one.kind(one.name, one.meaning, one.labels, registry=self.registry, **more)
        ProcessCollector(registry=self.registry)
        self._made["facestream_build_info"].labels(installed_version()).set(1)
        self._made["facestream_thread_stalled_after_seconds"].set(self.health.stalled_after_s)

    def refresh(self) -> None:
        """Bring what says how things are now up to date."""
        with self._refreshing:
            for look in list(self.on_refresh):
                look()
            busy, pulses = self._made["facestream_thread_busy_seconds"], self.health.pulses
            threads = {(pulse.part, pulse.source) for pulse in pulses}
            for gone in self._threads - threads:
                busy.remove(*gone)
            for part, source in threads:  # several sinks of one source are one number
                busy.labels(part, source).set(max(pulse.busy_s for pulse in pulses if (pulse.part, pulse.source) == (part, source)))
            self._threads = threads

    def frame(self, source: str, outcome: Outcome) -> None:
        """A frame was read, analysed, shown or dropped."""
        self._made["facestream_frames_total"].labels(source, outcome).inc()

    def began(self, source: str) -> None:
        """A source is there: what never happened to it is 0, not unknown."""
        for reason in DROPS:
            self.drop(source, reason, 0)

    def drop(self, source: str, reason: str, count: int = 1) -> None:
        """Frames missed something (`DROPS`)."""
        self._made["facestream_drops_total"].labels(source, reason).inc(count)

    def stage(self, stage: str, seconds: float) -> None:
        """A stage (`Stage`) ran for so long."""
        self._made["facestream_stage_seconds"].labels(stage).observe(seconds)

    def analysed(self, source: str, age_s: float, analysis: Analysis) -> None:
        """A frame was looked at, and was so old when that was done."""
        self.frame(source, "analysed")
        self._made["facestream_capture_to_analysed_seconds"].labels(source).observe(age_s)
        self._made["facestream_faces_in_view"].labels(source).set(len(analysis.faces))
        for face in analysis.faces:
            self._made["facestream_faces_total"].labels(source, face.label or "").inc()

    def candidates_dropped(self, so_far: int) -> None:
        """What the detector has dropped since it was made."""
        self._made["facestream_detector_candidates_dropped_total"].inc(so_far - self._candidates)
        self._candidates = so_far

    def shown(self, source: str, age_s: float) -> None:
        """Every output has had a frame, which was so old then."""
        self.frame(source, "shown")
        self._made["facestream_capture_to_shown_seconds"].labels(source).observe(age_s)

    def last_shown(self, source: str, unix_s: float) -> None:
        """When the newest shown frame had arrived."""
        self._made["facestream_last_shown_timestamp_seconds"].labels(source).set(unix_s)

    def waiting(self, source: str, queue: Queue, frames: int) -> None:
        """So many frames wait now."""
        self._made["facestream_queue_frames"].labels(source, queue).set(frames)

    def reconnects(self, source: str, count: int) -> None:
        """A live source came back, so many times."""
        self._made["facestream_reconnects_total"].labels(source).inc(count)

    def decode_errors(self, source: str, count: int) -> None:
        """So much could not be decoded."""
        self._made["facestream_decode_errors_total"].labels(source).inc(count)

    def up(self, source: str, is_up: bool) -> None:
        """Whether the source gives pictures."""
        self._made["facestream_source_up"].labels(source).set(is_up)

    def ended(self, source: str) -> None:
        """A file has ended: nothing is to be said about how it is now. What was counted stays until `ENDED_KEPT` others have ended too."""
        self._forget(source, Gauge)
        self._ended.pop(source, None)
        self._ended[source] = None
        if len(self._ended) > ENDED_KEPT:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._forget(oldest, Counter, Histogram)

    def _forget(self, source: str, *kinds: type) -> None:
        for one in DECLARED:
            if one.kind in kinds and "source" in one.labels:
                self._made[one.name].remove_by_labels({"source": source})


def as_markdown_table() -> str:
    """The declared metrics as the README's table."""
    rows = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for one in DECLARED:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows.append(f"| `{one.name}` | {one.kind.__name__.lower()} | {labels} | {one.meaning} |")
    return "\n".join(rows) + "\n"


def installed_version() -> str:
    """The version of facestream, as it was installed."""
    try:
        return version("facestream")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
