"""A page without a browser: what it says and hears over the socket, and the program that serves it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from stream.web.access import TOKEN_VARIABLE
from tests.command import usual_environment
from tests.ports import free_port
from tests.waiting import wait_for

TOKEN = "a-token-that-only-tests-know"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
_INVITATION = re.compile(r"the page: (https?://\S+?)(?:#token=(\S+)| \(its token)")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run went out."""

    code: int
    told: str
    """All that it wrote."""
    took_s: float


@dataclass(frozen=True, slots=True)
class Served:
    """A run that shows itself on a page."""

    process: subprocess.Popen[bytes]
    address: str
    """Ends with a slash."""
    token: str
    log: Path
    """What it writes."""

    @property
    def invitation(self) -> str:
        """What a user opens."""
        return f"{self.address}#token={self.token}"

    @property
    def port(self) -> int:
        port = urlsplit(self.address).port
        assert port is not None
        return port

    @property
    def said(self) -> str:
        """What it has written up to now."""
        return self.log.read_text(errors="replace")

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """What is answered to a program with the token: status, headers with lower-case names, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {self.token}"} | headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def end(self) -> Ended:
        """As Ctrl-C does; one that has ended is left alone."""
        begin = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        return Ended(code, self.said, time.monotonic() - begin)

    @contextmanager
    def page(self) -> Iterator[Page]:
        """An open page that has not said anything yet."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with connect(f"ws://127.0.0.1:{self.port}/ws", additional_headers=headers, max_size=None) as socket:
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
def served(
    *words: str | Path,
    cwd: Path | None = None,
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
    token: str | None = TOKEN,
) -> Iterator[Served]:
    """`facestream WORDS --web PORT` while it runs, from when it says where the page is. It is ended, or killed, by its id.

    Args:
        words: such as "demo", or "run" and sources; a `--web` among them stays as it is.
        folder: where what pages send lies for the time being.
        token: that is chosen for it; None: it makes its own.
    """
    port = () if "--web" in words else ("--web", str(free_port()))
    chosen = {TOKEN_VARIABLE: token} if token else {}
    surroundings = usual_environment() | chosen | ({"TMPDIR": str(folder)} if folder else {}) | (environment or {})
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "log"
        with log.open("wb") as written:
            command = [sys.executable, "-m", "stream", *map(str, words), *port]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=written, stderr=written, cwd=cwd, env=surroundings)
        try:

            def invited() -> object:
                assert process.poll() is None, f"ended with {process.returncode}: {log.read_text()}"
                return _INVITATION.search(log.read_text(errors="replace"))

            wait_for(invited, 60, but=lambda: log.read_text(errors="replace"))
            found = _INVITATION.search(log.read_text(errors="replace"))
            assert found is not None
            run = Served(process, found[1], found[2] or surroundings[TOKEN_VARIABLE], log)
            yield run
            run.end()
        finally:
            process.kill()
            process.wait()
