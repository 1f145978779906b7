"""The actor that watches over a site: it makes groups that are missing, restarts those that hang, moves them, and tells Prometheus.

It keeps nothing that cannot be asked for anew: Ray restarts it anywhere, with the same site, and Ray knows which groups there are.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError

from stream.cluster import actors
from stream.cluster.actors import OPTIONS, Actor, Node
from stream.cluster.balance import better_place
from stream.cluster.camera_site import Group, Site
from stream.cluster.group import CameraGroup
from stream.cluster.metrics import SiteMetrics
from stream.cluster.status import GroupSeen, GroupStatus, SiteStatus
from stream.console import logs
from stream.errors import UsageError
from stream.monitoring.health import Health
from stream.monitoring.server import serve
from stream.sinks.files import make_folder

ROUND_S = 1.0
ANSWER_S = 2.0
"""A group that does not say how it is within so long has missed a round."""
MOST_MISSED = 3
"""Then it hangs: it is killed, and begins anew."""
DIES_WITHIN_S = 15.0
"""Ray asks a process to end, and ends it after 5 s if it does not (RAY_kill_worker_timeout_milliseconds)."""
LONGEST_LOOK_S = 60.0
"""A group whose look takes so long hangs, too, although it answers: a look takes a second on the slowest machine (a guess)."""
NO_ROOM_S = 5.0
"""A group that waits longer for a place is told of."""
STOP_S = 4.0
"""A group may take so long to end before it is moved."""


@dataclass(slots=True)
class _Seen:
    """What is remembered of a group."""

    group: Group
    actor: Actor | None = None
    handle: Any = None
    status: GroupStatus | None = None
    missed: int = 0
    killed_at: float | None = None
    """When it was found to hang, until it has begun anew."""
    waits_since: float | None = None
    """When it was without a place first."""
    is_told: bool = False
    """That it is without a place was said."""
    restarts: int = 0
    """Told to Prometheus already."""
    run: str = ""
    last_looks: dict[str, float] = field(default_factory=dict)
    """Of each camera, in this run or the one before."""
    away_s: dict[str, float] = field(default_factory=dict)
    pinned: bool = False
    """It was moved to its node, where Ray would wait for room although others have it."""


class Supervisor:
    """Looks after one site, each second."""

    def __init__(self, site: Site) -> None:
        logs.start("text")
        self._site = site
        self._own = actors.own_node()
        self._seen = {group.name: _Seen(group) for group in site.groups}
        self._nodes: list[Node] = []
        self._moves: dict[str, Node | None] = {}
        """Asked for and not yet done: a group and its new node; None: any."""
        self._unequal_since: float | None = None
        self._targets = ""
        self._problem = ""
        self._metrics = SiteMetrics()
        self._metrics_port = 0
        threading.Thread(target=self._work, name="supervisor", daemon=True).start()
        actors.end_with_node()

    def site(self) -> Site:
        return self._site

    def status(self) -> SiteStatus:
        """How all is."""
        names = {node.id: node.name for node in self._nodes}
        groups = tuple(self._told(seen, names) for seen in list(self._seen.values()))
        nodes = tuple(node.name for node in self._nodes if node.cpus > 0)
        folder = str(self._site.folder) if self._site.folder else None
        return SiteStatus(self._site.name, self._own.name, groups, nodes, folder, self._site.events is not None, self._site.web is not None)

    def move(self, group: str, node: str) -> str:
        """A group goes to another node, in the next round; the node's name.

        Raises:
            UsageError: there is no such group or node.
        """
        self._site.group(group)
        found = [one for one in actors.nodes() if one.cpus > 0 and one.is_called(node)]
        if len(found) != 1:
            which = ", ".join(one.name for one in actors.nodes() if one.cpus > 0)
            raise UsageError(
                f"{node}: {'is no node that takes groups' if not found else 'several nodes are called so'}; there are {which}."
            )
        self._moves[group] = found[0]
        return found[0].name

    def _work(self) -> None:
        with ExitStack() as stack:
            self._metrics_port = stack.enter_context(serve(self._metrics.registry, Health(), 0, self._own.address))
            while True:
                began = time.monotonic()
                try:
                    self._round()
                    self._problem = ""
                except Exception as error:  # noqa: BLE001 - the head may be away for a while; the next round may do better
                    if (problem := f"{type(error).__name__}: {error}") != self._problem:
                        self._problem = problem
                        logs.say(f"a round failed: {problem}")
                time.sleep(max(0.1, ROUND_S - (time.monotonic() - began)))

    def _round(self) -> None:
        self._nodes = actors.nodes()
        there = actors.actors_of(self._site.name)
        for seen in self._seen.values():
            self._find(seen, there.get(seen.group.name))
        self._ask()
        for seen in self._seen.values():
            self._end_hung(seen)
            self._count(seen)
        self._balance()
        for name, node in list(self._moves.items()):
            self._moves.pop(name, None)
            self._move(self._seen[name], node)
        self._write_targets()

    def _find(self, seen: _Seen, actor: Actor | None) -> None:
        """Where it is; it is made where it is missing."""
        seen.actor = actor
        if actor is None:
            seen.handle = None
            with suppress(ValueError):  # one of that name is about to end
                self._make(seen, None)
        elif seen.handle is None:
            seen.handle = actors.handle(self._site.name, seen.group.name)
        if actor is not None and actor.state == "ALIVE":
            seen.waits_since, seen.is_told = None, False
        elif seen.waits_since is None:
            seen.waits_since = time.monotonic()
        elif time.monotonic() - seen.waits_since > NO_ROOM_S:
            if seen.pinned:
                self._moves.setdefault(seen.group.name, None)
            elif not seen.is_told:
                logs.say(f"no room for {seen.group.name}: it needs {seen.group.cpus:g} CPUs", level=logging.WARNING)
                seen.is_told = True

    def _make(self, seen: _Seen, node: Node | None) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        where = NodeAffinitySchedulingStrategy(node.id, soft=True) if node is not None else "SPREAD"
        name = actors.full_name(self._site.name, seen.group.name)
        options = OPTIONS | {"name": name, "num_cpus": seen.group.cpus, "scheduling_strategy": where}
        seen.handle, seen.pinned = ray.remote(CameraGroup).options(**options).remote(self._site, seen.group), node is not None
        seen.missed, seen.restarts = 0, 0

    def _ask(self) -> None:
        """How each is that can answer."""
        asked = {
            seen.handle.status.remote(): seen for seen in self._seen.values() if seen.actor is not None and seen.actor.state == "ALIVE"
        }
        ready, late = ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_S) if asked else ([], [])
        for answer in ready:
            try:
                self._note(asked[answer], ray.get(answer))
            except RayError:  # it has just died; Ray restarts it
                asked[answer].missed = 0
        for answer in late:
            asked[answer].missed += 1

    def _note(self, seen: _Seen, status: GroupStatus) -> None:
        seen.missed = 0
        if seen.run not in ("", status.run):  # another run: what was missed is told once it is known
            seen.away_s = {}
        for camera in status.cameras:
            before = seen.last_looks.get(camera.name)
            is_told = camera.name in seen.away_s
            if not is_told and before is not None and camera.first_look is not None and camera.first_look > before:
                seen.away_s[camera.name] = camera.first_look - before
                self._metrics.took_over(camera.first_look - before)
            if camera.last_look is not None:
                seen.last_looks[camera.name] = camera.last_look
        seen.run, seen.status = status.run, status

    def _end_hung(self, seen: _Seen) -> None:
        status = seen.status
        if seen.actor is None or seen.actor.state != "ALIVE":
            return
        if seen.killed_at is not None and time.monotonic() - seen.killed_at < DIES_WITHIN_S:
            return
        busy = status is not None and status.state == "running" and status.busy_s > LONGEST_LOOK_S
        if seen.missed < MOST_MISSED and not busy:
            return
        logs.say(f"{seen.group.name} hangs: it is restarted")
        seen.missed, seen.killed_at, seen.status = 0, time.monotonic(), None  # what it said last must not count against the next
        ray.kill(seen.handle, no_restart=False)

    def _count(self, seen: _Seen) -> None:
        restarts = seen.actor.restarts if seen.actor is not None else 0
        if restarts > seen.restarts:
            seen.killed_at = None
        self._metrics.restarted(seen.group.name, max(0, restarts - seen.restarts))
        seen.restarts = max(restarts, seen.restarts)

    def _balance(self) -> None:
        places = {name: seen.actor.node for name, seen in self._seen.items() if seen.actor is not None and seen.actor.state == "ALIVE"}
        cameras = {name: len(seen.group.cameras) for name, seen in self._seen.items()}
        better = better_place(cameras, places, {node.id: node.cpus for node in self._nodes if node.cpus > 0})
        if better is None or len(places) < len(self._seen):
            self._unequal_since = None
            return
        now = time.monotonic()
        self._unequal_since = self._unequal_since or now
        if now - self._unequal_since >= self._site.unequal_for_s and self._is_between_pieces():
            self._unequal_since = None
            self._moves.setdefault(better[0], next(node for node in self._nodes if node.id == better[1]))

    def _is_between_pieces(self) -> bool:
        """Whether recordings begin a new piece about now: what is missed by a move is best missed there."""
        minutes = self._site.settings.output.segment_minutes if self._site.output is not None else 0
        return minutes == 0 or time.time() % (60 * minutes) < 2 * ROUND_S

    def _move(self, seen: _Seen, node: Node | None) -> None:
        """End a group with its recordings closed, and make it anew."""
        if seen.actor is not None and seen.actor.state == "ALIVE":
            if node is not None and seen.actor.node == node.id:
                return
            try:
                ray.get(seen.handle.stop.remote(), timeout=STOP_S)
            except (RayError, GetTimeoutError):
                logs.say(f"{seen.group.name}: did not end in time; it is ended")
        if seen.handle is not None:
            ray.kill(seen.handle, no_restart=True)
        until = time.monotonic() + STOP_S
        while seen.group.name in actors.actors_of(self._site.name) and time.monotonic() < until:
            time.sleep(0.05)
        seen.status = None
        self._make(seen, node)

    def _told(self, seen: _Seen, names: Mapping[str, str]) -> GroupSeen:
        actor, status = seen.actor, seen.status
        alive = actor is not None and actor.state == "ALIVE"
        waits_s = 0.0 if seen.waits_since is None else time.monotonic() - seen.waits_since
        if not alive:
            note = f"no room for {seen.group.name}: it needs {seen.group.cpus:g} CPUs" if waits_s > NO_ROOM_S else "starting"
        elif seen.killed_at is not None:
            note = "hangs: it is restarted"
        elif seen.missed:
            note = "does not answer"
        elif status is None or status.state == "starting":
            note = "starting"
        else:
            note = status.error if status.state == "failed" else "" if status.state == "running" else status.state
        place = names.get(actor.node, "") if actor is not None and alive else ""
        return GroupSeen(seen.group.name, seen.group.cameras, place, seen.restarts, note, dict(seen.away_s), status if alive else None)

    def _write_targets(self) -> None:
        """For `file_sd_configs` of Prometheus: written beside it and renamed, so that nobody reads half of it."""
        if self._site.folder is None:
            return
        targets = [_target(f"{_shown(self._own.address)}:{self._metrics_port}", self._site.name, self._own.name, "")]
        for seen in self._seen.values():
            if (status := seen.status) is not None and status.metrics:
                targets += [_target(status.metrics, self._site.name, status.node, seen.group.name)]
        text = json.dumps(targets, indent=1) + "\n"
        if text != self._targets:
            write_whole(self._site.folder / f"targets-{self._site.name}.json", text)
            self._targets = text


def write_whole(path: Path, text: str) -> None:
    """A file that nobody sees half of. Raises `OSError`."""
    make_folder(path.parent)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _target(place: str, site: str, node: str, group: str) -> dict[str, Any]:
    return {"targets": [place], "labels": {"site": site, "node": node, **({"group": group} if group else {})}}


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
