"""One source on its way to its sinks: its feeds, its counts, and what each of the three threads does with it."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stream.analysis.analyser import Analyser
from stream.faces import Analysis
from stream.frame import Frame
from stream.monitoring.health import Pulse
from stream.monitoring.metrics import Metrics
from stream.monitoring.timing import Stage
from stream.pipeline.feeds import LatestFeed, LosslessFeed, Watched
from stream.pipeline.report import SourceReport
from stream.pipeline.silence import Silence
from stream.settings.schema import Settings
from stream.sinks.result import Result
from stream.sinks.sink import Sink, Waits
from stream.sinks.threaded import Threaded
from stream.sources.source import Source

BEHIND_S = 1.0
"""A file in a window that is later than this goes on from where it is."""
IDLE_S = 0.04
"""How often a lane's windows handle their keys while no result comes for them."""
LOOK_LATE_S = 0.25
"""A live picture that stays for longer (the camera is slow) is shown once more when its own faces are known."""
WAITING_PIXELS = 1e8
"""Pixels that may wait before a stage, whatever `queue_size` says: a folder of huge photos must not fill the memory."""
LOOKS_WAITING = 32
"""Looks at live frames that may wait for the renderer."""


@dataclass(eq=False)
class Lane:
    """One source and where its results go."""

    source: Source
    sinks: Sequence[Sink] = ()
    """Get every shown frame, with its faces."""
    look_sinks: Sequence[Sink] = ()
    """Get every analysed frame, with the faces found in it: live, that is fewer than are shown."""
    paced: bool = False
    """Show a file at its own pace, not as fast as can be."""
    status: bool = False
    """Write a status line into the picture."""
    turn: Callable[[], bool] | None = None
    """Pictures in a window: whether the user has asked for the next one; each stays until then."""
    settings: Settings | None = None
    """Of this source, where it has some of its own."""


