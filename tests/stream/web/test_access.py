"""The token, the cookie that stands for it, and the names that a server answers to."""

from __future__ import annotations

import socket

import pytest

from stream.errors import UsageError
from stream.web.access import BAD_TOKENS_A_MINUTE_OVERALL, TOKEN_VARIABLE, Access, Throttle, chosen_token
from stream.web.place import Place

TOKEN = "0123456789abcdef-token"
HOME, WORLD = Place("127.0.0.1", 8000), Place("0.0.0.0", 8000)


def test_each_run_has_a_token_of_its_own_unless_the_user_chose_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    first, second = chosen_token(), chosen_token()
    assert len(first) >= 43
    assert first != second
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    assert chosen_token() == TOKEN
    for wrong in ("short", "fifteen-letters", "has a space in it all", "üüüüüüüüüüüüüüüüüü"):
        monkeypatch.setenv(TOKEN_VARIABLE, wrong)
        with pytest.raises(UsageError, match=TOKEN_VARIABLE) as refused:
            chosen_token()
        assert wrong not in str(refused.value)


def test_a_cookie_holds_for_its_token_and_for_no_other() -> None:
    access = Access(TOKEN, HOME)
    cookie = access.new_cookie()
    assert cookie != access.new_cookie()
    assert access.is_cookie(cookie)
    assert Access(TOKEN, HOME).is_cookie(cookie), "the program may be started anew"
    assert not Access(TOKEN + "x", HOME).is_cookie(cookie)
    for wrong in ("", ".", "a.", TOKEN, cookie[:-1], cookie + "A", cookie.partition(".")[0], "ü.ü", "\udcff.\ud800"):
        assert not access.is_cookie(wrong), wrong
        assert not access.is_token(wrong) or wrong == TOKEN
    assert TOKEN not in cookie
    assert Access(TOKEN, Place("127.0.0.1", 8001)).cookie != access.cookie, "browsers do not tell ports apart"


def test_a_server_for_others_answers_to_its_numbers_and_its_own_names() -> None:
    name = socket.gethostname().partition(".")[0]
    access = Access(TOKEN, WORLD, names=["cams.example.com"])
    for host in (
        "192.168.1.7:8000",
        "[fe80::1]",
        "10.0.0.1",
        f"{name}:8000",
        f"{name.upper()}.local",
        "Cams.Example.com.:443",
        "localhost",
    ):
        assert access.is_host(host), host
    for host in (
        "evil.example",
        f"{name}.evil.example",
        "example.com",
        "cams.example.com.evil.example",
        "xcams.example.com",
        "0x7f.1",
        "*",
    ):
        assert not access.is_host(host), host
    assert not Access(TOKEN, HOME).is_host("cams.example.com")
    assert Access(TOKEN, HOME, names=["cams.example.com"]).is_host("cams.example.com"), "behind a proxy on this machine"
    assert Access(TOKEN, Place("192.168.1.7", 8000)).is_host("192.168.1.7:8000")


@pytest.mark.parametrize(
    "name", ["", "https://cams.example.com", "cams.example.com:443", "*", "*.example.com", "a b", "[::1]", "a/b", ".", "ü.example"]
)
def test_a_host_name_is_a_name_alone(name: str) -> None:
    with pytest.raises(UsageError, match=r"--web-host-name .*a name alone"):
        Access(TOKEN, HOME, names=[name])


def test_an_origin_is_scheme_host_and_port() -> None:
    plain, encrypted = Access(TOKEN, HOME), Access(TOKEN, HOME, tls=True)
    for origin, host in (
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://localhost", "localhost:80"),
        ("https://cams.example.com", "Cams.example.com"),
        ("https://cams.example.com:8443", "cams.example.com:8443"),
    ):
        assert plain.is_origin(origin, host), origin
        assert encrypted.is_origin(origin, host) == origin.startswith("https")
    for origin, host in (
        ("http://127.0.0.1", "127.0.0.1:8000"),
        ("http://127.0.0.1:8001", "127.0.0.1:8000"),
        ("http://localhost:8000", "127.0.0.1:8000"),
        ("null", "null"),
        ("", ""),
        ("http://", ""),
        ("http://127.0.0.1:8000/x", "127.0.0.1:8000"),
        ("http://a@127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://127.0.0.1:99999", "127.0.0.1:99999"),
        ("http://[::1", "[::1"),
        ("ftp://127.0.0.1:8000", "127.0.0.1:8000"),
        ("http://127.0.0.1:8000.evil.example", "127.0.0.1:8000"),
        ("https://cams.example.com", "cams.example.com:8443"),
    ):
        assert not plain.is_origin(origin, host), origin


def test_guesses_are_few_for_one_and_for_all_and_forgotten_after_a_minute() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(10):
        assert not throttle.too_many("one")
        throttle.count("one")
    assert throttle.too_many("one")
    assert not throttle.too_many("another")
    for number in range(BAD_TOKENS_A_MINUTE_OVERALL - 10):
        throttle.count(f"peer {number}")
    assert throttle.too_many("another")
    now[0] = 60.5
    assert not throttle.too_many("one")
    assert not throttle.too_many("another")


def test_nobody_is_asked_for_the_names_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object) -> str:
        raise AssertionError("a name service that does not answer would hold up every start")

    for name in ("getfqdn", "gethostbyaddr", "gethostbyname", "getaddrinfo"):
        monkeypatch.setattr(socket, name, asked)
    assert Access(TOKEN, WORLD).is_host("localhost")
