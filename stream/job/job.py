"""What `facestream run` and `facestream demo` do: sources, models and sinks put together, run, and told about."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from models.inference.priority import stand_back
from stream.analysis.analyser import Analyser
from stream.console import logs
from stream.console.reporter import Console
from stream.errors import DONE, FAILED, INTERRUPTED, PictureError, SinkError, SourceError, UsageError
from stream.job.outputs import check_outputs, plan_outputs
from stream.monitoring.health import Health
from stream.monitoring.metrics import Metrics
from stream.monitoring.server import serve
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.pipeline.priority import LOOKS, RECORDINGS
from stream.pipeline.report import SourceReport
from stream.settings.schema import NamedSource, Settings
from stream.sinks.events import EventsSink
from stream.sinks.picture import PictureSink
from stream.sinks.recording.segments import SegmentedSink
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sinks.screen.mosaic import Mosaic, Tile
from stream.sinks.screen.window import WindowSink, display_available
from stream.sinks.sink import Sink
from stream.sinks.threaded import Threaded
from stream.sources.addresses import redact, with_variables
from stream.sources.opening import expand, open_source
from stream.sources.source import Source

SHOW_CURSOR = b"\x1b[?25h\n"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A source before it is opened."""

    address: str
    settings: Settings
    name: str | None = None


