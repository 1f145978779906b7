"""The end of a run with a page, and pages that do not read: nobody waits for anybody."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from stream.web.access import TOKEN_VARIABLE
from tests.command import running
from tests.media import ffprobe_times
from tests.ports import free_port
from tests.waiting import wait_for
from tests.web_client import TOKEN, Page, ask, cookie, origin, page, socket_of

BEARER = {"Authorization": f"Bearer {TOKEN}"}
PAGES = 20


@contextmanager
def demo(*words: str | Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A run with a page that has a picture."""
    port = free_port()
    with running("demo", *words, "--web", str(port), environment={TOKEN_VARIABLE: TOKEN}) as process:
        with suppress(OSError):
            wait_for(lambda: serves(port) or process.poll() is not None)
        assert ask(port, "/cameras/demo.jpg", timeout_s=20, **BEARER).status == 200
        yield process, port


def serves(port: int) -> bool:
    try:
        return ask(port, "/readyz").status == 200
    except OSError:
        return False


def request(port: int, text: str) -> socket.socket:
    """A connection on which this was said, and from which nothing is read."""
    connection = socket.create_connection(("127.0.0.1", port), 10)
    connection.sendall(text.encode())
    return connection


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_over_within_two_seconds_whoever_looks_on(number: signal.Signals) -> None:
    with demo() as (process, port), ExitStack() as stack:
        known = cookie(port)
        pages = [stack.enter_context(page(port, Cookie=known)) for _ in range(PAGES + 1)]
        for one in pages:
            one.watch(demo=1280)
        for one in pages[1:]:
            one.picture()  # the first reads nothing
        stack.enter_context(socket_of(port, "/events", Cookie=known))
        stack.enter_context(request(port, f"GET /cameras/demo.mjpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"))
        head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin(port)}\r\nContent-Type: application/json\r\n"
        stack.enter_context(request(port, f"{head}Content-Length: 9\r\n\r\n{{"))
        stack.enter_context(request(port, "GET / HTTP/1.1\r\nHo"))
        stack.enter_context(request(port, ""))
        begun = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 130
        assert time.monotonic() - begun < 2
        errors = process.stderr.read() if process.stderr else ""
        assert "Traceback" not in errors
        assert TOKEN not in errors
        assert "Exception" not in errors
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", port))


def memory_mib(process: subprocess.Popen[str]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def rate(watched: Page, seconds: float = 3) -> float:
    """Pictures/s that a page gets."""
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        watched.picture()
        count += 1
    return count / (time.monotonic() - begun)


@pytest.mark.slow
@pytest.mark.alone
def test_a_page_that_does_not_read_costs_nobody_anything(tmp_path: Path) -> None:
    with demo("-o", tmp_path / "out.mp4") as (process, port), page(port) as healthy, page(port) as deaf:
        healthy.watch(demo=1280)
        healthy.picture()
        before = rate(healthy)
        memory = memory_mib(process)
        deaf.watch(demo=1280)
        over = threading.Event()

        def claim() -> None:
            """It says that it draws everything, so that more and more is on its way to it."""
            seq = 0
            with suppress(Exception):
                while not over.wait(0.05):
                    seq += 2
                    deaf.say({"type": "drawn", "camera": "demo", "seq": seq})

        claimer = threading.Thread(target=claim)
        claimer.start()
        try:
            after = rate(healthy, 5)
            assert after > 0.8 * before, (before, after)
            assert memory_mib(process) - memory < 15
        finally:
            over.set()
            claimer.join()
        wait_for(lambda: ask(port, "/api/status", **BEARER).json["pages"] == 1 and healthy.picture(), 30)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=10)
    assert "not recorded" not in told
    times = ffprobe_times(tmp_path / "out.mp4")
    assert times[-1] > 5
    assert max(after - before for before, after in pairwise(times)) < 0.1, "thirty pictures a second, and none is missing"


@pytest.mark.slow
def test_a_stream_that_nobody_reads_gives_its_place_back() -> None:
    with demo() as (_, port), page(port) as healthy:
        healthy.watch(demo=640)
        text = f"GET /cameras/demo.mjpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        with request(port, text):
            wait_for(lambda: ask(port, "/api/status", **BEARER).json["streams"] == 1)
            wait_for(lambda: healthy.picture() and ask(port, "/api/status", **BEARER).json["streams"] == 0, 60)