class RunningLane:
    """A lane while it runs."""

    def __init__(
        self,
        lane: Lane,
        analyser: Analyser,
        stage: Stage,
        metrics: Metrics,
        to_worker: threading.Condition,
        to_renderer: threading.Condition,
        max_frames: int | None,
    ) -> None:
        self._lane = lane
        self._info = lane.source.info
        self._stage = stage
        self._metrics = metrics
        self._max_frames = max_frames
        settings = analyser.settings.pipeline
        self._batch_size = settings.batch_size
        self.report = SourceReport(self._info.name)
        self.memory = analyser.memory(self._info, lane.settings)
        self.frames: LatestFeed[Frame] | LosslessFeed[Frame]
        """To the worker."""
        self.looks: LosslessFeed[tuple[Frame, Analysis]]
        """From the worker to the renderer."""
        self.newest: LatestFeed[Frame] = LatestFeed(to_renderer, lambda frame: metrics.drop(self.report.name, "unshown"))
        """From the source straight to the renderer; live only."""
        if self._info.live:
            self.frames = LatestFeed(to_worker, lambda frame: self.drop("newer"))
            self.looks = LosslessFeed(LOOKS_WAITING, to_renderer)
        else:
            size = max(settings.queue_size, settings.batch_size)
            self.frames = LosslessFeed(size, to_worker, weigh=_pixels, capacity=WAITING_PIXELS)
            self.looks = LosslessFeed(size, to_renderer, weigh=lambda look: _pixels(look[0]), capacity=WAITING_PIXELS)
        self._halted = threading.Event()
        self._counting = threading.Lock()
        self._error: BaseException | None = None
        self._analysis = Analysis(self._info.name, -1, 0.0)
        """Live only: the newest look, and none from before a gap."""
        self._looked_at: float | None = None
        self._gap_ended_at = 0.0
        self._look_is_late = False
        """Live only: the newest look is at the very picture that is on the screen without it."""
        self._silence = Silence(lane.source, time.monotonic())
        self._idle_at = 0.0
        self._held: Result | None = None
        """Paced only: the next result, before its time."""
        self._starts_at: float | None = None
        """Paced only: the moment of the source's time 0."""
        self._stays = False
        """The picture on screen waits for the user to turn to the next."""
        self._last: Result | None = None
        self._begun = 0.0
        self._rate = _Rate()
        self._waits = [sink for sink in (*lane.look_sinks, *lane.sinks) if isinstance(sink, Waits)]
        self._threaded = [sink for sink in lane.sinks if isinstance(sink, Threaded)]
        self._told = Counter[str]()
        """What the metrics have been told, of what is counted elsewhere."""
        self._telling = threading.Lock()
        metrics.began(self.report.name)
        metrics.on_refresh.append(self.tell)

    # the capture thread

    def capture(self) -> None:
        """Read the source to its end, its `max_frames` or `halt`."""
        with self._metrics.health.thread("capture", self.report.name, lambda: self._lane.source.status.seen_at) as pulse:
            self._capture(pulse)

    def _capture(self, pulse: Pulse) -> None:
        try:
            for frame in self._read(pulse):
                if self._halted.is_set():
                    break  # it counts as never read: nobody was given it
                self._begun = self._begun or frame.captured_at
                self.report.read += 1
                self._metrics.frame(self.report.name, "read")
                if self._info.live:
                    self.newest.give(frame)
                if not self.frames.give(frame):
                    self.drop("stopped")
                if self.report.read == self._max_frames:
                    break
        except BaseException as error:  # noqa: BLE001 - a thread's edge: handed over to the renderer's
            self._error = error
        finally:
            self._lane.source.close()
            self.frames.end()
            self.newest.end()

    def _read(self, pulse: Pulse) -> Iterator[Frame]:
        frames = iter(self._lane.source)
        while True:
            pulse.begins("read")
            begin = time.perf_counter()
            frame = next(frames, None)
            pulse.rests()
            if frame is None:
                return
            if not self._info.live:  # a camera's own pace is no work
                self._metrics.stage("decode", time.perf_counter() - begin)
            yield frame

    def drop(self, reason: str) -> None:
        """Count a frame that nobody will look at. Any thread."""
        with self._counting:
            self.report.drops[reason] += 1
        self._metrics.frame(self.report.name, "dropped")
        self._metrics.drop(self.report.name, reason)

    # the worker

    def take(self) -> list[Frame]:
        """What is there to look at now."""
        return self.frames.take(self._batch_size)

    def hand_on(self, frame: Frame, analysis: Analysis) -> None:
        """Give a look to the renderer."""
        self.report.count(analysis)
        self._metrics.analysed(self.report.name, time.monotonic() - frame.captured_at, analysis)
        self.looks.give((frame, analysis))

    # the renderer

    @property
    def shows_live(self) -> bool:
        """There is a live picture that looks must not make late."""
        return self._info.live and bool(self._lane.sinks)

    @property
    def shown_all(self) -> bool:
        return self.looks.ended and self.newest.ended and self._held is None and not self._stays

    @property
    def shows_next(self) -> list[Watched]:
        """Where the next thing to show comes from; nowhere while one is held back until its time, or until a reader has read."""
        return [] if self._held is not None or self._stays or self._held_up else [self.looks, self.newest]

    @property
    def due_in_s(self) -> float:
        """When the result that is held back must be shown; infinity when there is none."""
        if self._held is None or self._stays or self._held_up:
            return float("inf")
        if not self._lane.paced or self._info.still or self._halted.is_set():
            return 0.0
        now, time_s = time.monotonic(), self._held.frame.time_s
        if self._starts_at is None or now - self._starts_at - time_s > BEHIND_S:  # too slow to keep up: begin anew from here
            self._starts_at = now - time_s
        return max(self._starts_at + time_s - now, 0.0)

    @property
    def _held_up(self) -> bool:
        """A file's results wait for a sink that would lose them; a live picture waits for nobody."""
        return not self._info.live and any(sink.full for sink in self._waits)

    def show(self) -> list[Result]:
        """Give the sinks what has come and whose time has come."""
        return self._show_live() if self._info.live else self._show_file()

    def _show_file(self) -> list[Result]:
        if self._stays:
            assert self._lane.turn is not None
            self._stays = not (self._lane.turn() or self._halted.is_set())
            return []
        if self._held_up:
            return []
        if self._held is None:
            for frame, analysis in self.looks.take():
                self._held = self._result(frame, analysis)
        if self._held is None or self.due_in_s > 0:
            return []
        result, self._held = self._held, None
        _write_all(self._lane.look_sinks, result)
        self._write(result)
        self._metrics.health.ready = True
        self._stays = self._info.still and self._lane.turn is not None
        return [result]

    def _show_live(self) -> list[Result]:
        for frame, analysis in self.looks.take(LOOKS_WAITING):
            _write_all(self._lane.look_sinks, Result(frame, analysis, self._info))
            self._metrics.health.ready = True
            self._learn(frame, analysis)
        return [self._show_newest(frame) for frame in self.newest.take()]

    def _learn(self, frame: Frame, analysis: Analysis) -> None:
        if frame.captured_at >= self._gap_ended_at:
            self._analysis, self._looked_at = analysis, frame.captured_at
            last = self._last
            self._look_is_late = last is not None and frame.index == last.frame.index and bool(analysis.faces or last.analysis.faces)

    def _show_newest(self, frame: Frame) -> Result:
        if self._silence.ended_by(frame):
            self._gap_ended_at = frame.captured_at
            if self._analysis.index < frame.index:
                self._analysis, self._looked_at = Analysis(self._info.name, -1, 0.0), None
        self._look_is_late = False
        result = self._result(frame, self._analysis.at(frame.time_s))
        self._write(result)
        return result

    def _result(self, frame: Frame, analysis: Analysis) -> Result:
        return Result(frame, analysis, self._lane.source.info, self._status_line(frame) if self._lane.status else "", self._stage)

    def _write(self, result: Result) -> None:
        with self._stage("write"):
            _write_all(self._lane.sinks, result)
        now = time.monotonic()
        latency_s = now - result.frame.captured_at
        self.report.shown += 1
        self.report.latencies_s.append(latency_s)
        self.report.seconds = now - self._begun
        self._metrics.shown(self.report.name, latency_s)
        self._rate.tick(now)
        self._last, self._idle_at = result, now

    def idle(self) -> None:
        """Called in every round: if nothing came for a while, let the windows live, and tell them what to show in place of a picture."""
        now = time.monotonic()
        if now - self._idle_at < IDLE_S:
            return
        self._idle_at = now
        stale = None
        if self._lane.status and self._info.live and not self.newest.ended:
            stale = self._silence.picture(now)
            if self._look_is_late and self._last is not None and now - self._last.frame.captured_at > LOOK_LATE_S:
                self._look_is_late = False
                stale = stale or self._result(self._last.frame, self._analysis)
        for sink in self._lane.sinks:
            sink.poll(stale)

    def _status_line(self, frame: Frame) -> str:
        parts = [f"{self._rate.per_second:.0f} frames/s"]
        if self._info.live:
            now = time.monotonic()
            parts.append(f"latency {1000 * (now - frame.captured_at):.0f} ms")
            parts.append("no look yet" if self._looked_at is None else f"last look {1000 * (now - self._looked_at):.0f} ms ago")
            parts.append(self._lane.source.status.state)
        else:
            parts.append(f"at {frame.time_s:.1f} s")
        return " · ".join(parts)

    # anyone

    def tell(self) -> None:
        """Tell the metrics how things are now, and what is counted elsewhere."""
        name, status, metrics = self.report.name, self._lane.source.status, self._metrics
        with self._telling:
            self.report.reconnects = status.reconnects
            metrics.reconnects(name, self._new("reconnects", status.reconnects))
            metrics.decode_errors(name, self._new("decode_errors", status.decode_errors))
            metrics.drop(name, "unwritten", self._new("unwritten", sum(sink.dropped + sink.lost for sink in self._threaded)))
        metrics.up(name, status.state == "up")
        metrics.waiting(name, "look", self.frames.waiting)
        metrics.waiting(name, "show", self.looks.waiting + self.newest.waiting)
        metrics.waiting(name, "write", max((sink.waiting for sink in self._threaded), default=0))
        if (last := self._last) is not None:
            metrics.last_shown(name, time.time() - time.monotonic() + last.frame.captured_at)

    def _new(self, what: str, count: int) -> int:
        new = count - self._told[what]
        self._told[what] = count
        return new

    # the end

    def halt(self) -> None:
        """Close the source, and drop what nobody has looked at; what was analysed can still be shown."""
        self._halted.set()
        self._lane.source.close()
        for _ in self.frames.abandon():
            self.drop("stopped")
        self.newest.abandon()

    def hurry(self) -> None:
        """The user wants to end: no sink waits for long any more."""
        for sink in self._waits:
            sink.hurry()

    def finish(self) -> list[BaseException]:
        """Close the sinks, each whatever the others do, and complete the report. The errors of the source and of closing."""
        errors = [] if self._error is None else [self._error]
        notes: list[str] = []
        for sink in dict.fromkeys([*self._lane.look_sinks, *self._lane.sinks]):
            try:
                sink.close()
            except Exception as error:  # noqa: BLE001 - every close runs; the caller raises the first error
                errors.append(error)
            notes += sink.notes
        self._metrics.on_refresh.remove(self.tell)
        self.tell()
        self._metrics.up(self.report.name, False)
        if not self._info.live:
            self._metrics.ended(self.report.name)
        status = self._lane.source.status
        self.report.failures = list(status.failures)
        self.report.notes = [*status.notes, *notes]
        self.report.error = str(self._error) if self._error else None
        return errors


class _Rate:
    """Events per second over the last two seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def tick(self, now: float) -> None:
        self._times.append(now)
        while now - self._times[0] > 2:
            self._times.popleft()

    @property
    def per_second(self) -> float:
        span = self._times[-1] - self._times[0] if self._times else 0.0
        return (len(self._times) - 1) / span if span else 0.0


def _pixels(frame: Frame) -> float:
    return frame.width * frame.height


def _write_all(sinks: Sequence[Sink], result: Result) -> None:
    for sink in sinks:
        sink.write(result)
