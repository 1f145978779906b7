"""What `facestream run --cluster` does with cameras: a site is planned, started, and left to its supervisor."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import RayError

from stream.cluster import actors
from stream.cluster.actors import OPTIONS, SUPERVISOR, Node
from stream.cluster.camera_site import Site, placed, survives
from stream.cluster.status import SiteStatus
from stream.cluster.supervisor import Supervisor
from stream.console import logs
from stream.errors import ClusterError, UsageError

UP_WITHIN_S = 120.0
"""Models are loaded by then also on a slow machine that starts several groups at once (a guess)."""
POLL_S = 0.25
ON_THE_HEAD = {"node:__internal_head__": 0.001}
"""Where the supervisor is: without the head nothing can be restarted, so that one machine less can take it away."""
END_S = 3.0
"""Recordings are closed by then; a group that is not is ended all the same."""
GONE_S = 1.0
"""The head knows of the end of what was killed long before that."""


def start(site: Site) -> SiteStatus:
    """Start a site, and wait until each group looks at its cameras.

    Raises:
        UsageError: one of that name runs already.
        ClusterError: there is no room for it, or a group cannot do its work; nothing is left running.
    """
    if site.name in actors.sites():
        raise UsageError(
            f"--name {site.name}: runs already; end it with facestream cluster stop --name {site.name}, or choose another name."
        )
    check_room(site, actors.nodes())
    name = actors.full_name(site.name, SUPERVISOR)
    options = OPTIONS | {"name": name, "num_cpus": 0, "resources": ON_THE_HEAD}
    supervisor = ray.remote(Supervisor).options(**options).remote(site)
    try:
        return _wait_until_up(site, supervisor)
    except BaseException:
        stop(site.name)
        raise


def check_room(site: Site, nodes: list[Node]) -> None:
    """
    Raises:
        ClusterError: there is no room for all groups.
    """
    needs = [group.cpus for group in site.groups]
    room = {node.id: node.cpus for node in nodes if node.cpus > 0}
    if not placed(needs, list(room.values())):
        raise ClusterError(
            f"{site.name}: there is no room: {len(needs)} groups need {sum(needs):g} CPUs, each of them on one node, and {len(room)} nodes "
            f"have {sum(room.values()):g} in all."
        )
    if len(room) > 1 and not survives(needs, room):
        logs.say(f"{site.name}: if a node dies, the others have no room for its cameras", level=logging.WARNING)


def _wait_until_up(site: Site, supervisor: Any) -> SiteStatus:
    until = time.monotonic() + UP_WITHIN_S
    while True:
        status: SiteStatus | None = None
        with suppress(RayError):
            status = ray.get(supervisor.status.remote(), timeout=UP_WITHIN_S)
        groups = status.groups if status is not None else ()
        if status is not None and all(group.is_up for group in groups):
            return status
        failed = [group.status.error for group in groups if group.status is not None and group.status.state == "failed"]
        if failed:
            raise ClusterError(failed[0])
        if time.monotonic() > until:
            waiting = "; ".join(f"{group.name}: {group.note}" for group in groups if not group.is_up) or "its supervisor does not answer"
            raise ClusterError(f"{site.name}: is not up after {UP_WITHIN_S:g} s ({waiting}).")
        time.sleep(POLL_S)


def stop(site: str) -> int:
    """End a site: its recordings are closed, as far as there is time, and none of its processes is left; how many groups it had."""
    with suppress(ValueError):
        ray.kill(actors.handle(site, SUPERVISOR), no_restart=True)  # first: it would make anew what ends
    _wait(lambda: SUPERVISOR not in actors.actors_of(site))
    found = [name for name in actors.actors_of(site) if name != SUPERVISOR]
    handles = []
    for name in found:
        with suppress(ValueError):
            handles.append(actors.handle(site, name))
    asked = [handle.stop.remote() for handle in handles]
    if asked:
        ray.wait(asked, num_returns=len(asked), timeout=END_S)
    for handle in handles:
        ray.kill(handle, no_restart=True)
    _wait(lambda: not actors.actors_of(site))
    return len(found)


def _wait(done: Callable[[], bool]) -> None:
    until = time.monotonic() + GONE_S
    while not done() and time.monotonic() < until:
        time.sleep(0.02)
