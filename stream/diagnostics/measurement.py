"""What one source costs on this machine: a whole `Pipeline`, from a file to a written file, timed from outside by an observer.

Its three threads work side by side (reading | detect, track, classify | draw, encode), as in `facestream run clip.mp4 -o out.mp4`: so
frames/s is more than one part after the other would give, and each part is as slow as it is beside the others.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from models.imaging.picture_formats import writable_suffixes
from models.imaging.picture_writer import write_picture
from stream.analysis.analyser import Analyser
from stream.errors import SourceError
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.monitoring.observer import Observed, RunObserver, StageName
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.settings.schema import OutputSettings, Settings
from stream.signals import interrupted_after
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sinks.sink import Sink
from stream.sources.source import Source

STAGES = ("decode", "detect", "track", "classify", "draw", "encode")
WORKER = "finding faces"
"""What the thread between reading and writing does."""
WARM_UP_S = 0.4
"""The start of each measurement that does not count: queues fill, the encoder starts (a guess). No longer than what counts."""
FEWEST_BATCHES = 4
"""A measurement goes on until it has so many, however slow they are."""
PATIENCE_S = 20.0
"""A source that has not given enough so long after its time was over is given up."""
RATE_PARTS = 5
"""The spread of frames/s is that of so many parts of a measurement."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A number that was measured several times."""

    median: float
    """Or the mean, where that says more."""
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Median, tenth and ninetieth percentile; 0 where nothing was measured."""
        low, median, high = np.percentile(values, (10, 50, 90)).tolist() if len(values) else (0.0, 0.0, 0.0)
        return cls(median, low, high)


@dataclass(frozen=True, slots=True)
class Looks:
    """How often one way of looking was used."""

    per_frame: float
    """How many for each frame. Frames that come together may be searched or checked together: that counts once."""
    ms: float
    """What one took, the mean; 0 where there was none."""

    @classmethod
    def of(cls, seconds: Sequence[float], batches: Sequence[_Batch]) -> Looks:
        return cls(len(seconds) / sum(batch.frames for batch in batches), 1000 * float(np.mean(seconds)) if seconds else 0.0)


@dataclass(frozen=True, slots=True)
class Row:
    """What one source costs with the settings of the moment."""

    name: str
    width: int
    """Pixels, of the last picture looked at."""
    height: int
    faces: float
    """In a frame, the mean."""
    min_face_px: int
    live: bool
    frames: int
    """So many were measured."""
    skipped: float
    """Share of a camera's frames that were not looked at because a newer one had come."""
    frames_per_s: Spread
    """Frames looked at."""
    stages_ms: dict[str, Spread]
    """By stage, per frame. `detect` and `classify`, which are more work now and then, and `encode`, done in bursts on the encoder's own
    threads, have their mean. A camera has no `decode`."""
    looks: dict[str, Looks] = field(default_factory=dict)
    """Of `detect`: `search` and `check`."""

    @property
    def label(self) -> str:
        """In a sentence."""
        return f"{self.name} ({self.width}×{self.height}, {self.faces:.0f} face{'' if round(self.faces) == 1 else 's'})"

    @property
    def threads_ms(self) -> dict[str, float]:
        """Per frame, what each of the three threads does: the longest one sets the rate."""
        ms = {stage: spread.median for stage, spread in self.stages_ms.items()}
        return {
            "reading": ms.get("decode", 0.0),
            WORKER: ms["detect"] + ms["track"] + ms["classify"],
            "drawing and writing": ms["draw"] + ms["encode"],
        }


