"""What `facestream run` and `facestream demo` do: sources, models and sinks put together, run, and told about."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from models.inference.priority import stand_back
from stream.analysis.analyser import Analyser
from stream.console import logs
from stream.console.reporter import Console
from stream.deadline import Deadline
from stream.drawing.mark import Style
from stream.drawing.overlay import inked
from stream.errors import DONE, FAILED, INTERRUPTED, PictureError, SinkError, SourceError
from stream.job.inputs import Input
from stream.job.lanes import Events, LaneMaker, groups
from stream.job.outputs import assign_outputs
from stream.monitoring.health import Health
from stream.monitoring.metrics import Metrics
from stream.monitoring.observer import Observed, RunObserver
from stream.monitoring.server import serve
from stream.pipeline.pipeline import Pipeline
from stream.pipeline.priority import LOOKS
from stream.pipeline.report import SourceReport
from stream.settings.schema import Settings
from stream.signals import on_signal
from stream.sinks.events import EventsSink
from stream.sinks.recording.trial import plays
from stream.sinks.screen.window import display_available
from stream.web.host import WebHost, WebOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user asked for besides sources and settings."""

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
    web: WebOptions | None = None
    """A page in the browser."""
    retry_failed: bool = False
    """An archive: what could not be done is tried again."""
    segment: bool = False
    """`--segment` was said, not only written in the settings: then each source must be a camera."""


class Job:
    """Runs inputs to their end, once."""

    def __init__(
        self,
        settings: Settings,
        options: Options,
        unopened: Sequence[SourceReport] = (),
        *,
        analyser: Analyser | None = None,
        style: Style = inked,
    ) -> None:
        """
        Args:
            unopened: of sources that were asked for and could not be opened: told, and the job has failed.
            analyser: None: one with the models that the settings name.
            style: how pictures are marked.
        """
        self.reports = list(unopened)
        """What became of each source, filled while running."""
        self._settings, self._options, self._analyser, self._style = settings, options, analyser, style
        self._health = Health(settings.pipeline.stalled_after_s)
        self._metrics = Metrics(self._health)
        self._interrupted = self._failed = False
        self._stop: Callable[[], None] = lambda: None
        """Ends what runs now."""
        self._web: WebHost | None = None
        self._no_window = ""
        """Why nothing is shown, until that is told; empty where nobody expects a window."""

    def run(self, inputs: Sequence[Input]) -> int:
        """Run all live sources side by side, then each file on its own; the exit code."""
        options, window = self._options, self._wants_window()
        assign_outputs(inputs, options.output, options.events, overwrite=options.overwrite, segment=options.segment)
        with ExitStack() as stack:
            if options.metrics_port is not None and not (options.web is not None and options.web.metrics_too):
                stack.enter_context(serve(self._metrics, self._health, options.metrics_port, options.metrics_host))
            events: EventsSink | None = None
            if options.events is not None:
                over_after_s = self._settings.tracker.forget_after_s if self._settings.output.track_events else None
                events = EventsSink(options.events, overwrite=options.overwrite, health=self._health, tracks_over_after_s=over_after_s)
                stack.callback(_close, events)
            list_pictures = not window and options.output is None
            console = stack.enter_context(Console(list_pictures=list_pictures, stdout_taken=events is not None and events.is_stdout))
            for report in self.reports:
                console.failed(report.error or "", report.name)
            live = any(one.source.info.live for one in inputs)
            stands_back = live and (window or options.output is not None or options.web is not None)
            analyser = self._analyser or load_analyser(self._settings, stands_back=stands_back)
            if options.web is not None:
                invite = None if logs.for_machines() else logs.invite
                self._web = WebHost(options.web, self._metrics, self._health, logs.say, invite, self._settings)
                stack.enter_context(self._web.open())
            maker = LaneMaker(events, window, self._health, options.overwrite, self._web, self._style)
            ends_at = float("inf") if options.duration_s is None else time.monotonic() + options.duration_s
            for group in groups(inputs) or [[]]:
                left_s = ends_at - time.monotonic()
                if left_s <= 0 or self._run_group(group, maker, analyser, console, left_s):
                    if events is not None:
                        events.hurry(Deadline.now())
                    break
        return self._exit_code()

    def _wants_window(self) -> bool:
        options = self._options
        elsewhere = options.output is not None or options.events is not None or options.web is not None
        if options.window is False or (options.window is None and elsewhere):
            return False
        available, reason = display_available()
        if options.window and not available:
            raise SinkError(f"--window: {reason}.")
        self._no_window = reason
        return available

    def _run_group(self, group: list[Input], maker: LaneMaker, analyser: Analyser, console: Console, left_s: float) -> bool:
        """Run what runs side by side. Whether the user wants to end it all."""
        try:
            lanes, screen = maker.lanes(group)
        except SinkError as error:
            console.failed(str(error))
            self._failed = True
            return False
        failed = False
        outputs = _Outputs(console, maker.events, sum(one.output is not None for one in group))
        with on_signal(self._interrupt):
            left_s -= self._wait_for_page(group, maker, left_s)
            settings = self._settings if self._web is None else self._web.settings  # a page may have changed them
            pipeline = Pipeline(
                lanes,
                analyser,
                settings,
                observers=[self._metrics, outputs],
                health=self._health,
                max_frames=self._options.max_frames,
                duration_s=max(0.0, left_s),
                screen=screen,
                stays=not group,
            )
            self._stop = pipeline.stop
            if self._interrupted:
                pipeline.stop()
            if not (maker.window or maker.events or maker.web or self._options.metrics_port is not None):
                outputs.nothing_left = pipeline.stop
            if self._web is not None:
                self._web.began(pipeline, settings, takes_guests=all(one.source.info.live for one in group))
            try:
                for result in pipeline.results():
                    if self._no_window and not result.info.still:  # of each picture a line is printed
                        logs.say(f"no window is opened: {self._no_window}; -o writes the pictures, --events what was found")
                        self._no_window = ""
                    console.shown(result)
            except (SourceError, PictureError, SinkError) as error:  # the sources that follow may do better
                console.failed(str(error))
                failed = True
            finally:
                if self._web is not None:
                    self._web.over()
                failed |= outputs.failed
                self._failed |= failed
                for report, one in zip(pipeline.report.sources, group, strict=False):  # guests came after them
                    self.reports.append(report)
                    console.ended(report, one.source, _written(one) if failed else one.output)
        return pipeline.report.stopped

    def _interrupt(self) -> None:
        self._interrupted = True
        self._stop()
        if self._web is not None:
            self._web.hurry()

    def _wait_for_page(self, group: list[Input], maker: LaneMaker, most_s: float) -> float:
        """Where a file plays for pages: until one is open. The seconds that it took."""
        began = time.monotonic()
        if self._web is not None and group and maker.plays_for_pages(group[0]):
            self._web.wait_for_page(or_else=lambda: self._interrupted or time.monotonic() - began >= most_s)
        return time.monotonic() - began

    def _exit_code(self) -> int:
        if self._interrupted:
            return INTERRUPTED
        failed = self._failed or any(report.error or report.failures or not report.read for report in self.reports)
        return FAILED if failed else DONE


