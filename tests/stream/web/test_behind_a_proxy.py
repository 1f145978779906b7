"""The page behind a proxy that serves it under a path of its own."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from urllib.parse import urljoin

import pytest

from stream.web.app import page_files
from tests.web_client import TOKEN, ask, log_in, page
from tests.web_proxy import PREFIX, proxy
from tests.web_server import Door, serving

ADDRESSES = re.compile(r"""(?:src=|href=|action=|from |import\(|fetch\(|new URL\(|import )\s*["'`]([^"'`]*)["'`]""")
"""In HTML and JavaScript: what the page asks the server for."""


@pytest.fixture
def served() -> Iterator[Door]:
    with serving() as one:
        one.show()
        yield one


def test_every_address_in_the_page_is_relative() -> None:
    found = {path: ADDRESSES.findall(body.decode()) for path, (body, _) in page_files().items()}
    assert sum(len(addresses) for addresses in found.values()) > 5
    for path, addresses in found.items():
        for address in addresses:
            assert not re.match(r"/|[a-z]+:", address), f"{path} asks for {address}: under a prefix it is somewhere else"
    assert not [path for path, (body, _) in page_files().items() if re.search(rb"url\(\s*[\"']?/", body)]


def test_the_whole_page_works_under_a_prefix(served: Door) -> None:
    with proxy(served.port) as port:
        jar = CookieJar()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        root = f"http://127.0.0.1:{port}{PREFIX}/"
        text = browser.open(root, timeout=5).read().decode()
        asked_for = ADDRESSES.findall(text)
        assert asked_for
        for address in asked_for:
            assert browser.open(urljoin(root, address), timeout=5).status == 200
        headers = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port}"}
        browser.open(urllib.request.Request(f"{root}login", json.dumps({"token": TOKEN}).encode(), headers), timeout=5)
        (cookie,) = jar
        assert cookie.path == PREFIX, "it belongs to this page, and to no other page of that proxy"
        assert json.load(browser.open(f"{root}session", timeout=5)) == {"known": True}
        status = json.load(browser.open(f"{root}api/status", timeout=5))
        assert browser.open(urljoin(root, status["cameras"][0]["jpg"]), timeout=5).status == 200
        assert ask(port, "/api/status").status == 404, "the proxy has other things at its root"


def test_a_socket_passes_a_proxy(served: Door) -> None:
    with proxy(served.port) as port:
        sent = log_in(served.port).headers["set-cookie"].partition(";")[0]
        with page(port, path=f"{PREFIX}/ws", Cookie=sent) as one:
            one.watch()
            assert one.picture()[0]["camera"] == "door"


def test_https_may_be_the_proxy_s_and_the_cookie_is_then_for_https_alone() -> None:
    with serving(host_names=["cams.example.com"]) as served:
        names = {"Host": "cams.example.com", "Origin": "https://cams.example.com"}
        assert "Secure" in log_in(served.port, **names).headers["set-cookie"]
        assert "Secure" not in log_in(served.port).headers["set-cookie"]
        attributes = log_in(served.port).headers["set-cookie"]
        assert "HttpOnly" in attributes
        assert "SameSite=Strict" in attributes
        assert "Path" not in attributes
        assert log_in(served.port, **names | {"Host": "other.example.com"}).status == 421
        assert log_in(served.port, **names | {"Origin": "https://evil.example"}).status == 403
