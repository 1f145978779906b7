"""What an open page may say, and how many may be open: one that goes too far loses its own place and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from stream.web.hub import MOST_PAGES
from stream.web.page_connection import MOST_MESSAGES_A_SECOND
from stream.web.server import LARGEST_MESSAGE
from tests.scripted import Scripted
from tests.waiting import wait_for
from tests.web_client import cookie, page, socket_of
from tests.web_server import Door, serving


@pytest.fixture
def served() -> Iterator[Door]:
    with serving() as one:
        one.show()
        yield one


def test_a_message_that_is_too_large_closes_its_page_alone(served: Door) -> None:
    with page(served.port) as other, socket_of(served.port) as socket_:
        other.watch()
        socket_.send(b"\0" * LARGEST_MESSAGE)
        socket_.recv(5)
        socket_.send(b"\0" * (LARGEST_MESSAGE + 1))
        assert closed_with(socket_) == 1009
        served.show()
        assert other.picture()
    wait_for(lambda: served.refused("size") == 1)


def closed_with(connection: ClientConnection) -> int | None:
    """The code that a socket is closed with."""
    try:
        while True:
            connection.recv(10)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def test_a_page_that_talks_too_much_is_closed(served: Door) -> None:
    with page(served.port) as quiet, page(served.port) as one:
        quiet.watch()
        for _ in range(MOST_MESSAGES_A_SECOND + 5):
            one.say({"type": "watch", "cameras": {}})
        assert closed_with(one.socket) == 1008
        served.show()
        assert quiet.picture()
    assert served.refused("messages") == 1


def test_a_page_may_say_of_every_picture_that_it_was_drawn(served: Door) -> None:
    with page(served.port) as one:
        one.watch()
        for _ in range(3 * MOST_MESSAGES_A_SECOND):
            before = served.shown
            one.picture()
            served.show()
            assert served.shown == before + 1
    assert served.refused("messages") == 0


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "5",
        "{",
        "null",
        '"watch"',
        '{"type": "watch"}',
        '{"type": "watch", "cameras": 5}',
        '{"type": "watch", "cameras": ["door"]}',
        '{"type": "watch", "cameras": {"door": "wide"}}',
        '{"type": "drawn", "camera": "door", "seq": 1e999}',
        '{"type": "nothing"}',
        '{"type": ["a"]}',
        "[" * 100_000,
        '{"type": "' + "é" * 100 + '"}',
    ],
    ids=range(14),
)
def test_a_message_that_makes_no_sense_closes_its_page(served: Door, message: str) -> None:
    with socket_of(served.port) as socket_:
        socket_.send(message)
        assert closed_with(socket_) == 1008
    assert served.refused("messages") == 1


def test_numbers_that_make_no_sense_do_no_harm(served: Door) -> None:
    with page(served.port) as one:
        one.state()
        for width in ("NaN", "Infinity", "-Infinity", "1e308", "-5", "0"):
            one.socket.send('{"type": "watch", "cameras": {"door": ' + width + ', "nowhere": 1}}')
        one.say({"type": "drawn", "camera": "nowhere", "seq": -(10**30)})
        served.show()
        assert one.picture()


def test_a_page_may_watch_as_many_cameras_as_there_are(served: Door) -> None:
    names = [f"camera {number}" for number in range(250)]
    for name in names:
        served.web.view(Scripted(0, live=True, name=name))
    with page(served.port) as one, socket_of(served.port) as other:
        one.say({"type": "watch", "cameras": dict.fromkeys(["door", *names], 320)})
        served.show()
        assert one.picture()
        other.send(json.dumps({"type": "watch", "cameras": dict.fromkeys(map(str, range(1000)), 320)}))
        assert closed_with(other) == 1008, "there are not so many"


@pytest.mark.slow
def test_there_is_a_last_page(served: Door) -> None:
    known = cookie(served.port)
    with ExitStack() as stack:
        pages = [stack.enter_context(page(served.port, Cookie=known)) for _ in range(MOST_PAGES)]
        assert len(pages[-1].state()["cameras"]) == 1
        with socket_of(served.port, Cookie=known) as socket_:
            assert closed_with(socket_) == 1013
    wait_for(lambda: served.metrics.registry.get_sample_value("facestream_web_pages") == 0)
    with page(served.port, Cookie=known) as again:
        again.state()
    assert served.refused("full") == 1
