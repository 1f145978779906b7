"""Whoever has no business here stays outside: every way in that others have left open."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus

from tests.web_client import TOKEN, ask, cookie, log_in, origin, raw, socket_of
from tests.web_server import Door, serving

SECRET = ("/api/status", "/metrics", "/cameras/door.jpg", "/cameras/door.mjpg")
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def served() -> Iterator[Door]:
    with serving() as one:
        one.show()
        yield one


def handshake(port: int, path: str = "/ws", **headers: str) -> int:
    """The status that a WebSocket's handshake is answered with."""
    try:
        with socket_of(port, path, **headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize("path", SECRET)
def test_nothing_is_shown_without_the_token(served: Door, path: str) -> None:
    assert ask(served.port, path).status == 401
    assert ask(served.port, path, Authorization="Bearer wrong").status == 401
    assert ask(served.port, path, Cookie=f"facestream-{served.port}=made.up").status == 401
    assert ask(served.port, f"{path}?token={TOKEN}&key={TOKEN}").status == 401, "an address is kept in logs"
    assert ask(served.port, path, Cookie=f"facestream-{served.port}={TOKEN}").status == 401
    assert served.refused("token") == 5
    assert ask(served.port, path, "HEAD", **BEARER).status == 200
    assert ask(served.port, path, "HEAD", Cookie=cookie(served.port)).status == 200


@pytest.mark.parametrize("other", ['a={"x": 1}', "theme", "x=a b", "my[key]=1", 'a"b=1', "b=\xfc", "facestream-PORT=old.one", ""])
def test_cookies_of_whatever_else_this_machine_serves_lock_nobody_out(served: Door, other: str) -> None:
    mine = cookie(served.port)
    for cookies in (f"{other.replace('PORT', str(served.port))}; {mine}", f"{mine};{other}"):
        assert ask(served.port, "/api/status", Cookie=cookies).status == 200


def test_a_password_is_as_good_as_a_token_for_programs_that_know_nothing_else(served: Door) -> None:
    def with_password(password: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(f"anyone:{password}".encode()).decode()}

    asked_for = ask(served.port, "/cameras/door.jpg").headers["www-authenticate"]
    assert asked_for.startswith("Basic "), "players send none before"
    assert ask(served.port, "/metrics").headers["www-authenticate"] == "Bearer", "a browser asks nobody on behalf of a page"
    assert ask(served.port, "/cameras/door.jpg", **with_password(TOKEN)).status == 200
    assert ask(served.port, "/cameras/door.jpg", **with_password("wrong")).status == 401
    assert ask(served.port, "/cameras/door.jpg", Authorization="Basic ///").status == 401
    assert ask(served.port, "/cameras/door.jpg", Sec_Fetch_Site="cross-site", **with_password(TOKEN)).status == 403, (
        "browsers send it by themselves"
    )
    assert ask(served.port, "/login", "POST", b"{}", **with_password(TOKEN)).status == 403


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:{}", "localhost:{}", "LocalHost:{}", "localhost.", "127.8.9.1:{}", "[::1]:{}", "[::1]", "localhost:1"]
)
def test_the_names_of_this_machine_are_answered(served: Door, host: str) -> None:
    assert ask(served.port, "/", Host=host.format(served.port)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{}",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example.",
        "192.168.1.7:{}",
        "[fe80::1]:{}",
        "localhost:{}@evil.example",
        "localhost..",
        "localhost:999999",
        "localhost:{};",
        "",
        "user@localhost",
        "[::1",
        "2130706433",
    ],
)
def test_a_name_that_somebody_else_made_lead_here_is_not_answered(served: Door, host: str) -> None:
    for path in ("/", "/healthz", "/cameras/door.jpg"):
        answer = ask(served.port, path, Host=host.format(served.port), **BEARER)
        assert answer.status == 421
        assert "evil" not in str(answer.headers), "a name that is not ours is said nowhere"
    assert served.refused("host") == 3


