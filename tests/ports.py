"""TCP ports for servers of tests."""

from __future__ import annotations

import fcntl
import functools
import getpass
import os
import random
import socket
import tempfile
from contextlib import suppress
from itertools import chain
from pathlib import Path

PORTS = range(15_000, 30_000)
"""Below those that a system gives to connections (from 32768 on Linux, 49152 elsewhere): nobody gets one by chance."""


def free_port() -> int:
    """A port on which nothing listens, and that no other test gets while this process lives, whichever process that runs in."""
    start = random.randrange(len(PORTS))
    for port in chain(PORTS[start:], PORTS[:start]):
        with suppress(OSError):
            if port in _taken:
                continue
            fcntl.lockf(_ledger(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)  # of one byte: that of the port
            with socket.socket() as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", port))
            _taken.add(port)
            return port
    raise AssertionError("every port is taken")


_taken: set[int] = set()


@functools.cache
def _ledger() -> int:
    """A file of which each byte stands for a port. The lock on a byte ends with the process."""
    return os.open(Path(tempfile.gettempdir()) / f"facestream-test-ports-{getpass.getuser()}", os.O_CREAT | os.O_RDWR)
