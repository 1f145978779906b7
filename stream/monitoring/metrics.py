"""Every Prometheus metric, declared in one table, in base units: seconds and counts.

Rates are the reader's: `rate(facestream_frames_total{outcome="shown"}[1m])` is the frames per second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector
from prometheus_client.registry import RestrictedRegistry

from stream.faces import Analysis
from stream.frame import Frame
from stream.monitoring.health import Health
from stream.monitoring.observer import (
    DROP_REASONS,
    NEVER_ANALYSED,
    STAGES,
    DropReason,
    Ending,
    Observed,
    RunObserver,
    SourceState,
    StageName,
)
from stream.names import printable

Outcome = Literal["read", "analysed", "shown", "dropped"]

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
        f"Time of one call of a stage: {', '.join(STAGES)}.",
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
    Declared(Gauge, "facestream_web_pages", "Pages of --web that are open."),
    Declared(Counter, "facestream_web_changes_total", "Changes that pages of --web have made: settings, pauses, recordings."),
    Declared(Counter, "facestream_web_encodes_total", "Pictures made for pages, each once for all that want it in one size.", ("source",)),
    Declared(
        Histogram,
        "facestream_web_drawn_seconds",
        "Age of a frame when a page said that it has drawn it.",
        ("source",),
        LATENCY_BUCKETS_S,
    ),
    Declared(
        Counter,
        "facestream_web_refused_total",
        "What the page's server did not let in, by reason: host (not one of its names), origin (not one of its pages), token, throttle "
        "(too many wrong tokens), size, slow, full (no place left), messages (too many, or such as make no sense).",
        ("reason",),
    ),
    Declared(Gauge, "facestream_build_info", "Always 1; the version is the label.", ("version",)),
)
"""The one place where metrics are named. `as_markdown_table` makes a table of it (docs/monitoring.md)."""


ENDED_KEPT = 100
"""Files and pictures that have ended and still have numbers of their own. A folder of ten thousand must not fill anybody's memory."""


