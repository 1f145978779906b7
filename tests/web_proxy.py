"""A reverse proxy as people put one before the page: it serves it under `/cams/`, and takes that away again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

PREFIX = "/cams"


@contextmanager
def proxy(port: int, upgrades: Callable[[], bool] = lambda: True) -> Iterator[int]:
    """Passes on to that port; gives the proxy's own.

    Args:
        upgrades: whether WebSockets pass at the moment.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        threading.Thread(target=_serve, args=(listener, port, upgrades), daemon=True).start()
        yield listener.getsockname()[1]


def _serve(listener: socket.socket, port: int, upgrades: Callable[[], bool]) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_answer, args=(client, port, upgrades()), daemon=True).start()


def _answer(client: socket.socket, port: int, upgrades: bool) -> None:
    """One request; for a WebSocket all that follows."""
    with closing(client), suppress(OSError):
        got = b""
        while b"\r\n\r\n" not in got:
            if not (piece := client.recv(65536)):
                return
            got += piece
        head, _, rest = got.partition(b"\r\n\r\n")
        first, *headers = head.decode().split("\r\n")
        method, target, version = first.split(" ")
        if not target.startswith(f"{PREFIX}/"):
            client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if not upgrades or not any(line.lower().startswith("upgrade:") for line in headers):
            headers = [line for line in headers if not line.lower().startswith(("connection:", "upgrade:"))] + ["Connection: close"]
        with closing(socket.create_connection(("127.0.0.1", port), 10)) as server:
            passed_on = [f"{method} {target.removeprefix(PREFIX)} {version}", *headers, "X-Forwarded-For: 203.0.113.9", "", ""]
            server.sendall("\r\n".join(passed_on).encode() + rest)
            threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
            _pass_on(server, client)


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)