@dataclass(slots=True, eq=False)
class Input:
    """A source, and what holds for it alone."""

    source: Source
    settings: Settings
    root: Path | None = None
    """The folder it was found in, whose structure the output keeps; None where it was named itself."""
    output: Path | None = None

    @property
    def in_pieces(self) -> bool:
        """Whether it is recorded in pieces."""
        return self.source.info.live and self.settings.output.segment_minutes > 0


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
    metrics_host: str = "127.0.0.1"
    overwrite: bool = False
    segment: bool = False
    """`--segment` was said, not only written in the settings: then each source must be a camera."""
    reports: list[SourceReport] = field(default_factory=list)
    """What became of each source, filled while running."""
    interrupted: bool = False
    failed: bool = False

    def run_addresses(self, addresses: Sequence[str]) -> int:
        """Open what the user named, or what the settings list, and run it; the exit code.

        One source of several that cannot be opened does not stop the others.
        """
        inputs: list[Input] = []
        wanted = [one for address in addresses for one in self._named(address)] or self._listed()
        names = [(name, one) for one in wanted for name in expand(one.address, without=self.output)]
        for name, one in names:
            label = one.name if name == one.address else None  # a shelf's videos keep names of their own
            try:
                source = open_source(name, one.settings.source, without=self.output, name=label, waits=len(names) > 1)
            except (SourceError, PictureError) as error:
                if len(names) == 1:
                    raise
                self.reports.append(SourceReport(label or redact(name), error=str(error)))
                continue
            inputs.append(Input(source, one.settings, Path(one.address) if name != one.address and Path(one.address).is_dir() else None))
        if not inputs:
            raise SourceError("; ".join(report.error or "" for report in self.reports))
        return self.run(inputs)

    def _named(self, address: str) -> list[_Wanted]:
        """What a SOURCE means: one that the settings list, by its name, or an address."""
        listed = [one for one in self.settings.sources if one.name == address]
        return self._wanted(listed) or [_Wanted(address, self.settings)]

    def _listed(self) -> list[_Wanted]:
        if not self.settings.sources:
            raise UsageError("name a SOURCE to run, or list some under sources: in a settings file; facestream run --help says more.")
        return self._wanted(self.settings.sources)

    def _wanted(self, listed: Sequence[NamedSource]) -> list[_Wanted]:
        return [_Wanted(with_variables(one.address), self.settings.of(one), one.name) for one in listed]

    def run(self, inputs: Sequence[Input]) -> int:
        """Run all live sources side by side, then each file on its own; the exit code."""
        window = self._wants_window()
        self._plan(inputs)
        with ExitStack() as stack:
            metrics = Metrics(Health(self.settings.pipeline.stalled_after_s))
            if self.metrics_port is not None:
                stack.enter_context(serve(metrics, self.metrics_port, self.metrics_host))
            events: EventsSink | None = None
            if self.events is not None:
                events = EventsSink(self.events, overwrite=self.overwrite, health=metrics.health)
                stack.callback(_close, events)
            list_pictures = not window and self.output is None
            console = stack.enter_context(Console(list_pictures=list_pictures, stdout_taken=self.events == "-"))
            for report in self.reports:
                console.failed(report.error or "", report.name)
            analyser = self._analyser(stands_back=any(one.source.info.live for one in inputs) and (window or self.output is not None))
            deadline = float("inf") if self.duration_s is None else time.monotonic() + self.duration_s
            for group in _groups(inputs):
                left_s = deadline - time.monotonic()
                if left_s <= 0 or self._run_group(group, events, window, analyser, metrics, console, left_s):
                    if events is not None:
                        events.hurry()
                    break
        return self._exit_code()

    def _analyser(self, *, stands_back: bool) -> Analyser:
        """With `stands_back`, the threads of its networks, too, leave the cores to those that show and record what is live."""
        with ThreadPoolExecutor(1, initializer=stand_back, initargs=(LOOKS if stands_back else 0,)) as loader:
            return loader.submit(Analyser.load, self.settings).result()

    def _plan(self, inputs: Sequence[Input]) -> None:
        """Decide where each input is written, before any work."""
        inputs = sorted(inputs, key=lambda one: not one.settings.output.enabled)  # those that are written come first
        infos = [one.source.info for one in inputs]
        if self.segment and (file := next((info for info in infos if not info.live), None)):
            raise UsageError(f"{file.name}: --segment cuts recordings of cameras, and this is none; leave it out.")
        written = [one for one in inputs if one.settings.output.enabled and self.output is not None]
        planned: list[Path] = []
        if self.output is not None and written:
            planned = plan_outputs(infos[: len(written)], self.output, [one.root for one in written])
        events = [] if self.events in (None, "-") else [Path(str(self.events))]
        lent = [path for one, path in zip(written, planned, strict=True) if one.in_pieces]
        check_outputs(infos, planned, events, overwrite=self.overwrite, lent=lent)
        for one, path in zip(written, planned, strict=True):
            one.output = path

    def _wants_window(self) -> bool:
        if self.window is False or (self.window is None and (self.output is not None or self.events is not None)):
            return False
        available, reason = display_available()
        if self.window and not available:
            raise SinkError(f"--window: {reason}.")
        return available

    def _run_group(
        self,
        group: list[Input],
        events: EventsSink | None,
        window: bool,
        analyser: Analyser,
        metrics: Metrics,
        console: Console,
        left_s: float,
    ) -> bool:
        """Run what runs side by side. Whether the user wants to end it all."""
        try:
            mosaic = Mosaic([one.source.info for one in group]) if window and len(group) > 1 else None
            windows = mosaic.tiles if mosaic else [WindowSink(one.source.info.name) if window else None for one in group]
            recordings = _Recordings(console, sum(one.output is not None for one in group))
            alone = recordings.failed_one if len(group) > 1 else None
            lanes = [self._lane(one, events, shown, metrics.health, alone) for one, shown in zip(group, windows, strict=True)]
        except SinkError as error:
            console.failed(str(error))
            self.failed = True
            return False
        pipeline = Pipeline(lanes, analyser, metrics=metrics, max_frames=self.max_frames, duration_s=left_s, screen=mosaic)
        if not (window or events or self.metrics_port is not None):
            recordings.on_last = pipeline.stop  # nothing would be left to do
        try:
            with self._stops_on_signal(pipeline):
                for result in pipeline.results():
                    console.shown(result)
        except (SourceError, PictureError, SinkError) as error:  # the sources that follow may do better
            console.failed(str(error))
            self.failed = True
        finally:
            self.failed |= recordings.failed
            for report, one in zip(pipeline.report.sources, group, strict=True):
                self.reports.append(report)
                console.ended(report, one.source, one.output)
        return pipeline.report.stopped

    def _lane(
        self,
        one: Input,
        events: EventsSink | None,
        shown: WindowSink | Tile | None,
        health: Health,
        on_failure: Callable[[Exception], None] | None,
    ) -> Lane:
        info, path, settings, sinks = one.source.info, one.output, one.settings.output, list[Sink]()
        if path is not None and info.still:
            sinks.append(PictureSink(path, info, settings, overwrite=self.overwrite))
        elif path is not None:
            kind = SegmentedSink if one.in_pieces else VideoSink
            video = kind(path, info, settings, overwrite=self.overwrite)
            sinks.append(
                Threaded(video, health=health, source=info.name, steps_back=RECORDINGS, on_failure=on_failure) if info.live else video
            )
        if shown is not None:
            sinks.append(shown)
        status = info.live or (shown is not None and path is None and not info.still)
        looks = [_Kept(events)] if events else []
        turn = shown.turned if isinstance(shown, WindowSink) else None
        return Lane(one.source, sinks, looks, paced=shown is not None, status=status, turn=turn, settings=one.settings)

    @contextmanager
    def _stops_on_signal(self, pipeline: Pipeline) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the run in order; a second one breaks it off."""

        def stop(number: int, frame: FrameType | None) -> None:
            if self.interrupted:
                break_off()
            self.interrupted = True
            pipeline.stop()

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


@dataclass(slots=True)
class _Recordings:
    """Those of cameras that run side by side: one that fails (its disk is full) ends alone, with a sentence."""

    console: Console
    going_on: int
    failed: bool = False
    on_last: Callable[[], None] = lambda: None

    def failed_one(self, error: Exception) -> None:
        if not isinstance(error, SinkError):
            raise error
        self.console.failed(str(error))
        self.failed = True
        self.going_on -= 1
        if self.going_on == 0:
            self.on_last()


def break_off() -> None:
    """End the program at once. Recordings play up to their last second, events are whole: both are on the disk as they come."""
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, SHOW_CURSOR)  # a bar hides it
    os._exit(INTERRUPTED)


def _close(events: EventsSink) -> None:
    events.close()
    for note in events.notes:
        logs.say(note, level=logging.WARNING)


class _Kept:
    """A sink that outlives a pipeline: several files write into one."""

    def __init__(self, sink: EventsSink) -> None:
        self.notes: list[str] = []  # told once, by whoever closes the sink
        self._sink = sink

    @property
    def full(self) -> bool:
        return self._sink.full

    def hurry(self) -> None:
        self._sink.hurry()

    def write(self, result: Result) -> None:
        self._sink.write(result)

    def poll(self, stale: Result | None = None) -> None:
        self._sink.poll(stale)

    def close(self) -> None:
        pass


def _groups(inputs: Sequence[Input]) -> list[list[Input]]:
    """What runs side by side: all that is live; then each file alone, so that it gets the whole machine."""
    live = [one for one in inputs if one.source.info.live]
    return ([live] if live else []) + [[one] for one in inputs if not one.source.info.live]