def test_two_names_and_none_are_refused(served: Door) -> None:
    for head in (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"):
        assert raw(served.port, head)[9:12] in (b"400", b"421"), head
    assert raw(served.port, b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n")[9:12] == b"421"


@pytest.mark.parametrize("path", ["/ws", "/events"])
def test_a_socket_opens_for_the_pages_of_this_server_alone(served: Door, path: str) -> None:
    port = served.port
    assert handshake(port, path) == 101
    for wrong in (
        f"http://127.0.0.1:{port + 1}",
        "http://127.0.0.1",
        "null",
        "http://evil.example",
        f"http://localhost:{port}",
        f"http://evil@127.0.0.1:{port}",
        "file://",
        "",
    ):
        assert handshake(port, path, Origin=wrong) == 403, wrong
    assert served.refused("origin") == 8
    assert handshake(port, path, Sec_Fetch_Site="same-site") == 403
    assert handshake(port, path, Cookie="x=y") == 401
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    rebound = ask(port, path, Host=f"evil.example:{port}", Origin=f"http://evil.example:{port}", Cookie=cookie(port), **upgrade)
    assert rebound.status == 421, "host and origin are the same name, which somebody made lead here"


def test_a_program_needs_no_origin_but_the_token(served: Door) -> None:
    assert handshake(served.port, Origin="", Cookie="", **BEARER) == 101
    assert handshake(served.port, Origin="", Cookie="", Authorization="Bearer wrong") == 403
    assert handshake(served.port, Origin="http://evil.example", Cookie="", **BEARER) == 403, "a page of somebody else is no program"


def test_another_site_can_neither_log_in_nor_use_a_login(served: Door) -> None:
    known, body = {"Cookie": cookie(served.port)}, json.dumps({"token": TOKEN}).encode()
    assert log_in(served.port, Origin=f"http://127.0.0.1:{served.port + 1}").status == 403
    assert log_in(served.port, Origin="null").status == 403
    assert ask(served.port, "/login", "POST", body, Content_Type="application/json", **known).status == 403, "without an origin"
    assert log_in(served.port, Sec_Fetch_Site="cross-site").status == 403
    for form in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "TEXT/PLAIN; charset=utf-8"):
        assert log_in(served.port, Content_Type=form).status == 415
    assert log_in(served.port, Content_Type="application/xml").status == 415
    assert ask(served.port, "/cameras/door.jpg", Sec_Fetch_Site="same-site", **known).status == 403, (
        "a page of another port of this machine"
    )
    assert ask(served.port, "/cameras/door.jpg", Sec_Fetch_Site="none", **known).status == 200
    for method in ("OPTIONS", "PUT", "DELETE", "TRACE"):
        assert ask(served.port, "/login", method, Origin="http://evil.example").status == 403
    assert log_in(served.port, Sec_Fetch_Site="same-origin").status == 204


@pytest.mark.parametrize("path", ["/", "/main.js", "/session", "/healthz", "/api/status", "/cameras/door.jpg", "/nothing", "/metrics"])
def test_every_answer_says_what_a_browser_may_do_with_it(served: Door, path: str) -> None:
    answer = ask(served.port, path, **BEARER)
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert f"ws://127.0.0.1:{served.port}" in policy["connect-src"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=(self)" in answer.headers["permissions-policy"]
    assert answer.headers["cache-control"] in ("no-store", "no-cache")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert "server" not in answer.headers


def test_the_page_has_nothing_that_the_policy_forbids(served: Door) -> None:
    text = ask(served.port, "/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style|javascript:|https?://", text)


def test_the_eleventh_wrong_token_has_to_wait(served: Door) -> None:
    port = served.port
    assert [log_in(port, "wrong").status for _ in range(5)] == [401] * 5
    assert [ask(port, "/api/status", Authorization="Bearer wrong").status for _ in range(5)] == [401] * 5
    assert log_in(port, "wrong").status == 429
    assert log_in(port).status == 429, "whoever guesses does not learn which guess was right"
    assert ask(port, "/api/status", Authorization=f"Bearer {TOKEN}", X_Forwarded_For="10.0.0.9").status == 429
    assert served.refused("throttle") == 3
    assert ask(port, "/").status == 200


def test_whoever_is_in_stays_in_while_somebody_guesses(served: Door) -> None:
    known = cookie(served.port)
    for _ in range(12):
        log_in(served.port, "wrong")
    assert ask(served.port, "/api/status", Cookie=known).status == 200


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"5", b"null", b"{", b'{"token": 5}', b'{"token": null}', b"\xff\xfe", b"[" * 60_000, b'{"token": "\\ud800"}']
)
def test_a_login_that_makes_no_sense_is_refused(served: Door, body: bytes) -> None:
    answer = ask(served.port, "/login", "POST", body, Origin=origin(served.port), Content_Type="application/json")
    assert answer.status in (400, 401)


@pytest.mark.parametrize(
    "path",
    [
        "/../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/page/../access.py",
        "/%2e%2e/access.py",
        "//etc/passwd",
        "/cameras/../../etc/passwd.jpg",
        "/cameras/..%2f..%2fsecret.jpg",
        "/main.js/",
        "/index.html%00.js",
    ],
)
def test_a_path_leads_nowhere_but_to_what_there_is(served: Door, path: str) -> None:
    assert ask(served.port, path, **BEARER).status == 404
    assert ask(served.port, path).status in (401, 404)
