"""Cameras on a real cluster of three nodes: what a user types, and what becomes of it when nodes and processes die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stream.web.access import TOKEN_VARIABLE
from tests.command import facestream, running, usual_environment
from tests.media import RtspServer, ffprobe_times, make_clip, rtsp_server
from tests.paths import ROOT
from tests.ports import free_port
from tests.served import BEARER, TOKEN
from tests.stream.cluster.real_cluster import RealCluster, descendants, is_alive, real_cluster
from tests.waiting import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

PASSWORD = "S3cret-of-the-cameras"
CAMERAS = 3
TAKEN_OVER_WITHIN_S = 15
"""Promised."""


@pytest.fixture(scope="module")
def camera() -> Iterator[RtspServer]:
    with rtsp_server(password=PASSWORD, rate=15) as server:
        yield server


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    with real_cluster(nodes=3, environment={"CAMERA_PASSWORD": PASSWORD, TOKEN_VARIABLE: TOKEN}) as one:
        yield one


@dataclass
class Started:
    """A site, and what it has written."""

    cluster: RealCluster
    name: str
    recordings: Path
    events: Path

    def ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return facestream("cluster", words[0], "--name", self.name, *words[1:], environment=self.cluster.environment)

    def groups(self) -> list[dict[str, Any]]:
        """How each is."""
        told = self.ask("status", "--json")
        assert told.stdout, told.stderr
        groups: list[dict[str, Any]] = json.loads(told.stdout)["groups"]
        return groups

    def wait_for(self, done: Callable[[list[dict[str, Any]]], object], seconds: float) -> list[dict[str, Any]]:
        """Until the groups are so; they."""
        seen: list[dict[str, Any]] = []

        def is_so() -> object:
            seen[:] = self.groups()
            return done(seen)

        wait_for(is_so, seconds, lambda: seen)
        return list(seen)

    def lines(self) -> list[dict[str, Any]]:
        """All events up to now."""
        return [json.loads(line) for path in self.events.glob("*.jsonl") for line in path.read_text().splitlines(True) if line[-1] == "\n"]

    def pieces(self) -> dict[str, int]:
        """What has been recorded, and how long each file is."""
        return {path.name: path.stat().st_size for path in self.recordings.iterdir()}


@contextmanager
def site(cluster: RealCluster, camera: RtspServer, folder: Path, name: str, *more: str) -> Iterator[Started]:
    """Cameras that were started by the command, and are stopped by it at the end."""
    listed = "".join(
        f"  - {{name: cam{number}, address: 'rtsp://viewer:${{CAMERA_PASSWORD}}@127.0.0.1:{camera.port}/camera'}}\n"
        for number in range(CAMERAS)
    )
    (folder / "cams.yaml").write_text(f"sources:\n{listed}classifier: {{model: none}}\n")
    started = Started(cluster, name, folder / "recordings", folder / "events")
    words = ("--config", folder / "cams.yaml", "-o", started.recordings, "--events", started.events, "--segment", "0.1")
    run = facestream("run", *words, "--cluster", "auto", "--name", name, *more, environment=cluster.environment)
    try:
        assert run.returncode == 0, run.stderr
        assert f"{name}: {CAMERAS} cameras in {CAMERAS} groups on n1, n2, n3" in run.stderr
        yield started
    finally:
        started.ask("stop")


def looked_at(groups: list[dict[str, Any]]) -> bool:
    """Every camera was, a moment ago."""
    cameras = [camera for group in groups for camera in (group["status"] or {"cameras": ()})["cameras"]]
    return len(cameras) == CAMERAS and all(camera["last_look"] and time.time() - camera["last_look"] < 5 for camera in cameras)


def test_cameras_are_spread_looked_at_recorded_and_stopped(cluster: RealCluster, camera: RtspServer, tmp_path: Path) -> None:
    with site(cluster, camera, tmp_path, "south") as south:
        groups = south.wait_for(looked_at, 30)
        assert {group["place"] for group in groups} == {"n1", "n2", "n3"}, "spread"
        assert len({group["status"]["run"] for group in groups}) == CAMERAS

        again = facestream("run", "rtsp://192.0.2.1/x", "--events", tmp_path / "e", "--cluster", "auto", "--name", "south",
                           environment=cluster.environment)  # fmt: skip
        assert again.returncode == 2
        assert "runs already" in again.stderr

        wait_for(lambda: len(south.pieces()) > CAMERAS, 20)
        targets = json.loads((south.events / "targets-south.json").read_text())
        assert {target["labels"].get("group") for target in targets} == {None, "g01", "g02", "g03"}
        for target in targets:
            with urllib.request.urlopen(f"http://{target['targets'][0]}/metrics", timeout=10) as answer:
                numbers = answer.read().decode()
            if group := target["labels"].get("group"):
                camera_name = next(one["cameras"][0] for one in groups if one["name"] == group)
                assert f'facestream_camera_node{{node="{target["labels"]["node"]}",source="{camera_name}"}} 1.0' in numbers
            else:
                assert 'facestream_group_restarts_total{group="g01"} 0.0' in numbers

        told = [json.loads(line) for line in south.ask("events").stdout.splitlines()]
        assert {line["source"] for line in told} == {"cam0", "cam1", "cam2"}
        assert [line["utc"] for line in told] == sorted(line["utc"] for line in told)
        nodes = {group["status"]["run"]: group["place"] for group in groups}
        assert {(line["run"], line["node"]) for line in told} == set(nodes.items())
        with running("cluster", "events", "--name", "south", "--follow", environment=cluster.environment) as following:
            assert following.stdout is not None
            assert json.loads(following.stdout.readline())["utc"] > told[-1]["utc"]

        processes = [group["status"]["pid"] for group in groups]
        assert all(map(is_alive, processes))
        stopped = south.ask("stop")
        assert stopped.returncode == 0
        assert not any(map(is_alive, processes))
        pieces = south.pieces()
        assert all(ffprobe_times(south.recordings / name) for name in pieces), "closed, or broken off, they play"
        assert all(b"moov" in (south.recordings / name).read_bytes()[-200_000:] for name in pieces)
        time.sleep(1)
        assert south.pieces() == pieces, "nobody writes any more"
        assert south.ask("status").returncode == 2
    everything = [path for path in [*tmp_path.rglob("*"), *cluster.folder.rglob("*")] if path.is_file() and not path.is_symlink()]
    assert len(everything) > 10
    assert not [path for path in everything if PASSWORD.encode() in path.read_bytes()]


@pytest.mark.alone
def test_the_cameras_of_a_dead_node_are_looked_at_elsewhere(cluster: RealCluster, camera: RtspServer, tmp_path: Path) -> None:
    with site(cluster, camera, tmp_path, "west") as west:
        groups = west.wait_for(looked_at, 30)
        wait_for(lambda: len(west.pieces()) > CAMERAS, 20)
        victim = next(group for group in groups if group["place"] == "n2")
        before = west.pieces()
        killed_at = time.time()
        cluster.kill_node("n2")
        try:

            def taken_over() -> list[dict[str, Any]]:
                source = victim["cameras"][0]
                return [line for line in west.lines() if line["source"] == source and line["run"] != victim["status"]["run"]]

            wait_for(taken_over, TAKEN_OVER_WITHIN_S)
            assert {line["node"] for line in taken_over()} <= {"n1", "n3"}
            groups = west.wait_for(lambda groups: looked_at(groups) and any(group["away_s"] for group in groups), 20)
            now = next(group for group in groups if group["name"] == victim["name"])
            assert now["restarts"] == 1
            assert 0 < now["away_s"][victim["cameras"][0]] < TAKEN_OVER_WITHIN_S
            others = [group for group in groups if group["name"] != victim["name"]]
            assert [group["restarts"] for group in others] == [0, 0]

            wait_for(lambda: len(west.pieces()) > len(before) + CAMERAS, 30)
            broken = sorted(name for name in west.pieces() if victim["status"]["run"] in name)
            plays = [name for name in broken if ffprobe_times(west.recordings / name)]
            assert plays[-1] in broken[-2:], "but for one that had just begun, all play that were written until then"
            assert abs(killed_at - (west.recordings / plays[-1]).stat().st_mtime) < 2, "to about the last second"
            names = [name for name in west.pieces() if name.startswith(victim["cameras"][0])]
            assert len({name.rpartition("-")[2] for name in names}) == 2, "of two runs"
            assert all(west.pieces()[name] >= size for name, size in before.items()), "nothing was replaced"
            looks = [(line["source"], line["run"], line["frame"]) for line in west.lines()]
            assert len(looks) == len(set(looks))
        finally:
            cluster.add_node("n2")


def test_a_group_that_hangs_begins_anew(cluster: RealCluster, camera: RtspServer, tmp_path: Path) -> None:
    with site(cluster, camera, tmp_path, "north") as north:
        groups = north.wait_for(looked_at, 30)
        hung = groups[0]["status"]["pid"]
        os.kill(hung, signal.SIGSTOP)
        groups = north.wait_for(lambda groups: groups[0]["restarts"] and looked_at(groups), 60)
        assert groups[0]["restarts"] == 1
        assert groups[0]["status"]["pid"] != hung
        assert not is_alive(hung)
        assert [group["restarts"] for group in groups[1:]] == [0, 0]


def test_a_group_is_moved(cluster: RealCluster, camera: RtspServer, tmp_path: Path) -> None:
    with site(cluster, camera, tmp_path, "east") as east:
        groups = east.wait_for(looked_at, 30)
        other = next(node for node in ("n1", "n2", "n3") if node != groups[0]["place"])
        assert east.ask("move", "g01", other).returncode == 0
        moved = east.wait_for(lambda groups: groups[0]["place"] == other and looked_at(groups), 40)
        assert [group["status"]["run"] for group in moved[1:]] == [group["status"]["run"] for group in groups[1:]]
        assert not is_alive(groups[0]["status"]["pid"])
        refused = east.ask("move", "g09", other)
        assert (refused.returncode, "g09: is no group of east" in refused.stderr) == (2, True)
        refused = east.ask("move", "g01", "n9")
        assert (refused.returncode, "n9: is no node" in refused.stderr) == (2, True)


def test_where_a_node_lacks_the_password_nothing_is_left_running(cluster: RealCluster, camera: RtspServer, tmp_path: Path) -> None:
    (tmp_path / "cams.yaml").write_text("sources: [{name: door, address: 'rtsp://viewer:${NOBODY_KNOWS}@192.0.2.1/x'}]\n")
    words = ("--config", tmp_path / "cams.yaml", "--events", tmp_path, "--cluster", "auto", "--name", "gate")
    run = facestream("run", *words, environment=cluster.environment)
    assert run.returncode == 1
    assert "the environment variable NOBODY_KNOWS is not set" in run.stderr
    assert "gate" not in facestream("cluster", "status", "--name", "gate", environment=cluster.environment).stdout


def test_without_room_it_says_so(cluster: RealCluster, tmp_path: Path) -> None:
    many = [f"rtsp://192.0.2.1/{number}" for number in range(40)]
    run = facestream("run", *many, "--events", tmp_path, "--cluster", "auto", environment=cluster.environment)
    assert run.returncode == 1
    assert "there is no room" in run.stderr


def test_a_page_shows_its_cameras_and_says_where_the_others_are(cluster: RealCluster, camera: RtspServer, tmp_path: Path) -> None:
    with site(cluster, camera, tmp_path, "shown", "--web", f"0.0.0.0:{free_port()}") as shown:
        groups = shown.wait_for(looked_at, 30)
        pages = {group["status"]["page"] for group in groups}
        assert len(pages) == CAMERAS

        def ask(address: str) -> str:
            with urllib.request.urlopen(urllib.request.Request(address, headers=BEARER), timeout=10) as answer:
                return str(answer.read().decode())

        for group in groups:
            page = group["status"]["page"]
            told = json.loads(ask(f"{page}cluster.json"))
            assert {one["cameras"][0]: one["place"] for one in told["groups"]} == {one["cameras"][0]: one["place"] for one in groups}
            table = ask(f"{page}cluster")
            for other in groups:
                assert f'<a href="{other["status"]["page"]}">{other["cameras"][0]}</a></td><td>{other["name"]}' in table
            assert ask(f"{page}healthz").startswith("alive")
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(f"{page}cluster", timeout=10)


START = """
import sys
from pathlib import Path
from stream.cluster.camera_site import Site, in_groups
from stream.cluster.connection import connected
from stream.settings.loading import load_settings
settings = load_settings(sys.argv[1])
with connected("auto"):
    from stream.cluster.cameras import start
    groups = in_groups([one.name for one in settings.sources], 2)
    start(Site(name="small", groups=groups, settings=settings, events=Path(sys.argv[2]), unequal_for_s=2.0))
