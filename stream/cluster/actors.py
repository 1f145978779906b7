"""What Ray knows of our actors and of the machines. The one place that asks it; Ray has no public way to ask without its dashboard."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ray
from ray._private.state import actors as actor_table

from stream.cluster.connection import NAMESPACE

SUPERVISOR = "supervisor"
PREFIX = "fs-"
PARENT_S = 0.5
"""How often a process looks whether its node is still there."""
ENVIRONMENT = {
    "RAY_worker_niceness": "0",  # workers are nice by 15 otherwise; the looks of ours stand back by themselves
    "MALLOC_ARENA_MAX": "2",  # `cli.malloc_arenas` says why
    "TF_CPP_MIN_LOG_LEVEL": "2",
}
OPTIONS: dict[str, Any] = {
    "namespace": NAMESPACE,
    "lifetime": "detached",
    "max_restarts": -1,
    "max_task_retries": 0,
    "max_concurrency": 4,  # one that hangs must not keep `stop` waiting
    "runtime_env": {"env_vars": ENVIRONMENT},
}
"""Of each actor that outlives the command that starts it, and its node."""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster, or one of several on it."""

    id: str
    name: str
    """What it was called by `--node-name`, else its host's name."""
    address: str
    host: str
    cpus: float
    alive: bool

    def is_called(self, word: str) -> bool:
        """Whether a user means this one."""
        return word in (self.name, self.host, self.address) or (len(word) >= 6 and self.id.startswith(word))


@dataclass(frozen=True, slots=True)
class Actor:
    """One of ours, as the head sees it."""

    name: str
    """Within its site: `SUPERVISOR`, or a group's."""
    state: str
    """ALIVE, PENDING_CREATION, RESTARTING, DEPENDENCIES_UNREADY; those that are DEAD are not told."""
    node: str
    """The id of its node."""
    pid: int
    restarts: int


def nodes() -> list[Node]:
    """Those that live, by name."""
    found = []
    for one in ray.nodes():
        address, host = one["NodeManagerAddress"], one["NodeManagerHostname"]
        name = one["NodeName"] if one["NodeName"] not in ("", address) else host
        cpus = float(one["Resources"].get("CPU", 0))
        found.append(Node(one["NodeID"], name, address, host, cpus, one["Alive"]))
    return sorted((node for node in found if node.alive), key=lambda node: node.name)


def own_node() -> Node:
    """That of the calling process."""
    own = ray.get_runtime_context().get_node_id()
    return next(node for node in nodes() if node.id == own)


def end_with_node(before: Callable[[], object] = lambda: None) -> None:
    """From now on this process ends when its node does, which is its parent: one that the others took for dead, and that has learnt it.

    Ray leaves that to Python, and Python waits for threads that go on.

    Args:
        before: is called first.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_S)
        try:
            before()
        finally:
            os._exit(1)

    threading.Thread(target=watch, name="node", daemon=True).start()


def full_name(site: str, name: str) -> str:
    """What an actor is called in the cluster."""
    return f"{PREFIX}{site}-{name}"


def actors_of(site: str) -> dict[str, Actor]:
    """Those of a site that are there, by name."""
    found = {}
    start = full_name(site, "")
    for one in actor_table().values():
        name = one["Name"].removeprefix(start)
        if one["IsDetached"] and one["State"] != "DEAD" and name != one["Name"] and "-" not in name:
            found[name] = Actor(name, one["State"], one["Address"]["NodeID"], one["Pid"], one["NumRestarts"])
    return found


def sites() -> list[str]:
    """The names of those that run."""
    end = f"-{SUPERVISOR}"
    names = [one["Name"] for one in actor_table().values() if one["IsDetached"] and one["State"] != "DEAD"]
    return sorted(name.removeprefix(PREFIX).removesuffix(end) for name in names if name.startswith(PREFIX) and name.endswith(end))


def handle(site: str, name: str) -> Any:
    """An actor, to call.

    Raises:
        ValueError: it is not there.
    """
    return ray.get_actor(full_name(site, name), NAMESPACE)
