"""One run of a group: its cameras opened, looked at and recorded, from the models' loading to the last file's end."""

from __future__ import annotations

import random
import string
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing

from stream.cluster.camera_site import Group, Site
from stream.cluster.daily_events import DailyEvents
from stream.cluster.metrics import GroupMetrics
from stream.cluster.page import address_of, page_of, whereabouts
from stream.cluster.status import CameraStatus
from stream.console import logs
from stream.errors import ClusterError
from stream.faces import Analysis
from stream.frame import Frame
from stream.job.inputs import Input, open_inputs
from stream.job.job import load_analyser
from stream.job.lanes import LaneMaker
from stream.job.outputs import assign_outputs
from stream.monitoring.health import Health
from stream.monitoring.metrics import Metrics
from stream.monitoring.observer import Observed, RunObserver
from stream.monitoring.server import serve
from stream.pipeline.pipeline import Pipeline
from stream.pipeline.report import SourceReport
from stream.sinks.files import make_folder
from stream.web.host import WebHost

RUN_LETTERS = 4


def new_run() -> str:
    """A name for a run. Two of one camera within a second, which is what must differ, are alike once in half a million."""
    return "".join(random.SystemRandom().choices(string.ascii_lowercase, k=RUN_LETTERS))


class GroupRun:
    """Runs once. `stop` and what it tells may be called by any thread."""

    def __init__(self, site: Site, group: Group, node: str, host: str) -> None:
        """
        Args:
            node: the name of the machine that this is.
            host: its address, where its metrics are served.
        """
        self.name = new_run()
        self.running = False
        """The models are loaded, and the cameras are read."""
        self.metrics_place = self.page = ""
        self._site, self._group, self._node, self._host = site, group, node, host
        self._health = Health(site.settings.pipeline.stalled_after_s)
        self._looks = _Looks()
        self._inputs: Sequence[Input] = ()
        self._unopened: Sequence[SourceReport] = ()
        self._pipeline: Pipeline | None = None
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask for the end. Any number of times."""
        self._stopping.set()
        if self._pipeline is not None:
            self._pipeline.stop()

    def run(self) -> None:
        """Until `stop`, or until every camera has said that no more pictures come.

        Raises:
            FacestreamError: it cannot go on.
        """
        site, settings = self._site, self._site.settings
        self._inputs, self._unopened = open_inputs(self._group.cameras, settings, without=site.output)
        if site.output is not None:
            make_folder(site.output)
        assign_outputs(self._inputs, site.output, None, overwrite=False, segment=site.output is not None)
        with ExitStack() as stack:
            metrics = Metrics(self._health)
            places = GroupMetrics(metrics.registry)
            port = stack.enter_context(serve(metrics, self._health, 0, self._host))
            self.metrics_place = f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"
            events: DailyEvents | None = None
            if site.events is not None:
                over_after_s = settings.tracker.forget_after_s if settings.output.track_events else None
                whose = f"{site.name}-{self._group.name}"
                events = DailyEvents(site.events, whose, self.name, self._node, health=self._health, tracks_over_after_s=over_after_s)
                stack.enter_context(closing(events))
            analyser = load_analyser(settings, stands_back=site.output is not None or site.web is not None)
            web: WebHost | None = None
            if site.web is not None:
                options = page_of(site.web, self._host)
                web = WebHost(options, metrics, self._health, logs.say, None, settings, whereabouts(site.name))
                stack.enter_context(web.open())
                self.page = address_of(options, self._host)
            lanes, _ = LaneMaker(events, False, self._health, False, web, run=self.name).lanes(self._inputs)
            pipeline = Pipeline(lanes, analyser, settings, observers=[metrics, self._looks], health=self._health)
            for one in self._inputs:
                places.is_on(one.source.info.name, self._node)
            self._pipeline = pipeline
            if self._stopping.is_set():
                pipeline.stop()
            if web is not None:
                web.began(pipeline, settings, takes_guests=False)
            self.running = True
            pipeline.run()
        if not self._stopping.is_set():
            raise ClusterError(f"{self._group.name}: its cameras say that no more pictures come.")

    @property
    def busy_s(self) -> float:
        """How long the thread that looks, or the one that shows, has been at one piece of work."""
        return max([one.busy_s for one in self._health.activities if one.part in ("worker", "renderer")], default=0.0)

    def cameras(self) -> tuple[CameraStatus, ...]:
        """How each is doing."""
        unopened = [CameraStatus(one.name, "ended", one.error or "", None, None, 0) for one in self._unopened]
        return (*(self._looks.of(one) for one in self._inputs), *unopened)


class _Looks(RunObserver):
    """When each camera was looked at, and which recording has broken."""

    def __init__(self) -> None:
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._failures: dict[str, str] = {}

    def analysed(self, source: Observed, frame: Frame, analysis: Analysis, age_s: float) -> None:
        now = time.time() - age_s
        self._first.setdefault(source.name, now)
        self._last[source.name] = now

    def output_failed(self, source: Observed, error: Exception) -> None:
        self._failures[source.name] = str(error)

    def of(self, one: Input) -> CameraStatus:
        name, status = one.source.info.name, one.source.status
        failure = self._failures.get(name, "")
        return CameraStatus(name, status.state, status.cause, self._first.get(name), self._last.get(name), status.reconnects, failure)
