"""The page behind the proxies that its documentation has recipes for."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests.browser import chromium, opened, served
from tests.real_proxies import before, caddy, nginx
from tests.served import Served
from tests.web_client import ask
from tests.web_guest import write_film

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Iterator[Served]:
    with served("demo", "--web-host-name", "cams.example.com") as run:
        yield run


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def port(run: Served, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    backend = run.port
    with before(backend, request.param, tmp_path_factory.mktemp("proxy")) as port:
        yield port


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_the_whole_page_works_through_it(browser: Browser, run: Served, port: int, portrait: np.ndarray, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", [np.roll(portrait, 7 * number, axis=1) for number in range(60)], crf=8)
    assert film.stat().st_size > 2**20, "as much as nginx takes where nobody says more"
    through = replace(run, address=f"http://127.0.0.1:{port}/cams/")
    with opened(browser, through) as page:
        expect(page.locator(".age")).to_have_text(re.compile("shown here: [12]"))
        expect(page.locator("#note")).to_be_empty()
        assert page.url == through.address
        page.locator(".guest input[type=file]").set_input_files([film])
        expect(page.get_by_role("link", name="Download film.mp4")).to_be_visible(timeout=60_000)
        with page.expect_download() as download:
            page.get_by_role("link", name="Snapshot of demo", exact=True).click()
        assert re.fullmatch(r"demo-\d{8}T\d{6}Z\.png", download.value.suggested_filename)
        page.get_by_label("Smallest face, px").fill("41")
        page.keyboard.press("Enter")
        page.reload()
        expect(page.get_by_label("Smallest face, px")).to_have_value("41")


def test_the_address_without_its_slash_leads_to_the_page(port: int) -> None:
    answer = ask(port, "/cams")
    assert answer.status in (301, 302)
    assert re.fullmatch(rf"(http://127\.0\.0\.1:{port})?/cams/", answer.headers["location"])


def test_a_name_that_was_told_is_answered_and_no_other(port: int) -> None:
    assert ask(port, "/cams/session", Host="cams.example.com").status == 200
    assert ask(port, "/cams/session", Host="evil.example.com").status in (200, 421), (
        "Caddy has nothing for it, and says so with an empty page"
    )
    assert "known" not in ask(port, "/cams/session", Host="evil.example.com").text


def test_a_stream_is_not_held_back(run: Served, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/cams/cameras/demo.mjpg", headers={"Authorization": f"Bearer {run.token}"})
    answer, moments = connection.getresponse(), []
    while len(moments) < 20:
        if answer.readline().startswith(b"--facestream"):
            moments.append(time.monotonic())
    connection.close()
    assert max(np.diff(moments)) < 0.5


def test_where_nginx_lets_no_socket_pass_the_page_says_so_and_shows_pictures(browser: Browser, run: Served, tmp_path: Path) -> None:
    backend = run.port
    with before(backend, partial(nginx, left_out="Upgrade $"), tmp_path) as port:
        through = replace(run, address=f"http://127.0.0.1:{port}/cams/")
        with opened(browser, through, allowed=["WebSocket"]) as page:
            expect(page.locator("#note")).to_contain_text("WebSockets do not pass here")
            expect(page.locator(".age")).to_have_text(re.compile("shown here: [1-9]"), timeout=8000)
