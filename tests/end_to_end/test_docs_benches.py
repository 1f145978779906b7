"""The benchmarks that the documentation names: they know the options that are typed there, and run."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests import documentation
from tests.command import usual_environment
from tests.paths import ROOT

BENCHES = {
    "video.py": "--rounds 1 --frames 8",
    "files.py": "--rounds 1 --seconds 2",
    "detector.py": "--rounds 1 --only 640x480",
    "cameras.py": "--cameras 2 --seconds 3 --ways bare",
    "live.py": "--seconds 10",
    "limits.py": "",
    "cluster_cameras.py": "--kills 1 --cameras 2 --nodes 2",
    "named.py": "--rounds 1 --frames 8 --people 3",
}
"""Small runs of those that need no photos with labels; soak.py has a test of its own."""


def bench_commands() -> list[str]:
    return [
        one for text in documentation.commands() for one in documentation.simple_commands(text) if one.startswith("python tests/bench/")
    ]


@pytest.mark.parametrize("script", sorted({command.split()[1] for command in bench_commands() if "--" in command}))
def test_a_bench_knows_its_options(script: str) -> None:
    done = subprocess.run([sys.executable, script, "--help"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    words = {
        word
        for command in bench_commands()
        if command.split()[1] == script
        for word in command.split()[2:]
        if not (word.isdecimal() or "." in word)
    }
    assert done.returncode == 0, done.stderr[-1000:]
    assert words <= set(re.findall(r"[\w-]+", done.stdout)), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("script", BENCHES)
def test_a_bench_runs(script: str) -> None:
    command = [sys.executable, f"tests/bench/{script}", *BENCHES[script].split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280, env=usual_environment())
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"\d", done.stdout)
