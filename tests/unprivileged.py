"""Processes that may do less than whoever runs the tests: permissions hold for them, or the system does not know them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import usual_environment


def without_privileges() -> list[str]:
    """What stands in front of a command for which permissions count, also where the tests run as root."""
    if os.geteuid() != 0:
        return []
    return [_setpriv(), "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]


def as_nobody_known(words: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a Python command as a user id that has no name and no home, as containers do, in `folder`, which it may write."""
    if os.geteuid() != 0:
        pytest.skip("only root can become a user that nobody knows")
    capabilities = "+dac_override,+dac_read_search"
    prefix = [_setpriv(), "--reuid=54321", f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]
    environment = {name: value for name, value in usual_environment().items() if name not in ("HOME", "XDG_CACHE_HOME", "USER", "LOGNAME")}
    return subprocess.run(
        [*prefix, sys.executable, *map(str, words)], capture_output=True, text=True, timeout=120, cwd=folder, env=environment, check=False
    )


def _setpriv() -> str:
    found = shutil.which("setpriv")
    if found is None:
        pytest.skip("missing program: setpriv")
    return found
