"""A real cluster on this machine, in processes of its own: a head without a core for anybody, and nodes that can be killed.

python -m tests.stream.cluster.real_cluster '{"nodes": 3, ...}'     is the process that has it; it ends when its standard input does
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.command import usual_environment
from tests.paths import ROOT
from tests.waiting import wait_for

HEALTH = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}
"""Those that docs/cluster.md recommends for cameras."""
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",  # a token in the developer's home would switch it on
    "RAY_memory_monitor_refresh_ms": "0",  # all nodes share one machine's memory
    "RAY_kill_worker_timeout_milliseconds": "1000",
    "RAY_raylet_liveness_self_check_interval_ms": "5000",
}
OBJECT_STORE = 80 << 20


def descendants(pid: int) -> list[int]:
    """A process and all that it started, and they, from the top."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass
class RealCluster:
    """What a test has of it."""

    address: str
    """HOST:PORT."""
    folder: Path
    """Of Ray; short, for the paths of Unix sockets end at 107 bytes."""
    environment: dict[str, str]
    """For commands that use the cluster."""
    nodes: dict[str, int]
    """The process of each node's raylet, by the node's name (n1, n2, ...). All that works on a node descends from it."""
    process: subprocess.Popen[str] = field(repr=False)
    """What has it all."""

    def signal_node(self, name: str, number: int) -> list[int]:
        """Send a signal to every process of a node: SIGKILL is its power cut, SIGSTOP its pulled cable. The processes."""
        processes: list[int] = []
        while new := [pid for pid in descendants(self.nodes[name]) if pid not in processes]:  # some may be born meanwhile
            for pid in new:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
            processes += new
        return processes

    def kill_node(self, name: str) -> None:
        """End every process of a node at once, with nothing said to anybody."""
        processes = self.signal_node(name, signal.SIGKILL)
        wait_for(lambda: not any(map(is_alive, processes)), 10)
        del self.nodes[name]

    def add_node(self, name: str, **arguments: Any) -> None:
        """One more node, which is up when this returns."""
        self.nodes |= self._ask({"name": name, **arguments})["nodes"]

    def _ask(self, words: Mapping[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return _said(self.process)


@contextmanager
def real_cluster(
    nodes: int = 3, cpus: int = 1, *, environment: Mapping[str, str] | None = None, system: Mapping[str, Any] | None = None
) -> Iterator[RealCluster]:
    """A head with no core for anybody, and `nodes` nodes, called n1, n2, ...; all of it has ended when the block ends.

    Args:
        cpus: how many each node says that it has.
        environment: of the nodes, besides the usual one.
        system: Ray's own settings, besides `HEALTH`.
    """
    folder = Path(tempfile.mkdtemp(prefix="fsr-", dir="/tmp"))
    (folder / "ray").mkdir()
    surroundings = usual_environment() | ENVIRONMENT | {"PYTHONPATH": str(ROOT), "RAY_TMPDIR": str(folder)} | dict(environment or {})
    asked = {"nodes": nodes, "cpus": cpus, "system": HEALTH | dict(system or {})}
    with (folder / "said.txt").open("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.stream.cluster.real_cluster", json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            cwd=ROOT,
            env=surroundings,
            start_new_session=True,
        )
        everything: list[int] = []
        try:
            try:
                told = _said(process)
            except ValueError:
                said.seek(0)
                raise AssertionError(f"no cluster: {said.read()[-3000:]}") from None
            everything = descendants(process.pid)
            yield RealCluster(told["address"], folder, surroundings | {"RAY_ADDRESS": told["address"]}, told["nodes"], process)
        finally:
            everything = [*{*everything, *descendants(process.pid)}]
            with suppress(BrokenPipeError):
                process.communicate(timeout=20)
            for pid in everything:  # what was stopped, or did not hear
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            shutil.rmtree(folder, ignore_errors=True)


def _said(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def _main() -> None:
    asked = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Ray prints, too
    from ray.cluster_utils import Cluster

    usual = {"object_store_memory": OBJECT_STORE, "include_dashboard": False, "include_log_monitor": False}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "node_name": "head", "_system_config": asked["system"], **usual})

    def add(name: str, **arguments: Any) -> dict[str, int]:
        node = cluster.add_node(node_name=name, **{"num_cpus": asked["cpus"], **usual, **arguments})
        return {name: node.all_processes["raylet"][0].process.pid}

    nodes: dict[str, int] = {}
    for number in range(asked["nodes"]):
        nodes |= add(f"n{number + 1}")
    print(json.dumps({"address": cluster.address, "nodes": nodes}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps({"nodes": add(**json.loads(line))}), file=answers, flush=True)
    for pid in descendants(os.getpid())[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    _main()
