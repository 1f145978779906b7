"""Does units: what `facestream run` does with the same files, each output put in place whole."""

from __future__ import annotations

import errno
import platform
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from models.atomic import put_in_place
from models.places import exists
from stream.analysis.analyser import Analyser
from stream.archive.files import part_of, sweep
from stream.archive.here import Here
from stream.archive.long_video import LongVideo, Step, cut_of, folder_of, forget, put_together, take_step
from stream.archive.store import Store
from stream.archive.unit import Record, Unit
from stream.drawing.mark import Style
from stream.drawing.overlay import inked
from stream.errors import PictureError, SinkError, SourceError
from stream.job.inputs import Input
from stream.job.lanes import LaneMaker
from stream.monitoring.health import Health
from stream.monitoring.observer import RunObserver
from stream.pipeline.pipeline import Pipeline
from stream.pipeline.report import SourceReport
from stream.settings.schema import Settings
from stream.sinks.events import EventsSink
from stream.sinks.picture import PictureSink, place
from stream.sinks.recording.trial import plays
from stream.sinks.sink import Sink
from stream.sources.addresses import fixed_part, unreadable_below
from stream.sources.opening import open_source
from stream.sources.pictures import PicturesSource
from stream.sources.source import Source

DISK_IS_GONE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE})
"""What no other file could be written for either."""


