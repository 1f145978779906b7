"""What the page on `--web` says that programs can do, done to a run."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from PIL import Image

from stream.web import access, guard, hub, pace, page_connection, patience, programs, server
from tests import documentation
from tests.command import running, usual_environment
from tests.media import need
from tests.paths import ROOT
from tests.ports import free_port
from tests.waiting import wait_for
from tests.web_client import TOKEN, ask

PAGE = ROOT / "docs" / "web.md"
LINES = [line for block in documentation.blocks("sh") if block.page == PAGE for line in block.text.splitlines()]
COMMANDS = [line for line in LINES if line.startswith(("curl ", "ffmpeg "))]
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a run that has a picture."""
    chosen = free_port()
    with running("demo", "--web", str(chosen), environment={access.TOKEN_VARIABLE: TOKEN}) as process:

        def has_picture() -> bool:
            with suppress(OSError):
                return ask(chosen, "/cameras/demo.jpg", **BEARER).status == 200
            return False

        wait_for(has_picture)
        yield chosen
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_for_programs_does_what_it_should(command: str, port: int, tmp_path: Path) -> None:
    need(command.split()[0])
    text = command.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    environment = usual_environment() | {access.TOKEN_VARIABLE: TOKEN}
    done = subprocess.run(["bash", "-c", text], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for name in re.findall(r"-o (\S+\.jpg)", command):
        with Image.open(tmp_path / name) as picture:
            picture.load()
            assert picture.format == "JPEG"
    if "/api/status" in command:
        assert '"name":"demo"' in done.stdout
    if "/metrics" in command:
        assert "facestream_frames_total" in done.stdout
    if command.startswith("ffmpeg"):
        assert (tmp_path / "stream.mp4").stat().st_size > 10_000


@pytest.mark.slow
def test_every_address_in_the_table_is_answered(port: int) -> None:
    cells = documentation.first_cells(PAGE)
    addresses = {one for cell in cells[cells.index("address") + 1 :] for one in re.findall(r"`(/[\w./]+)`", cell)}
    assert len(addresses) == 7
    for address in addresses:
        if address == "/events":
            continue  # a WebSocket
        status = ask(port, address.replace("NAME", "demo"), "HEAD", **BEARER).status
        assert status == 200 or (address == "/readyz" and status == 503), address
    told = re.findall(
        r"`(\w+)`", next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `/api/status`"))
    )
    said = ask(port, "/api/status", **BEARER).json
    assert set(told) <= {*said, *said["cameras"][0]}


def test_the_limits_that_are_told_are_those_of_the_code() -> None:
    told = {
        line.split(" | ")[0][2:]: re.findall(r"\d+", line.split(" | ")[1])
        for line in documentation.prose(PAGE).splitlines()
        if line.startswith("| ")
    }
    for what, numbers in {
        "open pages": [hub.MOST_PAGES],
        "connections, pages and programs together": [patience.MOST_CONNECTIONS],
        "`.mjpg` streams, listeners to `/events`": [programs.MOST_STREAMS, programs.MOST_LISTENERS],
        "an uploaded file": [guard.LARGEST_UPLOAD // 2**20],
        "any other request; a message of a page": [guard.LARGEST_BODY // 2**10, server.LARGEST_MESSAGE // 2**20],
        "messages of one page, besides its word that it has drawn a picture": [page_connection.MOST_MESSAGES_A_SECOND],
        "time for the head of a request, for its body": [int(patience.HEADER_S), int(guard.BODY_S)],
        "whoever reads nothing, or draws nothing": [int(patience.UNREAD_S), int(pace.SILENT_S)],
    }.items():
        assert told[what] == [str(number) for number in numbers]


def test_the_recipes_for_other_programs_are_yaml() -> None:
    class Loader(yaml.SafeLoader):
        """Home Assistant's, as far as the page needs it."""

    Loader.add_constructor("!secret", lambda loader, node: f"secret {node.value}")
    recipes = [
        block.text for block in documentation.blocks("text") if block.page == PAGE and block.text.startswith(("rest:", "scrape_configs:"))
    ]
    prometheus, assistant = (yaml.load(text, Loader) for text in recipes)
    assert prometheus["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:8000"]
    (rest,) = assistant["rest"]
    assert rest["resource"].endswith("/api/status")
    assert rest["headers"] == {"Authorization": "secret facestream_authorization"}
