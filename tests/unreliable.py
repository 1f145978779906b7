"""What goes wrong between a camera and its reader: a line that carries garbage, and a network that can be cut."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from tests.media import need


class Line:
    """A TCP proxy to a port of this machine; while `garbage` is set, random bytes come in place of what the server sends."""

    def __init__(self, port: int) -> None:
        self.garbage = threading.Event()
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                for source, sink, spoils in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._carry, args=(source, sink, spoils), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, spoils: bool) -> None:
        with suppress(OSError), closing(sink):
            while data := source.recv(65536):
                sink.sendall(os.urandom(len(data)) if spoils and self.garbage.is_set() else data)

    def close(self) -> None:
        self._listener.close()


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """A line that works, until its `garbage` is set."""
    line = Line(port)
    try:
        yield line
    finally:
        line.close()


class Network:
    """A network namespace at the end of a virtual cable."""

    def __init__(self, number: int) -> None:
        self.name, self._near, self._far = f"facestream{number}", f"fsn{number}", f"fsf{number}"
        self.host = f"10.213.{number % 250}.2"
        self._own = f"10.213.{number % 250}.1"

    def make(self) -> None:
        """Raises `CalledProcessError` where this needs rights that one has not."""
        _ip("netns", "add", self.name)
        _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.name)
        _ip("addr", "add", f"{self._own}/24", "dev", self._near)
        _ip("link", "set", self._near, "up")
        self._inside("addr", "add", f"{self.host}/24", "dev", self._far)
        self._inside("link", "set", self._far, "up")

    def cut(self) -> None:
        """As if the cable at the camera were pulled."""
        self._inside("link", "set", self._far, "down")

    def mend(self) -> None:
        self._inside("link", "set", self._far, "up")

    def remove(self) -> None:
        for words in (("link", "del", self._near), ("netns", "del", self.name)):
            with suppress(subprocess.CalledProcessError):
                _ip(*words)

    def _inside(self, *words: str) -> None:
        _ip("-n", self.name, *words)


@contextmanager
def cuttable_network() -> Iterator[Network]:
    """A network of one host; the test is skipped where the system lets nobody make one."""
    need("ip")
    network = Network(os.getpid() % 60000)
    try:
        network.make()
    except subprocess.CalledProcessError as error:
        network.remove()
        pytest.skip(f"network namespaces cannot be made here ({error.stderr.strip()})")
    try:
        yield network
    finally:
        network.remove()


def _ip(*words: str) -> None:
    subprocess.run([need("ip"), *words], check=True, capture_output=True, text=True)
