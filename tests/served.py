"""A page without a browser: what it says and hears over the socket, and the program that serves it."""

from __future__ import annotations

import http.client
import json
import signal
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.command import running
from tests.ports import free_port
from tests.waiting import wait_for

TOKEN = "a-token-that-only-tests-know"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run went out."""

    code: int
    told: str
    """On stderr."""
    took_s: float


@dataclass(frozen=True, slots=True)
class Served:
    """A run with a page."""

    process: subprocess.Popen[str]
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """What is answered to a program with the token: status, headers with lower-case names, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, BEARER | headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def end(self) -> Ended:
        """As Ctrl-C does."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        _, told = self.process.communicate(timeout=20)
        return Ended(self.process.returncode, told, time.monotonic() - begin)

    @contextmanager
    def page(self) -> Iterator[Page]:
        """An open page that has not said anything yet."""
        with connect(f"ws://127.0.0.1:{self.port}/ws", additional_headers=BEARER, max_size=None) as socket:
            yield Page(socket)


class Page:
    """What a page hears and says."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def hear(self, kind: str, but: Callable[[dict[str, Any]], bool] = lambda message: True, seconds: float = 20) -> dict[str, Any]:
        """The next message of that kind that is so; pictures count as drawn."""
        found: list[dict[str, Any]] = []

        def heard() -> bool:
            message = self._next()
            if message is not None and message["type"] == kind and but(message):
                found.append(message)
            return bool(found)

        wait_for(heard, seconds, lambda: f"no {kind}")
        return found[0]

    def picture(self, but: Callable[[dict[str, Any]], bool] = lambda header: True) -> tuple[dict[str, Any], bytes]:
        """The next picture that is so: its header and its JPEG. All count as drawn."""
        message = self.hear("picture", lambda message: but(message["header"]))
        return message["header"], message["jpeg"]

    def _next(self) -> dict[str, Any] | None:
        try:
            data = self.socket.recv(timeout=1)
        except TimeoutError:
            return None
        except ConnectionClosed as closed:
            raise AssertionError(f"the page was let go: {closed}") from closed
        if isinstance(data, str):
            return json.loads(data)
        (length,) = struct.unpack(">I", data[:4])
        header = json.loads(data[4 : 4 + length])
        self.say(type="drawn", camera=header["camera"], seq=header["seq"])
        return {"type": "picture", "header": header, "jpeg": data[4 + length :]}


@contextmanager
def served(*words: str | Path, cwd: Path | None = None, folder: Path | None = None) -> Iterator[Served]:
    """`facestream WORDS --web PORT` while it runs, from when its page can be opened.

    Args:
        folder: where what pages send lies for the time being.
    """
    port = free_port()
    environment = {"FACESTREAM_WEB_TOKEN": TOKEN} | ({"TMPDIR": str(folder)} if folder else {})
    with running(*words, f"--web={port}", cwd=cwd, environment=environment) as process:
        run = Served(process, port)

        def answers() -> bool:
            assert process.poll() is None, process.communicate()
            try:
                return run.ask("/session")[0] == 200
            except OSError:
                return False

        wait_for(answers, 60)
        yield run
