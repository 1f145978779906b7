"""Starts the threads, passes errors on, stops everything.

One thread reads each source, one worker owns the models, and whoever takes the results is the renderer, which owns the
windows. They meet in feeds and nowhere else:

    live:  source ─┬─ newest frame ──> worker ── looks ──┐
                   └─ newest frame ──────────────────────┴─> renderer ──> sinks
    file:  source ──── every frame ──> worker ── looks ────> renderer ──> sinks
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from models.inference.priority import stand_back
from stream.analysis.analyser import Analyser
from stream.faces import Analysis
from stream.frame import Frame
from stream.monitoring.health import Pulse
from stream.monitoring.metrics import Metrics
from stream.pipeline.feeds import wait_for_any
from stream.pipeline.lane import Lane, RunningLane
from stream.pipeline.priority import LOOKS
from stream.pipeline.report import Report
from stream.sinks.result import Result
from stream.sinks.sink import Screen, StopAsked

DRAIN_S = 0.7
"""How long a run that was asked to end goes on showing what was analysed."""
LOOK_S = 1.2
"""How long a look may still take then: nobody can interrupt one at a photo of 24 megapixels. Its thread ends by itself."""
POLL_S = 0.05
"""How long the renderer waits for a result before it lets the windows handle their keys."""


class Pipeline:
    """Runs lanes through one analyser, once. `stop` works from any thread or signal handler."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        analyser: Analyser,
        *,
        metrics: Metrics | None = None,
        max_frames: int | None = None,
        duration_s: float | None = None,
        screen: Screen | None = None,
    ) -> None:
        """
        Args:
            max_frames: end each source after so many frames.
            duration_s: stop after so many seconds.
            screen: what sinks of several lanes are seen on.
        """
        self._analyser = analyser
        self._metrics = metrics or Metrics()
        self._duration_s = duration_s
        self._screen = screen
        self._asked = threading.Event()
        self._errors: list[BaseException] = []
        self._hurried_at: float | None = None
        """`time.monotonic()` when somebody asked it to end."""
        self._in_hand: list[tuple[RunningLane, Frame]] = []
        """What the worker looks at now."""
        self._handing_on = threading.Lock()
        analyser.stage = self._timed
        to_worker, to_renderer = threading.Condition(), threading.Condition()
        self._to_worker, self._to_renderer = to_worker, to_renderer
        self._lanes = [RunningLane(lane, analyser, self._timed, self._metrics, to_worker, to_renderer, max_frames) for lane in lanes]

    def stop(self) -> None:
        """Ask the run to end within two seconds: what was analysed is still shown, the rest is dropped. Any number of times."""
        self._asked.set()  # and no lock: a signal handler may have interrupted the very thread that holds it

    def run(self) -> Report:
        """Run until the sources end, the time is over, a sink's user asks to stop, or `stop`.

        Raises:
            the first error of a file, of the worker or of a sink. Everything is closed by then, and every thread has ended,
            but for a look that takes seconds.
        """
        for _ in self.results():
            pass
        return self.report

    def results(self) -> Iterator[Result]:
        """The same as `run`, and gives each result after the sinks have had it. The caller's thread is the renderer."""
        threads = [threading.Thread(target=lane.capture, name=f"capture {lane.report.name}") for lane in self._lanes]
        threads.append(threading.Thread(target=self._work, name="worker"))
        for thread in threads:
            thread.start()
        with self._metrics.health.thread("renderer") as pulse:
            try:
                yield from self._render(pulse)
            except StopAsked:
                self._asked.set()
                self._hurry()
            except BaseException:
                self._hurry()
                raise
            finally:
                self._halt()
                for lane in self._lanes:
                    lane.looks.end()  # a worker that waits for room is let go
                pulse.rests()
                threads[-1].join(None if self._hurried_at is None else max(0.0, self._hurried_at + LOOK_S - time.monotonic()))
                self._drop_in_hand("stopped")
                for thread in threads[:-1]:
                    thread.join()
                pulse.begins("close")
                errors = [error for lane in self._lanes for error in lane.finish()]
        for error in self._errors + errors:
            raise error

    @property
    def report(self) -> Report:
        """The counts so far; final once the run has ended, also where it raised."""
        return Report([lane.report for lane in self._lanes], stopped=self._asked.is_set())

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self._metrics.stage(stage, time.perf_counter() - begin)

    def _halt(self) -> None:
        for lane in self._lanes:
            lane.halt()

    def _hurry(self) -> None:
        self._hurried_at = self._hurried_at or time.monotonic()
        for lane in self._lanes:
            lane.hurry()

    def _work(self) -> None:
        """The worker thread: takes what is there from every lane, looks at all of it together, hands on."""
        feeds = [lane.frames for lane in self._lanes]
        if all(lane.shows_live for lane in self._lanes):
            stand_back(LOOKS)
        try:
            with self._metrics.health.thread("worker") as pulse:
                while wait_for_any(self._to_worker, feeds) and not all(feed.ended for feed in feeds):
                    self._in_hand = [(lane, frame) for lane in self._lanes for frame in lane.take()]
                    pulse.begins("look")
                    analyses = self._look()
                    self._metrics.candidates_dropped(self._analyser.candidates_dropped)
                    pulse.rests()
                    with self._handing_on:
                        for (lane, frame), analysis in zip(self._in_hand, analyses, strict=False):  # nothing is in hand once it was left
                            lane.hand_on(frame, analysis)  # waits for room
                        self._in_hand = []
        except BaseException as error:  # noqa: BLE001 - a thread's edge: handed over to the renderer's
            self._errors.append(error)
            self._asked.set()
        finally:
            for lane in self._lanes:
                lane.looks.end()

    def _look(self) -> list[Analysis]:
        frames, memories = [frame for _, frame in self._in_hand], [lane.memory for lane, _ in self._in_hand]
        try:
            return self._analyser.look(frames, memories)
        except BaseException:
            self._drop_in_hand("failed")
            raise

    def _drop_in_hand(self, reason: str) -> None:
        """What the worker has in hand is lost, and nothing of it is handed on any more."""
        with self._handing_on:
            for lane, _ in self._in_hand:
                lane.drop(reason)
            self._in_hand = []

    def _render(self, pulse: Pulse) -> Iterator[Result]:
        """Shows what comes, lets the windows live, watches the clock and the stop flag."""
        deadline = float("inf") if self._duration_s is None else time.monotonic() + self._duration_s
        leave_at = float("inf")
        while not all(lane.shown_all for lane in self._lanes) and (now := time.monotonic()) < leave_at:
            if leave_at == float("inf") and (self._asked.is_set() or now >= deadline):
                self._halt()
                self._hurry()
                leave_at = now + DRAIN_S
            pulse.rests()
            self._wait()
            pulse.begins("show")
            yield from [result for lane in self._lanes for result in lane.show()]
            for lane in self._lanes:
                lane.idle()
            if self._screen is not None:
                self._screen.refresh()

    def _wait(self) -> None:
        """Until a lane has something to show, or its time has come, or the windows need a look."""
        timeout_s = min([POLL_S, *(lane.due_in_s for lane in self._lanes), *([self._screen.due_in_s] if self._screen else [])])
        feeds = [feed for lane in self._lanes for feed in lane.shows_next if not feed.ended]
        if feeds:
            wait_for_any(self._to_renderer, feeds, timeout_s)
        else:
            self._asked.wait(timeout_s)
