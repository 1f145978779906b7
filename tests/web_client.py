"""A page of `--web` as a program speaks it: raw HTTP, and a WebSocket that draws what it is sent."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from websockets.sync.client import ClientConnection, connect

TOKEN = "a-token-for-tests-0123456789"
"""For FACESTREAM_WEB_TOKEN: then nothing has to be read from stderr."""


@dataclass(frozen=True, slots=True)
class Answer:
    """To one request."""

    status: int
    headers: Mapping[str, str]
    """Names in small letters."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None, timeout_s: float = 10, **headers: str) -> Answer:
    """One request, exactly as it is given; `_` in the names of headers stands for `-`."""
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def raw(port: int, *pieces: bytes, timeout_s: float = 5) -> bytes:
    """What a connection is answered until it is closed, or silent for a moment."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.settimeout(1)
        got = b""
        try:
            while piece := connection.recv(65536):
                got += piece
        except TimeoutError:
            pass
        return got


def origin(port: int) -> str:
    """That of the page itself."""
    return f"http://127.0.0.1:{port}"


def log_in(port: int, token: str = TOKEN, **headers: str) -> Answer:
    """What the page does with the token from its address."""
    headers = {"Origin": origin(port), "Content_Type": "application/json"} | headers
    return ask(port, "/login", "POST", json.dumps({"token": token}).encode(), **headers)


def cookie(port: int, token: str = TOKEN) -> str:
    """What a browser that has logged in sends from then on."""
    answer = log_in(port, token)
    assert answer.status == 204, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


@contextmanager
def socket_of(port: int, path: str = "/ws", **headers: str) -> Iterator[ClientConnection]:
    """A WebSocket of a browser that has logged in; other headers replace its own, an empty one leaves it out."""
    given = {"Origin": origin(port), **({} if "Cookie" in headers else {"Cookie": cookie(port)})} | headers
    names = {name.replace("_", "-"): value for name, value in given.items() if value}
    with connect(f"ws://127.0.0.1:{port}{path}", additional_headers=names, compression=None, max_size=None) as socket:
        yield socket


class Page:
    """What `main.js` does, without a browser."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, message: Mapping[str, Any]) -> None:
        self.socket.send(json.dumps(message))

    def watch(self, **widths: int) -> None:
        """The cameras that are on the screen; without any: the first that there is."""
        while not widths:
            widths = {camera["name"]: 320 for camera in self.state()["cameras"]}
        self.say({"type": "watch", "cameras": widths})

    def state(self, timeout_s: float = 10) -> dict[str, Any]:
        """The next that comes; pictures before it are drawn."""
        while True:
            message = self.socket.recv(timeout_s)
            if isinstance(message, str):
                said: dict[str, Any] = json.loads(message)
                if said["type"] == "state":
                    return said
            else:
                self.drew(message)

    def picture(self, timeout_s: float = 10) -> tuple[dict[str, Any], bytes]:
        """The header and the JPEG of the next one, drawn."""
        while isinstance(message := self.socket.recv(timeout_s), str):
            pass
        return self.drew(message)

    def drew(self, message: bytes) -> tuple[dict[str, Any], bytes]:
        (length,) = struct.unpack_from(">I", message)
        header: dict[str, Any] = json.loads(message[4 : 4 + length])
        self.say({"type": "drawn", "camera": header["camera"], "seq": header["seq"]})
        return header, message[4 + length :]


@contextmanager
def page(port: int, path: str = "/ws", **headers: str) -> Iterator[Page]:
    """An open page."""
    with socket_of(port, path, **headers) as socket:
        yield Page(socket)
