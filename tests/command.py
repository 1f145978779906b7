"""The command as a user runs it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def usual_environment() -> dict[str, str]:
    """That of the tests as it is now (with a cache of their own), without a display."""
    return {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}


def facestream(
    *words: str | Path, cwd: Path | None = None, timeout_s: float = 120, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "stream", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        cwd=cwd,
        env=usual_environment() | (environment or {}),
        check=False,
    )


@contextmanager
def running(*words: str | Path, cwd: Path | None = None, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; one that has not ended by itself is killed, also where a test fails."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stream", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env=usual_environment() | (environment or {}),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def is_one_sentence(text: str) -> bool:
    """One line that starts with the program's name: what a user reads when something cannot be done."""
    return text.startswith("facestream: ") and text.count("\n") == 1 and "Traceback" not in text
