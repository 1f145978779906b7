"""The actor that looks at a group of cameras. Its constructor begins the work, so that it goes on wherever Ray restarts it."""

from __future__ import annotations

import os
import threading

from stream.cluster.actors import end_with_node, own_node
from stream.cluster.camera_site import Group, Site
from stream.cluster.group_run import GroupRun
from stream.cluster.status import GroupState, GroupStatus
from stream.console import logs
from stream.deadline import STOP_S
from stream.errors import FacestreamError
from stream.passwords import redact_in

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Before what failed is tried again."""


class CameraGroup:
    """A process with one pipeline for up to eight cameras. What it works with is one `GroupRun` after the other, mostly the first."""

    def __init__(self, site: Site, group: Group) -> None:
        logs.start("text")  # Ray keeps it in a file
        self._site, self._group, self._node = site, group, own_node()
        self._run = self._new_run()
        self._state: GroupState = "starting"
        self._error = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="group", daemon=True)
        self._thread.start()
        end_with_node(self.stop)

    def status(self) -> GroupStatus:
        """How it is doing."""
        run = self._run
        return GroupStatus(
            self._group.name,
            self._node.name,
            os.getpid(),
            run.name,
            "running" if run.running and self._state == "starting" else self._state,
            self._error,
            run.metrics_place,
            run.page,
            run.cameras(),
            run.busy_s,
        )

    def stop(self) -> bool:
        """End the run, and wait for it as long as a run may take to end; whether its recordings are closed."""
        self._stopping.set()
        self._run.stop()
        self._thread.join(STOP_S + 1.0)
        return not self._thread.is_alive()

    def _new_run(self) -> GroupRun:
        return GroupRun(self._site, self._group, self._node.name, self._node.address)

    def _work(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            run = self._run
            try:
                run.run()
            except Exception as error:  # noqa: BLE001 - told to the supervisor; there is nobody else
                text = str(error) if isinstance(error, FacestreamError) else f"{type(error).__name__}: {error}"
                self._error, self._state = redact_in(text), "failed"
                logs.say(self._error)
            if self._stopping.wait(pause_s):
                break
            pause_s = FIRST_PAUSE_S if run.running else min(2 * pause_s, LONGEST_PAUSE_S)
            self._run = self._new_run()
            self._state = "starting"
            if self._stopping.is_set():
                self._run.stop()
        self._state = "stopped"
