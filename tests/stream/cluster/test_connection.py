"""Joining a cluster, and what is said where that cannot be."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.command import usual_environment
from tests.paths import ROOT
from tests.ports import free_port
from tests.stream.cluster.real_cluster import RealCluster, descendants, is_alive, real_cluster

pytestmark = pytest.mark.cluster

JOIN = """
import json, signal, sys
from stream.cluster.connection import connected
from stream.errors import FacestreamError
before = signal.getsignal(signal.SIGTERM)
try:
    with connected(sys.argv[1]):
        import ray
        nodes = sorted(node["NodeName"] for node in ray.nodes())
        own = signal.getsignal(signal.SIGTERM) is before
        made = ray.get(ray.remote(num_cpus=0.1)(lambda: 6 * 7).remote())
    print(json.dumps({"nodes": nodes, "own": own, "made": made, "left": not ray.is_initialized()}))
except FacestreamError as error:
    print(json.dumps({"error": type(error).__name__, "said": str(error)}))
"""


def join(where: str, before: str = "", **environment: str) -> dict[str, object]:
    """What a process tells that joins a cluster, does a little there and leaves it."""
    done = subprocess.run(
        [sys.executable, "-c", before + JOIN, where],
        cwd=ROOT,
        env=usual_environment() | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == "", "Ray talks"
    told: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    with real_cluster(nodes=1) as one:
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("named", ["auto", "HOST:PORT"])
def test_a_cluster_is_joined_and_left(cluster: RealCluster, named: str) -> None:
    told = join(cluster.address if named == "HOST:PORT" else named, **cluster.environment)
    assert told == {"nodes": ["head", "n1"], "own": True, "made": 42, "left": True}


@pytest.mark.slow
def test_a_cluster_of_this_machine_alone_begins_and_ends_with_its_use() -> None:
    told = join("local")
    assert told["made"] == 42
    assert len(told["nodes"]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("where", ["ray://192.0.2.1:10001", "somewhere", "host:", "http://host:1"])
def test_what_names_no_cluster_is_refused(where: str) -> None:
    told = join(where)
    assert told["error"] == "UsageError"
    assert str(told["said"]).startswith(f"--cluster {where}: ")


def test_where_no_cluster_is_one_sentence_says_so() -> None:
    told = join(f"127.0.0.1:{free_port()}")
    assert told["error"] == "ClusterError"
    assert "no cluster answers there" in str(told["said"])


@pytest.mark.slow
def test_another_version_is_refused_with_both(cluster: RealCluster) -> None:
    told = join(cluster.address, before="import ray; ray.__version__ = '2.57.1'\n", **cluster.environment)
    assert told["error"] == "ClusterError"
    assert "this machine Ray 2.57.1" in str(told["said"])
    assert str(told["said"]).count(f"Python {platform.python_version()}") == 2


def test_without_ray_one_sentence_says_what_to_install() -> None:
    told = join("local", before="import sys; sys.modules['ray'] = None\n")
    assert told == {"error": "UsageError", "said": "--cluster needs what the extra `cluster` brings: pip install 'facestream[cluster]'."}


@pytest.mark.slow
@pytest.mark.parametrize("order", ["ray, tensorflow", "tensorflow, ray"])
def test_ray_and_tensorflow_live_in_one_process(order: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {order}"], check=True, capture_output=True, timeout=120)


@pytest.mark.slow
def test_the_cluster_of_the_tests_ends_whole() -> None:
    with real_cluster(nodes=2) as cluster:
        everything = descendants(cluster.process.pid)
        node = descendants(cluster.nodes["n2"])
        cluster.kill_node("n2")
        assert not any(map(is_alive, node))
        assert all(map(is_alive, descendants(cluster.nodes["n1"])))
        cluster.add_node("n3")
        everything += descendants(cluster.nodes["n3"])
    assert len(everything) > 5
    assert not any(map(is_alive, everything))
    assert not cluster.folder.exists()
