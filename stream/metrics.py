"""Every Prometheus metric, declared in one table, in base units: seconds and counts.

Rates are the reader's: `rate(facestream_frames_total{outcome="shown"}[1m])` is the frames per second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from stream.errors import SinkError
from stream.faces import Analysis

Outcome = Literal["read", "analysed", "shown", "dropped"]
Stage = Literal["decode", "detect", "classify", "track", "draw", "write"]

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
    Declared(Counter, "facestream_faces_total", "Faces in analysed frames; label is empty without a classifier.", ("source", "label")),
    Declared(Gauge, "facestream_faces_in_view", "Faces in the newest analysed frame.", ("source",)),
    Declared(Counter, "facestream_reconnects_total", "How often a live source came back after it was lost.", ("source",)),
    Declared(Gauge, "facestream_source_up", "1 while the source gives pictures, else 0.", ("source",)),
    Declared(Gauge, "facestream_build_info", "Always 1; the version is the label.", ("version",)),
)
"""The one place where metrics are named. `as_markdown_table` makes the README's table of it."""


class Metrics:
    """The numbers of one run. Any thread may call any method."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()  # one of its own: two runs in a process must not share counts
        self._made: dict[str, Any] = {}  # Counter, Gauge or Histogram: the table says which
        for one in DECLARED:
            more: dict[str, Any] = {"buckets": one.buckets} if one.buckets else {}
            self._made[one.name] = one.kind(one.name, one.meaning, one.labels, registry=self.registry, **more)
        self._made["facestream_build_info"].labels(installed_version()).set(1)

    def frame(self, source: str, outcome: Outcome) -> None:
        """A frame was read, analysed, shown or dropped."""
        self._made["facestream_frames_total"].labels(source, outcome).inc()

    def stage(self, stage: str, seconds: float) -> None:
        """A stage (`Stage`) ran for so long."""
        self._made["facestream_stage_seconds"].labels(stage).observe(seconds)

    def latency(self, source: str, seconds: float) -> None:
        """A frame was so old when every output had had it."""
        self._made["facestream_capture_to_shown_seconds"].labels(source).observe(seconds)

    def faces(self, source: str, analysis: Analysis) -> None:
        """A frame was looked at."""
        self._made["facestream_faces_in_view"].labels(source).set(len(analysis.faces))
        for face in analysis.faces:
            self._made["facestream_faces_total"].labels(source, face.label or "").inc()

    def reconnects(self, source: str, count: int = 1) -> None:
        """A live source came back, so many times."""
        self._made["facestream_reconnects_total"].labels(source).inc(count)

    def up(self, source: str, is_up: bool) -> None:
        """Whether the source gives pictures."""
        self._made["facestream_source_up"].labels(source).set(is_up)

    @contextmanager
    def serve(self, port: int, host: str = "127.0.0.1") -> Iterator[int]:
        """Answer `http://host:port/metrics` until the block ends; the port is free again then.

        Gives:
            the port: the system's choice if `port` was 0.

        Raises:
            SinkError: the port cannot be had.
        """
        try:
            server, thread = start_http_server(port, host, self.registry)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SinkError(f"Metrics cannot be served on {host}:{port} ({reason}); choose another port.") from error
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


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