class Metrics(RunObserver):
    """The numbers of one run. Counts what happens as it is told; reads how things are now when somebody asks for the numbers."""

    def __init__(self, health: Health | None = None) -> None:
        """
        Args:
            health: whose threads' activity is among the numbers.
        """
        self._health = health or Health()
        self.registry = _ReadyRegistry(self._read_now)  # one of its own: two runs in a process must not share counts
        self._reading = threading.Lock()
        self._sources: dict[Observed, SourceState | None] = {}
        """Those that run, and how far each was when it was read last."""
        self._threads: set[tuple[str, str]] = set()
        self._candidates = 0
        self._ended: dict[str, None] = {}
        self._made: dict[str, Any] = {}  # Counter, Gauge or Histogram: the table says which
        for one in DECLARED:
            more: dict[str, Any] = {"buckets": one.buckets} if one.buckets else {}
            self._made[one.name] = one.kind(one.name, one.meaning, one.labels, registry=self.registry, **more)
        ProcessCollector(registry=self.registry)
        self._of("facestream_build_info", installed_version()).set(1)
        self._made["facestream_thread_stalled_after_seconds"].set(self._health.stalled_after_s)

    def began(self, source: Observed) -> None:
        for reason in DROP_REASONS:  # what never happened to it is 0, not unknown
            self._drop(source.name, reason, 0)
        with self._reading:
            self._sources[source] = None

    def read(self, source: Observed, frame: Frame) -> None:
        self._frame(source.name, "read")

    def dropped(self, source: Observed, reason: DropReason) -> None:
        self._drop(source.name, reason)
        if reason in NEVER_ANALYSED:
            self._frame(source.name, "dropped")

    def analysed(self, source: Observed, frame: Frame, analysis: Analysis, age_s: float) -> None:
        name = source.name
        self._frame(name, "analysed")
        self._of("facestream_capture_to_analysed_seconds", name).observe(age_s)
        self._of("facestream_faces_in_view", name).set(len(analysis.faces))
        for face in analysis.faces:
            self._of("facestream_faces_total", name, face.label or "").inc()

    def shown(self, source: Observed, frame: Frame, age_s: float) -> None:
        self._frame(source.name, "shown")
        self._of("facestream_capture_to_shown_seconds", source.name).observe(age_s)

    def stage(self, stage: StageName, seconds: float) -> None:
        self._of("facestream_stage_seconds", stage).observe(seconds)

    def candidates_dropped(self, so_far: int) -> None:
        self._made["facestream_detector_candidates_dropped_total"].inc(so_far - self._candidates)
        self._candidates = so_far

    def web_pages(self, count: int) -> None:
        """So many pages are open."""
        self._made["facestream_web_pages"].set(count)

    def web_changed(self) -> None:
        """A page has changed something."""
        self._made["facestream_web_changes_total"].inc()

    def web_encoded(self, source: str) -> None:
        """A picture was made for pages."""
        self._of("facestream_web_encodes_total", source).inc()

    def web_drawn(self, source: str, age_s: float) -> None:
        """A page has drawn a picture that arrived so long ago."""
        self._of("facestream_web_drawn_seconds", source).observe(age_s)

    def web_refused(self, reason: str) -> None:
        """Somebody was not let in, or shown out."""
        self._of("facestream_web_refused_total", reason).inc()

    def ended(self, source: Observed, ending: Ending) -> None:
        """What was counted of a file stays until `ENDED_KEPT` others have ended too; how it is now is nothing to tell any more."""
        with self._reading:
            self._read_source(source)
            del self._sources[source]
        name = source.name
        self._of("facestream_source_up", name).set(0)
        if source.live:
            return
        self._forget(name, Gauge)
        self._ended.pop(name, None)
        self._ended[name] = None
        if len(self._ended) > ENDED_KEPT:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            self._forget(oldest, Counter, Histogram)

    def _read_now(self) -> None:
        """Bring what says how things are now up to date."""
        with self._reading:
            for source in self._sources:
                self._read_source(source)
            busy, activities = self._made["facestream_thread_busy_seconds"], self._health.activities
            threads = {(activity.part, printable(activity.source)) for activity in activities}
            for gone in self._threads - threads:
                busy.remove(*gone)
            for part, source_name in threads:  # several sinks of one source are one number
                mine = [one for one in activities if (one.part, printable(one.source)) == (part, source_name)]
                busy.labels(part, source_name).set(max(one.busy_s for one in mine))
            self._threads = threads

    def _read_source(self, source: Observed) -> None:
        name, now, before = source.name, source.state(), self._sources[source]
        self._sources[source] = now
        self._of("facestream_reconnects_total", name).inc(now.reconnects - (before.reconnects if before else 0))
        self._of("facestream_decode_errors_total", name).inc(now.decode_errors - (before.decode_errors if before else 0))
        self._drop(name, "unwritten", now.unwritten - (before.unwritten if before else 0))
        self._of("facestream_source_up", name).set(now.up)
        for queue, frames in now.waiting.items():
            self._of("facestream_queue_frames", name, queue).set(frames)
        if now.shown_at is not None:
            self._of("facestream_last_shown_timestamp_seconds", name).set(time.time() - time.monotonic() + now.shown_at)

    def _of(self, metric: str, *labels: str) -> Any:
        return self._made[metric].labels(*map(printable, labels))

    def _frame(self, source: str, outcome: Outcome) -> None:
        self._of("facestream_frames_total", source, outcome).inc()

    def _drop(self, source: str, reason: DropReason, count: int = 1) -> None:
        self._of("facestream_drops_total", source, reason).inc(count)

    def _forget(self, source: str, *kinds: type) -> None:
        for one in DECLARED:
            if one.kind in kinds and "source" in one.labels:
                self._made[one.name].remove_by_labels({"source": printable(source)})


class _ReadyRegistry(CollectorRegistry):
    """Has everything brought up to date before its numbers are given out, whoever asks."""

    def __init__(self, update: Callable[[], None]) -> None:
        super().__init__()
        self._update = update

    def collect(self) -> Iterator[Metric]:
        self._update()
        yield from super().collect()

    def restricted_registry(self, names: Iterable[str]) -> RestrictedRegistry:
        self._update()
        return super().restricted_registry(names)


def as_markdown_table(declared: Sequence[Declared] = DECLARED) -> str:
    """The declared metrics as a table in Markdown."""
    rows = ["| metric | type | labels | meaning |", "|---|---|---|---|"]
    for one in declared:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows.append(f"| `{one.name}` | {one.kind.__name__.lower()} | {labels} | {one.meaning} |")
    return "\n".join(rows) + "\n"


def installed_version() -> str:
    """The version of facestream, as it was installed."""
    try:
        return version("facestream")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"
