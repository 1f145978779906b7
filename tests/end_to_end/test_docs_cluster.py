"""What docs/cluster.md says holds on a real cluster: its commands, its table, its unit files."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.cluster.metrics import OF_A_GROUP, OF_A_SITE
from stream.monitoring.metrics import as_markdown_table
from stream.sources.demo import DemoSource
from tests import documentation
from tests.command import facestream
from tests.media import make_clip
from tests.paths import ROOT
from tests.stream.cluster.real_cluster import RealCluster, real_cluster

PAGE = ROOT / "docs" / "cluster.md"
UNITS = sorted((ROOT / "docs" / "cluster").glob("*.service"))


def lines() -> list[str]:
    """Every command of the page's blocks, in their order."""
    blocks = [block.text for block in documentation.blocks("sh") if block.page == PAGE]
    return [documentation.COMMENT.sub("", line).strip() for text in blocks for line in text.replace("\\\n", " ").splitlines()]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    with real_cluster(nodes=3, cpus=2) as one:
        yield one


@pytest.mark.cluster
@pytest.mark.slow
def test_the_commands_for_cameras_do_what_they_should(cluster: RealCluster, tmp_path: Path) -> None:
    demo = DemoSource(size=(320, 240))
    clip = make_clip(tmp_path / "clip.mp4", times=range(25), images=[demo.look(number / 25) for number in range(25)])
    cameras = "".join(f"  - {{name: {name}, address: {clip}, source: {{loop: true}}}}\n" for name in ("door", "desk", "hall"))
    (tmp_path / "cams.yaml").write_text(f"sources:\n{cameras}")
    commands = [line for line in lines() if line.startswith("facestream ") and ("--name south" in line or "doctor" in line)]
    assert {shlex.split(line)[1] for line in commands} == {"doctor", "run", "cluster"}
    said = {}
    for line in commands:
        done = facestream(*shlex.split(line)[1:], cwd=tmp_path, environment=cluster.environment)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        said[line] = done.stdout + done.stderr
    everything = "".join(said.values())
    assert "3 cameras in 3 groups on n1, n2, n3" in everything
    assert "g01: moves to n2" in everything
    assert "south: ended, 3 groups" in everything
    names = " ".join(path.name for path in [*(tmp_path / "recordings").iterdir(), *(tmp_path / "events").iterdir()])
    assert re.search(r"door-\d{8}T\d{6}Z-[a-z]{4}\.mp4", names)
    assert re.search(r"south-g01-\d{8}-[a-z]{4}\.jsonl", names)
    assert "targets-south.json" in names


def test_the_page_has_the_table_of_metrics() -> None:
    between = PAGE.read_text(encoding="utf-8").partition("<!-- cluster metrics -->\n")[2].partition("<!-- /cluster metrics -->")[0]
    assert between == as_markdown_table((*OF_A_GROUP, *OF_A_SITE))


def starts() -> list[str]:
    return [line for line in lines() if line.startswith("ray start")] + [
        re.sub(r"^.*?/ray", "ray", re.search(r"ExecStart=(.*?[^\\])\n", unit.read_text(), re.DOTALL)[1].replace("\\\n", " "))  # type: ignore[index]
        for unit in UNITS
    ]


@pytest.mark.parametrize("line", starts())
def test_ray_knows_the_options(line: str) -> None:
    assert len(UNITS) == 2
    code = "from ray.scripts.scripts import start; print(*(word for option in start.params for word in option.opts))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # its help keeps some to itself
    words = {word for word in shlex.split(line) if word.startswith("--")}
    assert len(words) > 2
    assert words <= set(told.stdout.split())


def test_page_and_units_say_the_same_of_the_health_of_machines() -> None:
    """And the clusters of the tests are like them."""
    from tests.stream.cluster.real_cluster import HEALTH

    texts = ["\n".join(lines()), "\n".join(unit.read_text() for unit in UNITS)]
    for text in texts:
        assert {name: int(value) for name, value in re.findall(r"RAY_(health_check_\w+)=(\d+)", text)} == HEALTH
        assert "RAY_AUTH_MODE=token" in text
        assert "RAY_raylet_liveness_self_check_interval_ms=5000" in text
        assert "RAY_kill_worker_timeout_milliseconds=1000" in text
