"""What `facestream run --cluster` cannot be asked for: told in one sentence, before anybody looks for a cluster; and Ray stays away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stream.cluster.run import run_on_cluster
from stream.errors import UsageError
from stream.job.job import Options
from stream.settings.schema import NamedSource, OutputSettings, Settings
from tests.command import facestream, is_one_sentence
from tests.paths import ROOT

DOOR = "rtsp://192.0.2.1/stream"
SAFE = {"output": Path("recordings"), "events": "events"}


@pytest.mark.parametrize(
    ("sources", "options", "said"),
    [
        ([DOOR], {**SAFE, "window": True}, "--window: other machines show nothing here"),
        ([DOOR, "clip.mp4"], SAFE, "clip.mp4: is a file, and rtsp://192.0.2.1/stream a camera"),
        (["0"], SAFE, "0: belongs to this machine"),
        (["-"], SAFE, "-: belongs to this machine"),
        (["camera:door"], SAFE, "camera:door: belongs to this machine"),
        ([], SAFE, "name a SOURCE"),
        ([DOOR, DOOR], SAFE, "name it once"),
        ([DOOR], {}, "nobody would see what is found"),
        ([DOOR], {**SAFE, "max_frames": 3}, "run until facestream cluster stop"),
        ([DOOR], {**SAFE, "duration_s": 3.0}, "run until facestream cluster stop"),
        ([DOOR], {**SAFE, "metrics_port": 9100}, "--metrics-port: on a cluster each group"),
        ([DOOR], {**SAFE, "events": "faces.jsonl"}, "--events faces.jsonl: on a cluster"),
        ([DOOR], {**SAFE, "events": "-"}, "--events -: on a cluster"),
        ([DOOR], {**SAFE, "output": Path("door.mp4")}, "-o door.mp4: on a cluster"),
        (["rtsp://viewer:hunter2@192.0.2.1/stream"], SAFE, "the cluster would keep the password"),
    ],
)
def test_what_makes_no_sense_is_refused(sources: list[str], options: dict[str, object], said: str) -> None:
    settings = Settings(output=OutputSettings(segment_minutes=10))
    with pytest.raises(UsageError) as refused:
        run_on_cluster(sources, settings, Options(**options), "192.0.2.1:6379")
    assert said in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_recordings_without_pieces_would_replace_each_other() -> None:
    with pytest.raises(UsageError, match="--segment MINUTES"):
        run_on_cluster([DOOR], Settings(), Options(**SAFE), "192.0.2.1:6379")
    own = NamedSource(name="door", address=DOOR, changes={"output": {"segment_minutes": 0}})
    settings = Settings(output=OutputSettings(segment_minutes=10), sources=(own,))
    with pytest.raises(UsageError, match="door: on a cluster recordings are in pieces"):
        run_on_cluster([], settings, Options(**SAFE), "192.0.2.1:6379")


@pytest.mark.slow
def test_the_command_says_it_in_one_sentence(tmp_path: Path) -> None:
    refused = facestream("run", DOOR, "--cluster", "ray://192.0.2.1:10001", "--events", tmp_path)
    assert refused.returncode == 2
    assert is_one_sentence(refused.stderr)
    refused = facestream("run", DOOR, "--name", "south")
    assert refused.returncode == 2
    assert is_one_sentence(refused.stderr)
    refused = facestream("cluster", "status", "--cluster", "somewhere")
    assert refused.returncode == 2
    assert is_one_sentence(refused.stderr)


@pytest.mark.slow
def test_alone_ray_is_never_imported(portrait_path: Path) -> None:
    """Nor needed: it is as if it were not installed."""
    code = "import sys; sys.modules['ray'] = None\nfrom stream.cli.app import main\n"
    code += f"sys.argv = ['facestream', 'run', {str(portrait_path)!r}, '--events', '-', '--no-window']\n"
    code += "try: main()\nexcept SystemExit as end: print(end.code or 0, [name for name in sys.modules if name.startswith('ray.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "0 []"