class _Outputs(RunObserver):
    """Recordings of cameras that run side by side, of which one that fails ends alone, with a sentence; and the events of all of them."""

    def __init__(self, console: Console, events: Events | None, recordings: int) -> None:
        self.failed = False
        self.nothing_left: Callable[[], None] = lambda: None
        """Called when the last recording has failed."""
        self._console, self._events, self._recordings = console, events, recordings

    def output_failed(self, source: Observed, error: Exception) -> None:
        self._console.failed(str(error))
        self.failed = True
        self._recordings -= 1
        if self._recordings == 0:
            self.nothing_left()

    def stopping(self, deadline: Deadline) -> None:
        if self._events is not None:
            self._events.hurry(deadline)


def load_analyser(settings: Settings, *, stands_back: bool) -> Analyser:
    """The models. With `stands_back`, the threads of its networks, too, leave the cores to those that show and record what is live."""
    with ThreadPoolExecutor(1, initializer=stand_back, initargs=(LOOKS if stands_back else 0,)) as loader:
        return loader.submit(Analyser.load, settings).result()


def _written(one: Input) -> Path | None:
    """The output of an input whose run has failed, if it can be used."""
    if one.output is None or one.source.info.still or plays(one.output):
        return one.output
    return None


def _close(events: EventsSink) -> None:
    events.close()
    for note in events.notes:
        logs.say(note, level=logging.WARNING)
