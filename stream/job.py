"""What `facestream run` and `facestream demo` do: sources, models and sinks put together, run, and told about."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from stream.analyser import Analyser
from stream.config import Settings
from stream.console import Console
from stream.errors import PictureError, SinkError, SourceError
from stream.frame import SourceInfo
from stream.lane import Lane
from stream.metrics import Metrics
from stream.outputs import check_outputs, plan_outputs
from stream.pipeline import Pipeline
from stream.report import SourceReport
from stream.sinks import Result, Sink
from stream.sinks.events import EventsSink
from stream.sinks.picture import PictureSink
from stream.sinks.segments import SegmentedSink
from stream.sinks.threaded import Threaded
from stream.sinks.video import VideoSink
from stream.sinks.window import WindowSink, display_available
from stream.sources import Source, expand, open_source

DONE, FAILED, INTERRUPTED = 0, 1, 130
"""Exit codes; 2, asked wrongly, is the command line's."""


@dataclass(slots=True)
class Job:
    """What the user asked for."""

    settings: Settings
    output: Path | None = None
    events: str | None = None
    """A path, or "-" for stdout."""
    window: bool | None = None
    """None: where a display is there and nothing is written."""
    max_frames: int | None = None
    duration_s: float | None = None
    metrics_port: int | None = None
    overwrite: bool = False
    reports: list[SourceReport] = field(default_factory=list)
    """What became of each source, filled while running."""
    interrupted: bool = False
    failed: bool = False

    def run_addresses(self, addresses: Sequence[str]) -> int:
        """Open what the user named, and run it; the exit code. One source of several that cannot be opened does not stop the others."""
        sources: list[Source] = []
        roots: list[Path | None] = []
        names = [(name, address) for address in addresses for name in expand(address, without=self.output)]
        for name, address in names:
            try:
                sources.append(open_source(name, self.settings.source, without=self.output))
                roots.append(Path(address) if name != address and Path(address).is_dir() else None)
            except (SourceError, PictureError) as error:
                if len(names) == 1:
                    raise
                self.reports.append(SourceReport(name, error=str(error)))
        if not sources:
            raise SourceError("; ".join(report.error or "" for report in self.reports))
        return self.run(sources, roots)

    def run(self, sources: Sequence[Source], roots: Sequence[Path | None] | None = None) -> int:
        """Run all live sources side by side, then each file on its own; the exit code."""
        window = self._wants_window()
        outputs = self._plan([source.info for source in sources], roots or [None] * len(sources))
        with ExitStack() as stack:
            metrics = Metrics()
            if self.metrics_port is not None:
                stack.enter_context(metrics.serve(self.metrics_port))
            events: EventsSink | None = None
            if self.events is not None:
                events = EventsSink(self.events, overwrite=self.overwrite)
                stack.callback(events.close)
            list_pictures = not window and self.output is None
            console = stack.enter_context(Console(list_pictures=list_pictures, stdout_taken=self.events == "-"))
            for report in self.reports:
                console.failed(report.error or "")
            analyser = Analyser.load(self.settings)
            deadline = float("inf") if self.duration_s is None else time.monotonic() + self.duration_s
            for group in _groups(list(zip(sources, outputs, strict=True))):
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self._run_group(group, events, window, analyser, metrics, console, left_s):
                    break
        return self._exit_code()

    def _plan(self, infos: list[SourceInfo], roots: Sequence[Path | None]) -> list[Path] | list[None]:
        planned = [] if self.output is None else plan_outputs(infos, self.output, roots)
        events = [] if self.events in (None, "-") else [Path(str(self.events))]
        check_outputs(infos, planned, events, overwrite=self.overwrite)
        return planned or [None] * len(infos)

    def _wants_window(self) -> bool:
        if self.window is False or (self.window is None and (self.output is not None or self.events is not None)):
            return False
        available, reason = display_available()
        if self.window and not available:
            raise SinkError(f"--window: {reason}.")
        return available

    def _run_group(
        self,
        group: list[tuple[Source, Path | None]],
        events: EventsSink | None,
        window: bool,
        analyser: Analyser,
        metrics: Metrics,
        console: Console,
        left_s: float,
    ) -> bool:
        """Run what runs side by side. Whether the user wants to end it all."""
        try:
            lanes = [self._lane(source, path, events, window) for source, path in group]
        except SinkError as error:
            console.failed(str(error))
            self.failed = True
            return False
        pipeline = Pipeline(lanes, analyser, metrics=metrics, max_frames=self.max_frames, duration_s=left_s)
        try:
            with self._stops_on_signal(pipeline):
                for result in pipeline.results():
                    console.shown(result)
        except (SourceError, PictureError, SinkError) as error:  # the sources that follow may do better
            console.failed(str(error))
            self.failed = True
        finally:
            for report, (source, path) in zip(pipeline.report.sources, group, strict=True):
                self.reports.append(report)
                console.ended(report, source, path)
        return pipeline.report.stopped

    def _lane(self, source: Source, path: Path | None, events: EventsSink | None, window: bool) -> Lane:
        info, sinks = source.info, list[Sink]()
        if path is not None and info.still:
            sinks.append(PictureSink(path, info, self.settings.output, overwrite=self.overwrite))
        elif path is not None:
            kind = SegmentedSink if info.live and self.settings.output.segment_minutes else VideoSink
            video = kind(path, info, self.settings.output, overwrite=self.overwrite)
            sinks.append(Threaded(video) if info.live else video)
        shown = WindowSink(info.name) if window else None
        if shown is not None:
            sinks.append(shown)
        status = info.live or (window and path is None and not info.still)
        looks = [_Kept(events)] if events else []
        return Lane(source, sinks, looks, paced=window, status=status, turn=shown.turned if shown else None)

    @contextmanager
    def _stops_on_signal(self, pipeline: Pipeline) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the run in order; a second Ctrl-C breaks it off."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            pipeline.stop()
            signal.signal(signal.SIGINT, signal.default_int_handler)

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _exit_code(self) -> int:
        if self.interrupted:
            return INTERRUPTED
        failed = self.failed or any(report.error or report.failures or not report.read for report in self.reports)
        return FAILED if failed else DONE


class _Kept:
    """A sink that outlives a pipeline: several files write into one."""

    def __init__(self, sink: Sink) -> None:
        self.notes: list[str] = []  # told once, by whoever closes the sink
        self._sink = sink

    def write(self, result: Result) -> None:
        self._sink.write(result)

    def poll(self, stale: Result | None = None) -> None:
        self._sink.poll(stale)

    def close(self) -> None:
        pass


def _groups(sources: list[tuple[Source, Path | None]]) -> list[list[tuple[Source, Path | None]]]:
    """What runs side by side: all that is live; then each file alone, so that it gets the whole machine."""
    live = [one for one in sources if one[0].info.live]
    return ([live] if live else []) + [[one] for one in sources if not one[0].info.live]
