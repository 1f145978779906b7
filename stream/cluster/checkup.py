"""`facestream doctor --cluster`: whether a cluster is fit for its cameras, and what to do where it is not."""

from __future__ import annotations

import os
import platform
import socket
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from stream.cluster.camera_site import CPUS_A_CAMERA, MOST_CAMERAS, in_groups, survives
from stream.cluster.connection import connected
from stream.diagnostics.doctor import TOLD, Finding, tell
from stream.errors import FacestreamError

ANSWER_S = 60.0
"""A node starts a process to be asked; the first one takes seconds."""
PORT_S = 3.0
QUICK_S = 5.0
"""A machine that falls silent should be noticed by then, so that its cameras are looked at elsewhere within 15 s."""
HEALTH = "docs/cluster.md says which settings of the head make it quicker"


@dataclass(frozen=True, slots=True)
class Told:
    """What a node says of itself."""

    versions: Mapping[str, str]
    folders: Mapping[str, bool]
    """Of each that was asked for: whether it is there."""


def doctor_of(where: str, *, as_json: bool) -> int:
    """Check a cluster, print what was found, and what to do; 1 where there is a problem, else 0."""
    return tell(_examine(where), as_json=as_json)


def _examine(where: str) -> Iterator[Finding]:
    try:
        with connected(where):
            yield from _joined()
    except FacestreamError as error:
        yield Finding("cluster", "problem", str(error))


def _joined() -> Iterator[Finding]:
    import ray

    from stream.cluster import actors

    nodes = actors.nodes()
    able = [node for node in nodes if node.cpus > 0]
    cores = (
        f"{len(able)} node{'s' * (len(able) != 1)} with {sum(node.cpus for node in able):g} CPUs: {', '.join(node.name for node in able)}"
    )
    yield Finding("cluster", "ok" if able else "problem", f"Ray {ray.__version__}; {cores}" if able else "no node has a CPU for cameras")
    sites = _sites()
    told = _ask([node.id for node in able], [str(folder) for _, folder in sites.values() if folder is not None])
    names = {node.id: node.name for node in able}
    yield _versions({names[node]: one for node, one in told.items()}, [names[node] for node in names if node not in told])
    yield _room({node.name: node.cpus for node in able}, {name: needs for name, (needs, _) in sites.items()})
    yield from _folders(sites, {names[node]: one for node, one in told.items()})
    yield _ports(ray.nodes())
    yield _authentication()
    yield _health()


def _sites() -> dict[str, tuple[list[float], Path | None]]:
    """Of each site that runs: the CPUs that its groups need, and its folder."""
    import ray
    from ray.exceptions import GetTimeoutError, RayError

    from stream.cluster import actors

    found = {}
    for name in actors.sites():
        try:
            site = ray.get(actors.handle(name, actors.SUPERVISOR).site.remote(), timeout=ANSWER_S)
        except (RayError, GetTimeoutError, ValueError):
            continue
        found[name] = ([group.cpus for group in site.groups], site.folder)
    return found


def say_what_is_here(folders: Sequence[str]) -> Told:
    """Runs on each node."""
    versions = {"Python": platform.python_version()}
    for name in TOLD:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "missing"
    return Told(versions, {folder: Path(folder).is_dir() for folder in folders})


def _ask(nodes: Sequence[str], folders: Sequence[str]) -> dict[str, Told]:
    """What each node says that answers."""
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task = ray.remote(num_cpus=0, max_retries=0)(say_what_is_here)
    asked = {task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(folders): node for node in nodes}
    ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_S) if asked else ([], [])
    told = {}
    for answer in ready:
        try:
            told[asked[answer]] = ray.get(answer)
        except RayError:  # facestream is not installed there, or the node has died
            continue
    return told


def _versions(told: Mapping[str, Told], silent: Sequence[str]) -> Finding:
    own = say_what_is_here([]).versions
    differ = defaultdict(list)
    for node, one in told.items():
        for name, version in one.versions.items():
            if version != own[name]:
                differ[f"{name} {version}"].append(node)
    if silent:
        advice = "install there the same facestream, in the same Python, as here"
        return Finding("versions", "problem", f"facestream does not answer on {', '.join(silent)}", advice)
    if differ:
        found = "; ".join(f"{what} on {', '.join(sorted(nodes))}" for what, nodes in sorted(differ.items()))
        return Finding("versions", "problem", f"not as here: {found}", "install the same versions everywhere")
    return Finding("versions", "ok", f"on all nodes facestream {own['facestream']}, Python {own['Python']}")


def _room(room: Mapping[str, float], sites: Mapping[str, Sequence[float]]) -> Finding:
    """Whether the cameras that run have a place when a node dies; where none run, how many would."""
    needs = [need for groups in sites.values() for need in groups]
    if not needs:
        most = most_cameras(room)
        return Finding("room", "ok" if most else "note", f"for {most} cameras, when one node is lost", "" if most else "add a node")
    if survives(needs, room):
        return Finding("room", "ok", f"for all {len(needs)} groups also when one node is lost")
    return Finding("room", "problem", f"not for all {len(needs)} groups when one node is lost", "add a node, or stop a site")


def most_cameras(room: Mapping[str, float]) -> int:
    """How many cameras have a place also when any one node is lost."""
    most = int(sum(room.values()) / CPUS_A_CAMERA) + MOST_CAMERAS
    fits = (number for number in range(most, 0, -1) if survives([group.cpus for group in in_groups(["camera"] * number, len(room))], room))
    return next(fits, 0) if len(room) > 1 else 0


def _folders(sites: Mapping[str, tuple[Sequence[float], Path | None]], told: Mapping[str, Told]) -> Iterator[Finding]:
    for name, (_, folder) in sites.items():
        lacks = sorted(node for node, one in told.items() if not one.folders.get(str(folder), True))
        if lacks:
            found = f"{folder} of {name} is not on {', '.join(lacks)}"
            yield Finding("folder", "note", found, "with storage that all nodes share, what a dead node wrote is not lost with it")


def _ports(nodes: Sequence[Mapping[str, object]]) -> Finding:
    closed = []
    for node in nodes:
        for port in (node["NodeManagerPort"], node["ObjectManagerPort"]) if node["Alive"] else ():
            try:
                with socket.create_connection((str(node["NodeManagerAddress"]), int(str(port))), PORT_S):
                    pass
            except OSError:
                closed.append(f"{node['NodeManagerAddress']}:{port}")
    if closed:
        advice = "open them between the machines of the cluster; ray start --node-manager-port and --object-manager-port choose them"
        return Finding("ports", "problem", f"not reached from here: {', '.join(closed)}", advice)
    return Finding("ports", "ok", "those of all nodes are reached from here")


def _authentication() -> Finding:
    mode = os.environ.get("RAY_AUTH_MODE", "")
    if mode in ("token", "k8s"):
        return Finding("access", "ok", f"RAY_AUTH_MODE is {mode}")
    found = "RAY_AUTH_MODE is not token: whoever reaches the ports of the cluster runs what he likes on it"
    return Finding("access", "note", found, "set it on all machines, and let nobody else reach their ports")


def _health() -> Finding:
    from ray._raylet import Config  # type: ignore[attr-defined]

    times = Config.health_check_failure_threshold()
    silent_s = (times * Config.health_check_timeout_ms() + times * Config.health_check_period_ms()) / 1000
    found = f"a machine that falls silent is noticed after {silent_s:g} s"
    return Finding("dead nodes", "ok" if silent_s <= QUICK_S else "note", found, "" if silent_s <= QUICK_S else HEALTH)
