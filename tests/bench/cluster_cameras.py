"""How soon the cameras of a dead node are looked at elsewhere: a cluster of Ray on this machine, of which a node is killed again and again.

    python tests/bench/cluster_cameras.py [--kills 20] [--cameras 6] [--nodes 3] [--silent]

RTSP cameras (640×360 at 15 frames/s, one face, served by GStreamer), the detector and the classifier at their defaults, recorded in pieces
of six seconds. A kill ends every process of a node at once (with --silent it is stopped instead, as where a cable is pulled: nothing is
closed, nothing answers; it is ended once its cameras are elsewhere). Then a new node takes its place. Told is, of each kill and each camera
of the node, the time to the arrival of the first picture that another node has looked at; how long the others were not looked at, at the
longest; and how much of the recording that was broken off is missing before the kill.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from stream.sources.demo import CYCLE_S, DemoSource
from tests import clock
from tests.command import facestream
from tests.media import ffprobe_times, rtsp_server
from tests.stream.cluster.real_cluster import RealCluster, real_cluster
from tests.waiting import wait_for

PIECES_MIN = 0.1
LONGEST_S = 120


class Events:
    """What has been looked at, read as it is written: moments in seconds since 1970."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._read = folder, dict[Path, int]()
        self.looks: list[tuple[float, str, str]] = []
        """When a picture arrived, of which camera, by which run."""

    def read(self) -> None:
        for path in self._folder.glob("*.jsonl"):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                whole, newline, _ = file.read().rpartition(b"\n")
            self._read[path] = self._read.get(path, 0) + len(whole) + len(newline)
            for line in whole.splitlines():
                event = json.loads(line)
                self.looks.append((datetime.fromisoformat(event["utc"]).timestamp(), event["source"], event["run"]))

    def first_after(self, moment: float, camera: str, run: str) -> float | None:
        """When the first picture arrived that another run looked at."""
        self.read()
        return min((at for at, source, by in self.looks if source == camera and by != run and at > moment), default=None)

    def longest_pause_s(self, camera: str, begin: float, end: float) -> float:
        """The longest time between two pictures that were looked at."""
        times = sorted(at for at, source, _ in self.looks if source == camera and begin <= at <= end)
        return float(np.diff(times).max()) if len(times) > 1 else end - begin


def groups(cluster: RealCluster) -> list[dict[str, Any]]:
    told = facestream("cluster", "status", "--json", environment=cluster.environment)
    return json.loads(told.stdout)["groups"] if told.stdout else []


def all_up(cluster: RealCluster) -> list[dict[str, Any]]:
    """Every group, once each is looked at."""
    seen: list[dict[str, Any]] = []

    def up() -> bool:
        seen[:] = groups(cluster)
        cameras = [camera for group in seen for camera in (group["status"] or {"cameras": ()})["cameras"]]
        return bool(seen) and not any(group["note"] for group in seen) and all((one["last_look"] or 0) > time.time() - 5 for one in cameras)

    wait_for(up, LONGEST_S, lambda: seen)
    return list(seen)


def spread(cluster: RealCluster) -> list[dict[str, Any]]:
    """Every group, once they are spread over the nodes: where a new node has none, some are moved to it."""
    while True:
        seen = all_up(cluster)
        held = {node: [group["name"] for group in seen if group["place"] == node] for node in cluster.nodes}
        most, least = max(held, key=lambda node: len(held[node])), min(held, key=lambda node: len(held[node]))
        if len(held[most]) < len(held[least]) + 2:
            return seen
        facestream("cluster", "move", held[most][0], least, environment=cluster.environment)
        wait_for(lambda: any(group["name"] == held[most][0] and group["place"] == least for group in groups(cluster)), LONGEST_S)  # noqa: B023


