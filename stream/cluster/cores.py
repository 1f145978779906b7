"""Cores of a worker's own: several on one machine that all use all of its cores are slower than each on some."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from models.cores import usable_cores

if os.name == "posix":
    import fcntl

_kept: list[int] = []
"""Open files, whose locks end with this process, however it ends."""


def take_cores(machine: str, count: int) -> list[int]:
    """From now on this process runs on `count` cores that no other worker of that machine has taken. Before any thread is started.

    Args:
        machine: a name for this machine of the cluster, of letters and digits.

    Returns:
        Their numbers; none where all are taken, or the system cannot bind a process to cores: then it runs on all.
    """
    if not hasattr(os, "sched_setaffinity") or usable_cores() <= count:
        return []
    folder = Path(tempfile.gettempdir()) / f"facestream-cores-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    cores = sorted(os.sched_getaffinity(0))
    for number in range(len(cores) // count):
        file = os.open(folder / f"{machine}-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            continue
        _kept.append(file)
        mine = cores[number * count : (number + 1) * count]
        os.sched_setaffinity(0, mine)
        return mine
    return []