"""


@contextmanager
def small_site(cluster: RealCluster, camera: RtspServer, folder: Path, cameras: int) -> Iterator[Started]:
    """Cameras that nobody looks for faces in, in up to four groups, which move as soon as nodes are loaded unequally."""
    listed = "".join(f"  - {{name: cam{number}, address: '{camera.address}'}}\n" for number in range(cameras))
    (folder / "cams.yaml").write_text(f"sources:\n{listed}classifier: {{model: none}}\ndetector: {{enabled: false}}\n")
    words = [sys.executable, "-c", START, str(folder / "cams.yaml"), str(folder / "events")]
    done = subprocess.run(words, cwd=ROOT, env=usual_environment() | cluster.environment, timeout=100, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    small = Started(cluster, "small", folder, folder / "events")
    yield small
    assert small.ask("stop").returncode == 0


@pytest.fixture
def open_camera() -> Iterator[RtspServer]:
    with rtsp_server(rate=10) as server:
        yield server


def test_a_node_that_was_added_gets_its_share(open_camera: RtspServer, tmp_path: Path) -> None:
    with real_cluster(nodes=1) as cluster, small_site(cluster, open_camera, tmp_path, 3) as small:
        assert [group["place"] for group in small.groups()] == ["n1"] * 3
        cluster.add_node("n2", num_cpus=1)
        groups = small.wait_for(lambda groups: sorted(group["place"] for group in groups) == ["n1", "n1", "n2"], 60)
        time.sleep(4)
        assert [group["place"] for group in small.groups()] == [group["place"] for group in groups], "and all is well as it is"


def test_a_group_without_a_place_is_told_of_and_gets_the_next(open_camera: RtspServer, tmp_path: Path) -> None:
    with real_cluster(nodes=2) as cluster, small_site(cluster, open_camera, tmp_path, 8) as small:
        assert sorted(group["place"] for group in small.groups()) == ["n1", "n1", "n2", "n2"]
        cluster.kill_node("n2")
        groups = small.wait_for(lambda groups: sum("no room" in group["note"] for group in groups) == 2, 60)
        assert sorted(group["place"] for group in groups) == ["", "", "n1", "n1"]
        told = small.ask("status")
        assert told.returncode == 1
        assert "it needs 0.4 CPUs" in told.stdout
        cluster.add_node("n3", num_cpus=1)
        small.wait_for(lambda groups: sorted(group["place"] for group in groups) == ["n1", "n1", "n3", "n3"], 60)
        wait_for(lambda: small.ask("status").returncode == 0, 30)


def test_on_one_machine_it_runs_until_ctrl_c(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4")
    (tmp_path / "cams.yaml").write_text("sources: [{name: door, address: clip.mp4, source: {loop: true}}]\nclassifier: {model: none}\n")
    words = ("run", "--config", "cams.yaml", "-o", "recordings", "--segment", "1", "--cluster", "local")
    with (
        tempfile.TemporaryDirectory(prefix="fsr-", dir="/tmp") as folder,
        running(*words, cwd=tmp_path, environment={"RAY_TMPDIR": folder}) as process,
    ):
        assert process.stderr is not None
        told = next(line for line in process.stderr if "until you press Ctrl-C" in line)
        assert told
        everything = descendants(process.pid)
        wait_for(lambda: list((tmp_path / "recordings").glob("door-*.mp4")), 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        wait_for(lambda: not any(map(is_alive, everything)), 10)
        assert len(everything) > 3
    pieces = list((tmp_path / "recordings").glob("door-*.mp4"))
    assert pieces
    assert all(map(ffprobe_times, pieces))