class UnitWorker:
    """Owns the models and does one unit at a time. `stop` and `share` work from any thread."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        analyser: Analyser,
        *,
        events: bool,
        run: str = "",
        max_frames: int | None = None,
        style: Style = inked,
        observers: Sequence[RunObserver] = (),
        health: Health | None = None,
        ticked: Callable[[], None] = lambda: None,
        here: Here | None = None,
    ) -> None:
        """
        Args:
            here: where the files of a unit are while it is done; None: where the unit says.
            events: whether they are written.
            run: which run it works for: deaths are counted for each.
            max_frames: end each source after so many frames.
            ticked: called after each picture and frame.
        """
        self.share = 0.0
        """How much of the unit in hand is done, about."""
        self.ticks = 0
        """Pictures and frames so far: a worker whose ticks stand still hangs."""
        self.is_reading = False
        """It reads a long file, of which nothing comes meanwhile."""
        self._settings, self._store, self._analyser = settings, store, analyser
        self._run_id, self._here = run, here or Here()
        self._events, self._max_frames, self._style, self._observers = events, max_frames, style, observers
        self._health, self.ticked = health or Health(), ticked
        self._pipeline: Pipeline | None = None
        self._stopped = False

    def stop(self) -> None:
        """The unit in hand is given up, within two seconds, and none is begun any more."""
        self._stopped = True
        if (pipeline := self._pipeline) is not None:
            pipeline.stop()

    def run(self, unit: Unit, *, alone: bool = False, left_out: Collection[str] = (), is_begun: bool = False) -> Record | None:
        """Do a unit: its outputs, then its events, then its record, each put in place whole.

        Args:
            alone: each picture by itself, so that whoever finds this process dead knows at which.
            left_out: of its files those that are not tried, because whoever did has died.
            is_begun: `cut` has looked at it.

        Returns:
            What became of it; None where it was given up.

        Raises:
            SinkError: the disk is full or gone: no other unit could be done either.
            StorageError: the same of an object store.
        """
        try:
            with self._here.brought(unit, left_out, self._moved) as brought:
                return self._run_whole(brought, alone, [*map(self._here.path, left_out)], is_begun)
        except _GivenUp:
            self._store.give_up(unit.id)
            return None

    def _run_whole(self, unit: Unit, alone: bool, left_out: Collection[str], is_begun: bool) -> Record | None:
        began = time.monotonic()
        try:
            if not is_begun:
                self._store.begin_unit(unit.id, self._run_id)
            try:
                record = self._tried(unit, alone, left_out)
            except _OneOfThem:
                record = self._tried(unit, True, left_out)
            if record is None:
                self._store.give_up(unit.id)
                return None
            if self._store.times_begun(unit.id) > 1:
                sweep([self._store.events(unit.id), self._store.record_place(unit.id)])
                sweep(_outputs(unit), parts=unit.kind == "video")
            record = self._here.publish(record, self._store.events(unit.id) if self._events else None, self._moved)
            if self._events:
                self._store.put_events(unit.id)
            record.seconds = round(time.monotonic() - began, 3)
            self._store.finish(record)
        except OSError as error:
            raise SinkError(f"{self._store.files.name}: cannot be written ({error.strerror or error}).") from error
        return record

    def cut(self, unit: Unit) -> LongVideo | None:
        """What is to do of a video that several should do; None: it is done whole, by `run`, which it is begun for.

        Raises:
            SinkError: as `run`.
        """
        settings = self._settings_of(unit)
        self.is_reading = True
        try:
            self._store.begin_unit(unit.id, self._run_id)  # first: opening it may be what kills this process
            cut = cut_of(unit, settings) if self._max_frames is None and not self._here.elsewhere else None
            if cut is None:
                return None
            self._store.give_up(unit.id)
            return LongVideo(unit, cut, folder_of(self._store, unit, cut))
        except OSError as error:
            raise SinkError(f"{self._store.place}: cannot be written ({error.strerror or error}).") from error
        finally:
            self.is_reading = False

    def step(self, video: LongVideo, step: Step) -> tuple[bool, object]:
        """Take one step of a long video. Whether it is done, else it was given up; and the answer.

        Raises:
            SourceError: the video must be done whole.
            SinkError: as `run`.
        """
        settings = self._settings_of(video.unit)
        try:
            if step.kind != "join":
                return True, take_step(step, video, settings, self._analyser, self._style, self._tick)
            record = put_together(video, settings, self._store, events=self._events, done=self._tick)
            record.node = platform.node()
            self._store.finish(record)
            sweep(_outputs(video.unit), parts=True)
            forget(video)
        except _GivenUp:
            return False, None
        except OSError as error:
            raise SinkError(f"{self._store.files.name}: cannot be written ({error.strerror or error}).") from error
        return True, None

    def _moved(self) -> None:
        """A piece of a file is on its way."""
        self.ticks += 1
        if self._stopped:
            raise _GivenUp

    def _tick(self, frames: int) -> None:
        self.ticks += frames
        self.ticked()
        if self._stopped:
            raise _GivenUp

    def _settings_of(self, unit: Unit) -> Settings:
        return self._settings if unit.name is None else self._settings.of_name(unit.name)

    def _tried(self, unit: Unit, alone: bool, left_out: Collection[str]) -> Record | None:
        """Outputs and events are in place afterwards. None: it was stopped."""
        record, self.share = Record(unit.id, node=platform.node()), 0.0
        still = unreadable_below(unit.source) if unit.unreadable else []  # it may have been put right since
        record.failures += [{"source": unit.source, "reason": sentence} for sentence in unit.unreadable if sentence in still]
        dead = [path for path in unit.paths or [unit.source] if path in left_out]
        record.failures += [{"source": path, "reason": f"{path}: whatever reads it dies or never ends; left out."} for path in dead]
        wanted = [path for path in unit.paths if path not in left_out]
        is_empty = unit.kind == "pictures" and not unit.paths
        if dead or is_empty:
            record.reports.append(SourceReport(unit.source).counts())
        rounds = [[path] for path in wanted] if alone and unit.kind == "pictures" else [wanted] if wanted or not (dead or is_empty) else []
        with self._events_of(unit) as events:
            maker = LaneMaker(events, False, self._health, overwrite=True, style=self._style)
            for number, paths in enumerate(rounds):
                if alone:
                    self._store.try_alone(unit.id, self._here.told(paths[0] if paths else unit.source))
                self._run(unit, paths, maker, record, number / len(rounds))
                if self._stopped:
                    return None
        return record

    @contextmanager
    def _events_of(self, unit: Unit) -> Iterator[EventsSink | None]:
        if not self._events:
            yield None
            return
        place = self._store.events(unit.id)
        part = part_of(place)
        over_after_s = self._settings.tracker.forget_after_s if self._settings.output.track_events else None
        events = EventsSink(part, tracks_over_after_s=over_after_s)
        try:
            yield events
            events.close()
            if not self._stopped:
                put_in_place(part, place)
        finally:
            with suppress(SinkError):
                events.close()
            part.unlink(missing_ok=True)

    def _run(self, unit: Unit, paths: Sequence[str], maker: LaneMaker, record: Record, share: float) -> None:
        settings = self._settings_of(unit)
        try:
            source = _source(unit, paths, settings)
        except (SourceError, PictureError) as error:
            _add(record, unit, paths, SourceReport(unit.name or unit.source, error=str(error)), None)
            return
        output = None if unit.output is None else Path(unit.output)
        part = None if output is None or unit.kind == "pictures" else part_of(output, video=True)
        failed: Exception | None = None
        sinks: Sequence[Sink] = ()
        report = SourceReport(source.info.name)
        try:
            try:
                [lane], _ = maker.lanes([Input(source, settings, None if unit.root is None else Path(unit.root), part or output)])
                sinks = lane.sinks
                pipeline = self._pipeline = Pipeline(
                    [lane], self._analyser, self._settings, observers=self._observers, health=self._health, max_frames=self._max_frames
                )
                [report] = pipeline.report.sources
                if self._stopped:
                    pipeline.stop()
                for number, _ in enumerate(pipeline.results(), 1):
                    of = len(unit.paths) if unit.kind == "pictures" else source.info.frames
                    self.share = share + min(number / of, 1.0) if of else share
                    self.ticks += 1
                    self.ticked()
            except (SourceError, PictureError, SinkError) as error:
                if isinstance(error, SinkError) and (_is_disk_gone(error) or len(paths) > 1):
                    raise error if _is_disk_gone(error) else _OneOfThem from error
                failed = error
            self._pipeline = None
            if self._stopped:
                return
            if part is not None and failed is None and report.shown and not part.exists():
                failed = SinkError(f"{output}: somebody has removed it while it was written.")
            if part is not None and part.exists() and output is not None and (failed is None or plays(part)):
                put_in_place(part, output)
                record.outputs.append((str(output), output.stat().st_size))
            for sink in sinks:
                if isinstance(sink, PictureSink):
                    record.outputs += [(str(path), path.stat().st_size) for path in sink.written]
        finally:
            if part is not None:
                part.unlink(missing_ok=True)
        sentence = None if failed is None else str(failed) if part is None else str(failed).replace(str(part), str(output))
        _add(record, unit, paths, report, sentence)


class _GivenUp(Exception):  # noqa: N818 - a wish, not an error
    """The worker was asked to stop in the midst of a step."""


class _OneOfThem(Exception):  # noqa: N818 - no fault yet: which picture's it is will be seen
    """A picture cannot be written: the others must not be lost with it."""


def _source(unit: Unit, paths: Sequence[str], settings: Settings) -> Source:
    if unit.kind == "video":
        return open_source(unit.source, settings.source, name=unit.name)
    if unit.paths == [unit.source]:
        return open_source(unit.source, settings.source, name=unit.name)
    return PicturesSource(unit.source, paths=[Path(path) for path in paths])


def _outputs(unit: Unit) -> list[Path]:
    """What may have been begun for a unit, by whoever died at it."""
    if unit.output is None:
        return []
    output = Path(unit.output)
    if unit.kind == "video" or not output.is_dir():
        return [output]
    below = Path(unit.source) if exists(unit.source) else fixed_part(unit.source)
    return [place(Path(path), below, output) for path in unit.paths]


def _is_disk_gone(error: SinkError) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in DISK_IS_GONE


def _add(record: Record, unit: Unit, paths: Sequence[str], report: SourceReport, failed: str | None) -> None:
    record.reports.append(report.counts())
    reasons = [*report.failures, *([report.error] if report.error else []), *([failed] if failed and failed != report.error else [])]
    for reason in reasons:
        at = next((path for path in paths if reason.startswith(f"{path}:")), paths[0] if len(paths) == 1 else unit.source)
        record.failures.append({"source": at, "reason": reason})
