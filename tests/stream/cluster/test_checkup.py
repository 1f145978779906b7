"""What `facestream doctor --cluster` says of a real cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.cluster.camera_site import in_groups, survives
from stream.cluster.checkup import most_cameras
from tests.command import facestream
from tests.ports import free_port
from tests.stream.cluster.real_cluster import RealCluster, real_cluster

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    with real_cluster(nodes=2) as one:
        yield one


def findings(cluster: RealCluster, code: int, **environment: str) -> dict[str, dict[str, str]]:
    said = facestream("doctor", "--cluster", "auto", "--json", environment=cluster.environment | environment)
    assert said.returncode == code, said.stdout + said.stderr
    return {one["check"]: one for one in json.loads(said.stdout)["findings"]}


@pytest.mark.slow
def test_what_a_cluster_lacks_is_said(cluster: RealCluster, tmp_path: Path) -> None:
    found = findings(cluster, 0)
    assert {name: one["state"] for name, one in found.items()} == {
        "cluster": "ok",
        "versions": "ok",
        "room": "ok",
        "ports": "ok",
        "access": "note",
        "dead nodes": "ok",
    }
    assert "2 nodes with 2 CPUs: n1, n2" in found["cluster"]["found"]
    assert "RAY_AUTH_MODE" in found["access"]["found"]
    assert found["room"]["found"] == "for 5 cameras, when one node is lost", "0.2 CPUs each"
    assert "4.5 s" in found["dead nodes"]["found"]

    cameras = [f"rtsp://127.0.0.1:{free_port()}/{number}" for number in range(9)]
    started = facestream("run", *cameras, "--events", tmp_path, "--cluster", "auto", "--name", "full", "--model", "none",
                         "--set", "detector.enabled=false", environment=cluster.environment)  # fmt: skip
    try:
        assert started.returncode == 0, started.stderr
        assert "if a node dies, the others have no room for its cameras" in started.stderr
        assert findings(cluster, 1)["room"]["state"] == "problem"
    finally:
        facestream("cluster", "stop", "--name", "full", environment=cluster.environment)


def test_where_no_cluster_is_the_doctor_says_so() -> None:
    said = facestream("doctor", "--cluster", f"127.0.0.1:{free_port()}")
    assert said.returncode == 1
    assert "no cluster answers there" in said.stdout


def test_how_many_cameras_there_is_room_for() -> None:
    room = {"a": 4.0, "b": 4.0, "c": 4.0}
    most = most_cameras(room)
    assert most > 0
    for number in range(1, most + 1):
        assert number != most or survives([group.cpus for group in in_groups(["camera"] * number, 3)], room)
    assert not survives([group.cpus for group in in_groups(["camera"] * (most + 1), 3)], room)
    assert most_cameras({"a": 64.0}) == 0, "nothing is left when it is lost"
    assert most_cameras({}) == 0