def figure(value: float) -> str:
    """A measured number for people: three digits say all that is known."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def measure(source: Source, analyser: Analyser, settings: Settings, seconds: float, folder: Path, name: str = "") -> Row:
    """Run the job on a source for some seconds that count.

    Args:
        source: a camera, or what never ends (`RepeatSource`).
        folder: where the written file goes.
        name: what the row is called; by default as the source.

    Raises:
        SourceError: it cannot be read, or gave too little.
        KeyboardInterrupt: Ctrl-C or SIGTERM came; everything is closed.
    """
    times, warm_up_s = _Times(), min(WARM_UP_S, seconds)
    lane = Lane(source, [_sink(source.info, folder, settings.output)])
    pipeline = Pipeline([lane], analyser, settings, observers=[times], duration_s=warm_up_s + seconds + PATIENCE_S)
    last: Result | None = None
    with interrupted_after(pipeline.stop):
        for result in pipeline.results():
            last = result
            counted = times.counted(warm_up_s)
            if len(counted) > FEWEST_BATCHES and counted[-1].ended_at - counted[0].ended_at >= seconds:
                pipeline.stop()
    report, batches = pipeline.report.sources[0], times.counted(warm_up_s)
    if last is None or len(batches) < 2:
        reason = source.status.cause or "; ".join(report.failures) or "that is too slow to measure"
        took_s = warm_up_s + seconds + PATIENCE_S
        raise SourceError(f"{source.info.name}: no more than {len(times.faces_seen)} pictures were looked at in {took_s:.0f} s; {reason}.")
    return Row(
        name=name or source.info.name,
        width=last.frame.width,
        height=last.frame.height,
        faces=float(np.mean(times.faces_seen)),
        min_face_px=settings.detector.smallest_face_px(min(last.frame.width, last.frame.height), still=source.info.still),
        live=source.info.live,
        frames=sum(batch.frames for batch in batches),
        skipped=report.drops["newer"] / max(1, report.read),
        frames_per_s=_rates(batches),
        stages_ms=times.stages_ms(batches),
        looks={
            "search": Looks.of([seconds for batch in batches for seconds in batch.searches], batches),
            "check": Looks.of([seconds for batch in batches for seconds in batch.checks], batches),
        },
    )


@dataclass(slots=True, eq=False)
class _Batch:
    """Frames that were looked at together."""

    searches: list[float]
    """Seconds that each took."""
    checks: list[float]
    seconds: dict[str, float] = field(default_factory=dict)
    frames: int = 0
    ended_at: float = 0.0


class _Times(RunObserver):
    """Keeps how long everything took. Each list is written by one thread."""

    def __init__(self) -> None:
        self.batches: list[_Batch] = []
        self.faces_seen: list[int] = []
        self._decoded_s: list[float] = []
        self._drawn_s: list[float] = []
        self._encoded_s: list[float] = []
        self._drawing_s = 0.0
        self._within: dict[StageName, list[float]] = {"search": [], "check": []}

    def stage(self, stage: StageName, seconds: float) -> None:
        if stage == "decode":
            self._decoded_s.append(seconds)
        elif stage == "draw":
            self._drawing_s = seconds
        elif stage == "write":  # the sink asks for the drawing, so that time is inside this one
            self._drawn_s.append(self._drawing_s)
            self._encoded_s.append(seconds - self._drawing_s)
            self._drawing_s = 0.0
        elif stage == "search" or stage == "check":  # inside "detect", which is told of after them
            self._within[stage].append(seconds)
        else:
            if stage == "detect":
                self.batches.append(_Batch(searches=self._within["search"], checks=self._within["check"]))
                self._within = {"search": [], "check": []}
            self.batches[-1].seconds[stage] = seconds

    def analysed(self, source: Observed, frame: Frame, analysis: Analysis, age_s: float) -> None:
        self.batches[-1].frames += 1
        self.batches[-1].ended_at = time.perf_counter()
        self.faces_seen.append(len(analysis.faces))

    def counted(self, warm_up_s: float) -> list[_Batch]:
        """Those after the warm-up."""
        done = [batch for batch in self.batches[:-1] if batch.frames]  # the last one may still be at work
        return [batch for batch in done if batch.ended_at >= done[0].ended_at + warm_up_s]

    def stages_ms(self, batches: Sequence[_Batch]) -> dict[str, Spread]:
        """By stage, per frame."""
        frames = sum(batch.frames for batch in batches)
        per_frame: dict[str, list[float]] = {"decode": self._decoded_s, "draw": self._drawn_s, "encode": self._encoded_s}
        per_frame = {stage: values[-frames:] for stage, values in per_frame.items()}  # the others were warm-up
        for stage in ("detect", "track", "classify"):
            per_frame[stage] = [batch.seconds.get(stage, 0.0) / batch.frames for batch in batches]
        spreads = {stage: Spread.of([1000 * value for value in per_frame[stage]]) for stage in STAGES if per_frame[stage]}
        means = {stage: 1000 * sum(batch.seconds.get(stage, 0.0) for batch in batches) / frames for stage in ("detect", "classify")}
        means["encode"] = 1000 * float(np.mean(per_frame["encode"] or [0.0]))
        return spreads | {stage: replace(spreads[stage], median=mean) for stage, mean in means.items()}


def _rates(batches: Sequence[_Batch]) -> Spread:
    """Frames per second, from the end of one batch to that of another."""
    cuts = np.unique(np.linspace(0, len(batches) - 1, RATE_PARTS + 1).astype(int)).tolist()
    rates = []
    for start, end in pairwise(cuts):
        frames = sum(batch.frames for batch in batches[start + 1 : end + 1])
        rates.append(frames / (batches[end].ended_at - batches[start].ended_at))
    return Spread.of(rates)


class _PictureAgain:
    """Writes every picture to the same place, in its own format where it can be written."""

    def __init__(self, folder: Path, settings: OutputSettings) -> None:
        self.notes: list[str] = []
        self._folder = folder
        self._settings = settings

    def write(self, result: Result) -> None:
        suffix = Path(result.frame.source).suffix.lower()
        path = self._folder / f"picture{suffix if suffix in writable_suffixes else '.png'}"
        write_picture(path, result.picture, quality=self._settings.jpeg_quality)

    def close(self) -> None:
        """Each picture is complete once written."""


def _sink(info: SourceInfo, folder: Path, settings: OutputSettings) -> Sink:
    if info.still:
        return _PictureAgain(folder, settings)
    return VideoSink(folder / "measured.mp4", info, settings, overwrite=True)
