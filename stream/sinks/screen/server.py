"""Whether the X server that OpenCV's windows are on still lives: Qt ends the whole process at its next step where it does not."""

from __future__ import annotations

import os
import select
import socket
from pathlib import Path

FIRST_PORT = 6000
"""TCP port of display 0; each other has the next one."""


class Server:
    """This process's connections to its X server, looked at from outside. Make it once a window is open; without X it never ends."""

    def __init__(self) -> None:
        self._connections = select.poll() if hasattr(select, "POLLRDHUP") else None
        for number in _sockets() if self._connections else []:
            if self._connections and _is_x11(number):
                self._connections.register(number, select.POLLRDHUP)

    def has_gone(self) -> bool:
        """Takes microseconds and reads nothing of what the server sent."""
        return bool(self._connections and self._connections.poll(0))


def _sockets() -> list[int]:
    numbers = Path("/proc/self/fd")
    return [int(link.name) for link in numbers.iterdir() if _target(link).startswith("socket:")] if numbers.exists() else []


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile by another thread
        return ""


def _is_x11(number: int) -> bool:
    try:
        copy = socket.socket(fileno=os.dup(number))
    except OSError:
        return False
    with copy:
        try:
            peer = copy.getpeername()
        except OSError:
            return False
    if isinstance(peer, tuple):
        return bool(peer[1] == _port())
    return b".X11-unix/X" in os.fsencode(peer)


def _port() -> int | None:
    """Of a server that DISPLAY says is behind a network (`host:10.0`)."""
    host, _, display = os.environ.get("DISPLAY", "").rpartition(":")
    number = display.partition(".")[0]
    return FIRST_PORT + int(number) if host and number.isdecimal() else None
