"""A page without a browser: what it says and hears over the socket, and the program that serves it."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import urllib.error
import urllib.request
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


@dataclass(frozen=True, slots=True)
class Served:
    """A run with a page."""

    process: subprocess.Popen[str]
    port: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """What is answered to a program with the token."""
        request = urllib.request.Request(f"{self.address}/{path}", headers={"Authorization": f"Bearer {TOKEN}", **headers})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def end(self) -> tuple[int, str]:
        """As Ctrl-C does: the exit code, and what was told."""
        self.process.send_signal(signal.SIGINT)
        _, told = self.process.communicate(timeout=20)
        return self.process.returncode, told

    @contextmanager
    def page(self) -> Iterator[Page]:
        """An open page that has not said anything yet."""
        with connect(f"ws://127.0.0.1:{self.port}/ws", additional_headers={"Authorization": f"Bearer {TOKEN}"}, max_size=None) as socket:
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
def served(*words: str | Path, cwd: Path | None = None) -> Iterator[Served]:
    """`facestream WORDS --web PORT` while it runs, from when its page can be opened."""
    port = free_port()
    with running(*words, f"--web={port}", cwd=cwd, environment={"FACESTREAM_WEB_TOKEN": TOKEN}) as process:
        run = Served(process, port)

        def answers() -> bool:
            assert process.poll() is None, process.communicate()
            try:
                return run.get("session")[0] == 200
            except OSError:
                return False

        wait_for(answers, 60)
        yield run
