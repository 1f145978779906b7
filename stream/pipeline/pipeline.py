"""Starts the threads, passes errors on, stops everything.

One thread reads each source, one worker owns the models, and whoever takes the results is the renderer, which owns the
windows. They meet in feeds and nowhere else:

    live:  source ─┬─ newest frame ──> worker ── looks ──┐
                   └─ newest frame ──────────────────────┴─> renderer ──> sinks
    file:  source ──── every frame ──> worker ── looks ────> renderer ──> sinks
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Generator, Iterator, Sequence

import numpy as np

from models.forks import forked_since, leave_to_parent, refuse_forked
from stream.analysis.analyser import Analyser
from stream.deadline import LOOK_S, NEVER, SHOW_S, Deadline
from stream.errors import SettingsError, UsageError
from stream.monitoring.health import Health, ThreadActivity
from stream.monitoring.observer import Observers, RunObserver
from stream.pipeline.feeds import wait_for_any
from stream.pipeline.lane import Lane
from stream.pipeline.lanes import Lanes
from stream.pipeline.people_watch import PeopleWatch
from stream.pipeline.report import Report, ReportKeeper
from stream.pipeline.running_lane import RunningLane
from stream.pipeline.worker import Worker
from stream.settings.changes import check_change
from stream.settings.schema import Settings, checked_settings
from stream.sinks.result import Result
from stream.sinks.sink import Screen, StopAsked

POLL_S = 0.05
"""How long the renderer waits for a result before it lets the windows handle their keys."""


class Pipeline:
    """Runs lanes through one analyser, once. `stop`, `add`, `remove` and `replace_settings` work from any thread."""

    def __init__(
        self,
        lanes: Sequence[Lane],
        analyser: Analyser,
        settings: Settings | None = None,
        *,
        observers: Sequence[RunObserver] = (),
        health: Health | None = None,
        max_frames: int | None = None,
        duration_s: float | None = None,
        screen: Screen | None = None,
        stays: bool = False,
    ) -> None:
        """
        Args:
            settings: of every lane that has none of its own.
            observers: are told what happens.
            health: is told what each thread is at.
            max_frames: end each source after so many frames.
            duration_s: stop after so many seconds.
            screen: what viewers of several lanes are seen on.
            stays: go on, also without any lane, until `stop` or the end of the time: lanes come and go.
        """
        self._analyser, self._settings = analyser, Settings() if settings is None else checked_settings(settings)
        self._health, self._max_frames, self._duration_s, self._screen = health or Health(), max_frames, duration_s, screen
        self._reports = ReportKeeper()
        self._observers = Observers([self._reports, *observers])
        self._process = os.getpid()
        self._asked = threading.Event()
        self._deadline = NEVER
        self._frames_came, self._looks_came = threading.Condition(), threading.Condition()
        self._started, self._starting = False, threading.Lock()
        self._lanes = Lanes([self._running(lane) for lane in lanes], stays=stays)
        self._errors: list[BaseException] = []
        """Of lanes that have left."""
        self._closing: list[threading.Thread] = []
        """Each closes the outputs of a lane that has left."""
        self._worker = Worker(self._lanes, analyser, self._settings, self._frames_came, self._observers, self._health)
        self._people = PeopleWatch(analyser.identifier)

    def stop(self) -> None:
        """Ask the run to end within two seconds: what was analysed is still shown, the rest is dropped. Any number of times."""
        self._asked.set()  # and no lock: a signal handler may have interrupted the very thread that holds it

    def add(self, lane: Lane) -> None:
        """One more source beside those that run.

        Raises:
            RuntimeError: the run has ended or is about to. The source is closed.
        """
        self._refuse_forked()
        with self._starting:
            running = self._running(lane)
            added = self._lanes.add(running)
            if added and self._started:
                running.capture.start()
        if not added:
            running.halt()
            running.finish()
            raise RuntimeError(f"{running.name}: came too late, the run is about to end")
        self._wake()

    def remove(self, lane: Lane) -> None:
        """End one source and its outputs, which have as long as at a stop; the others go on. One that is not there is no matter."""
        self._refuse_forked()
        for running in self._lanes:
            if running.lane is lane:
                running.halt()
                running.hurry(Deadline.now())
                running.leaves = True
        self._wake()

    def replace_settings(self, settings: Settings) -> None:
        """Look with other settings from the worker's next round on; a source of `settings.sources` with its own. Another classifier is
        loaded first, in the caller's thread.

        Raises:
            SettingsError: what differs cannot change while a run goes on.
            UsageError: the models of this run cannot do it.
            ModelError: another classifier is asked for, and cannot be loaded.
        """
        self._refuse_forked()
        with self._starting:
            check_change(self._settings, settings)
            if settings.classifier.model == self._settings.classifier.model:
                model = self._worker.wanted_model
                self._analyser.check_model(model, settings)
            else:
                model = self._analyser.load_model(settings)
            for running in self._lanes:
                if running.lane.settings is not None:
                    check_change(running.lane.settings, settings.of_name(running.name))
            looked = any(one.detector.enabled for one in self._settings.everyone)
            if self._analyser.detector is None and not looked and any(one.detector.enabled for one in settings.everyone):
                raise SettingsError("detector.enabled cannot change in a run that began without a detector: start it anew.")
            self._settings = settings
            self._worker.replace_settings(settings, model)
            for running in self._lanes:
                running.must_hide(settings.of_name(running.name).hide.on)

    def enrol(self, name: str, result: Result, box: np.ndarray) -> str:
        """A face of a result is one more photo of a person, who may be new; the name as it is written. The caller's thread; takes a moment.

        Raises:
            UsageError: this run knows no people.
            PeopleError: in a sentence why not.
        """
        if self._analyser.identifier is None:
            raise UsageError("This run names nobody: it was started without --people.")
        return self._analyser.identifier.enrol(name, result.frame.image, box, result.info.name)

    def deny(self, source: str, track: int, name: str) -> None:
        """Somebody says that a track of a source is not that person: from the worker's next round on it is not named so."""
        self._worker.deny(source, track, name)

    def run(self) -> Report:
        """Run until the sources end, the time is over, a viewer's user asks to stop, or `stop`.

        Raises:
            the first error of a file, of the worker or of a sink. Everything is closed by then, and every thread has ended,
            but for a look that takes seconds.
        """
        for _ in self.results():
            pass
        return self.report

    def results(self) -> Iterator[Result]:
        """The same as `run`, and gives each result but a guest's after the sinks have had it. The caller's thread is the renderer.

        Raises:
            RuntimeError: this process was forked since it began: it has none of the threads. The parent goes on.
        """
        results = self._results()
        leave_to_parent(results)
        try:
            for result in results:
                yield result
                self._refuse_forked()
        finally:
            if not forked_since(self._process):
                results.close()

    def _refuse_forked(self) -> None:
        refuse_forked(self._process, f"the run of {', '.join(lane.name for lane in self._lanes)}")

    def _results(self) -> Generator[Result, None, None]:
        self._refuse_forked()
        with self._starting:
            self._started = True
            for lane in self._lanes:
                lane.capture.start()
        self._worker.start()
        self._people.start()
        with self._health.thread("renderer") as activity:
            try:
                yield from self._render(activity)
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
                activity.idle()
                self._people.stop()
                self._worker.join(self._deadline.left_s(LOOK_S) if self._deadline.asked else None)
                activity.busy("close")
                for thread in self._closing:
                    thread.join()
                errors = [*self._errors, *(error for lane in self._lanes for error in lane.finish())]
        for error in [self._worker.error, *errors]:
            if error is not None:
                raise error

    @property
    def report(self) -> Report:
        """The counts so far; final once the run has ended, also where it raised."""
        return Report(list(self._reports.sources), stopped=self._asked.is_set())

    def _running(self, lane: Lane) -> RunningLane:
        tracks = self._analyser.follow(lane.source.info, lane.settings or self._settings)
        settings, conditions = self._settings.pipeline, (self._frames_came, self._looks_came)
        return RunningLane(lane, tracks, self._observers, self._health, *conditions, settings, self._max_frames)

    def _wake(self) -> None:
        for condition in (self._frames_came, self._looks_came):
            with condition:
                condition.notify_all()

    def _halt(self) -> None:
        self._lanes.close()  # first: one that came later would go on
        for lane in self._lanes:
            lane.halt()
        self._wake()  # whoever waits for one more

    def _hurry(self) -> None:
        if not self._deadline.asked:
            self._deadline = Deadline.now()
            self._observers.stopping(self._deadline)
        for lane in self._lanes:
            lane.hurry(self._deadline)

    def _render(self, activity: ThreadActivity) -> Iterator[Result]:
        """Shows what comes, lets the windows live, watches the clock and the stop flag."""
        ends_at = math.inf if self._duration_s is None else time.monotonic() + self._duration_s
        while not self._lanes.close_if(lambda lane: lane.presenter.done) and self._deadline.left_s(SHOW_S) > 0:
            if not self._deadline.asked and (self._asked.is_set() or self._worker.failed.is_set() or time.monotonic() >= ends_at):
                self._halt()
                self._hurry()
            activity.idle()
            self._wait()
            activity.busy("show")
            yield from [result for lane in self._lanes for result in lane.presenter.show() if not lane.lane.guest]
            for lane in self._lanes:
                lane.presenter.idle()
            self._let_go()
            if self._screen is not None:
                self._screen.refresh()

    def _let_go(self) -> None:
        """Finish guests and those that were removed, once nothing more comes of them: what takes time, beside the others' pictures."""
        for lane in [lane for lane in self._lanes if (lane.lane.guest or lane.leaves) and lane.over]:
            self._lanes.remove(lane)
            self._closing = [thread for thread in self._closing if thread.is_alive()]
            self._errors += lane.output.close_viewers()  # windows are this thread's
            self._closing.append(threading.Thread(target=self._finish, args=[lane], name=f"close {lane.name}"))
            self._closing[-1].start()

    def _finish(self, lane: RunningLane) -> None:
        """Close the outputs of a lane that has left. A thread of its own."""
        self._errors.extend(lane.finish())
        if lane.lane.guest:
            self._reports.forget(lane)

    def _wait(self) -> None:
        """Until a lane has something to show, or its time has come, or the windows need a look."""
        timeout_s = min([POLL_S, *(lane.presenter.due_in_s for lane in self._lanes), *([self._screen.due_in_s] if self._screen else [])])
        feeds = [feed for lane in self._lanes for feed in lane.presenter.wait_on if not feed.ended]
        if feeds:
            wait_for_any(self._looks_came, lambda: feeds, timeout_s)
        else:
            self._asked.wait(timeout_s)