@dataclass(slots=True)
class Taken:
    """What was measured, s."""

    took: list[float] = field(default_factory=list)
    """Of each camera of a dead node: until it was looked at elsewhere."""
    paused: list[float] = field(default_factory=list)
    """Of each other camera: the longest pause meanwhile."""
    missing: list[float] = field(default_factory=list)
    """Of each recording that was broken off: what is missing before the kill."""

    def add(self, cluster: RealCluster, events: Events, recordings: Path, victim: str, *, silent: bool) -> str:
        """Kill a node, and wait until its cameras are looked at elsewhere; a line on it."""
        before = spread(cluster)
        dead = {camera: group["status"]["run"] for group in before if group["place"] == victim for camera in group["cameras"]}
        others = [camera for group in before if group["place"] != victim for camera in group["cameras"]]
        killed_at = time.time()
        if silent:
            cluster.signal_node(victim, signal.SIGSTOP)
        else:
            cluster.kill_node(victim)
        wait_for(lambda: all(events.first_after(killed_at, camera, run) for camera, run in dead.items()), LONGEST_S)
        took = [(events.first_after(killed_at, camera, run) or 0) - killed_at for camera, run in dead.items()]
        paused = [events.longest_pause_s(camera, killed_at - 1, time.time()) for camera in others]
        for run in dead.values():
            written = [path for path in recordings.glob(f"*-{run}.mp4") if ffprobe_times(path)]
            self.missing += [max(0.0, killed_at - max(path.stat().st_mtime for path in written))]
        self.took += took
        self.paused += paused
        if silent:
            cluster.kill_node(victim)
        cluster.add_node(victim)
        told = ", ".join(f"{one:.1f}" for one in took)
        return f"{victim}: {told} s; the others paused for {max(paused, default=0):.1f} s; load {os.getloadavg()[0]:.0f}"

    def tell(self, what: str) -> None:
        low, middle, high, most = np.percentile(self.took, [5, 50, 95, 100])
        print(f"{what}, {len(self.took)} cameras taken over on {os.cpu_count()} cores: ", end="")
        print(f"p5 {low:.1f}, median {middle:.1f}, p95 {high:.1f}, most {most:.1f} s")
        print(
            f"the others were not looked at for {np.median(self.paused):.2f} s (median of longest pauses), at most {max(self.paused):.2f} s"
        )
        print(f"recordings broken off: the last {np.median(self.missing):.2f} s (median), at most {max(self.missing):.2f} s, are missing")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--cameras", type=int, default=6)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--silent", action="store_true")
    asked = parser.parse_args()
    taken = Taken()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        demo, frames = DemoSource(size=(640, 360)), 15 * clock.LOOP_S
        clip = clock.make_clip(folder / "clip", rate=15, size=(640, 360), image=lambda number: demo.look(number * CYCLE_S / frames))
        server = stack.enter_context(rtsp_server(clip=str(clip), rate=15))
        cluster = stack.enter_context(real_cluster(nodes=asked.nodes, cpus=2))
        listed = "".join(f"  - {{name: cam{number}, address: '{server.address}'}}\n" for number in range(asked.cameras))
        (folder / "cams.yaml").write_text(f"sources:\n{listed}")
        words = ("-o", folder / "recordings", "--events", folder / "events", "--segment", PIECES_MIN, "--cluster", "auto")
        started = facestream("run", "--config", folder / "cams.yaml", *words, environment=cluster.environment)
        assert started.returncode == 0, started.stderr
        events, done = Events(folder / "events"), 0
        with suppress(KeyboardInterrupt):  # what was measured until then is told
            for done in range(1, asked.kills + 1):
                victim = f"n{1 + done % asked.nodes}"
                print(f"{done:3}  {taken.add(cluster, events, folder / 'recordings', victim, silent=asked.silent)}", flush=True)
        facestream("cluster", "stop", environment=cluster.environment)
    taken.tell(f"{done} {'silent nodes' if asked.silent else 'kills'}")


if __name__ == "__main__":
    main()
