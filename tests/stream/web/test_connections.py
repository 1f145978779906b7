"""What a connection may bring, and how long it may take: whoever says too much, too little or nothing keeps no place."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPException

import pytest

from stream.web.guard import LARGEST_BODY
from stream.web.patience import MOST_CONNECTIONS
from tests.waiting import wait_for
from tests.web_client import TOKEN, ask, origin, raw
from tests.web_server import Door, serving


@pytest.fixture
def served() -> Iterator[Door]:
    with serving() as one:
        one.show()
        yield one


def test_no_more_is_read_than_a_request_needs(served: Door) -> None:
    port = served.port
    head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin(port)}\r\nContent-Type: application/json\r\n"
    fits = json.dumps({"token": "x" * (LARGEST_BODY - 13)}).encode()
    assert len(fits) == LARGEST_BODY
    said = raw(port, f"{head}Content-Length: {len(fits)}\r\n\r\n".encode() + fits)
    assert b" 401 " in said.splitlines()[0]
    assert b" 413 " in raw(port, f"{head}Content-Length: {LARGEST_BODY + 1}\r\n\r\n".encode()).splitlines()[0]
    chunk = b"%x\r\n%s\r\n" % (len(fits) + 1, fits + b" ")
    assert b" 413 " in raw(port, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk).splitlines()[0]
    assert served.refused("size") == 2
    for more in ("Content-Length: 5", "Transfer-Encoding: chunked"):
        answer = raw(port, f"GET / HTTP/1.1\r\nHost: localhost\r\n{more}\r\n\r\n".encode())
        assert b" 400 " in answer.splitlines()[0], "nobody would read that body to its end"
        assert b"connection: close" in answer.lower()


@pytest.mark.slow
def test_whoever_says_nothing_or_little_is_hung_up_on(served: Door) -> None:
    port = served.port
    heads = (b"", b"GET / HTTP/1.1\r\nHost: loc", f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\nGET /".encode())
    connections = [socket.create_connection(("127.0.0.1", port), 12) for _ in heads]
    begun = time.monotonic()
    for connection, head in zip(connections, heads, strict=True):
        connection.sendall(head)
    for connection in connections:
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            pass
        connection.close()
    assert 4 < time.monotonic() - begun < 8


@pytest.mark.slow
def test_a_body_that_does_not_come_is_not_waited_for(served: Door) -> None:
    port = served.port
    head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin(port)}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", port), 15) as connection:
        connection.sendall(head.encode() + b"Content-Length: 9\r\n\r\n{")
        assert b" 408 " in connection.recv(65536).splitlines()[0]
    assert served.refused("slow") == 1


def test_a_crowd_leaves_room_for_cameras_and_recordings(served: Door) -> None:
    with ExitStack() as stack:
        crowd = [stack.enter_context(socket.create_connection(("127.0.0.1", served.port), 10)) for _ in range(MOST_CONNECTIONS + 5)]
        assert [closed(one) for one in crowd[-5:]] == [True] * 5
        crowd[0].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert crowd[0].recv(100).startswith(b"HTTP/1.1 200 ")
    wait_for(lambda: is_answered(served.port))


def closed(connection: socket.socket) -> bool:
    with suppress(ConnectionResetError):
        return connection.recv(1) == b""
    return True


def is_answered(port: int) -> bool:
    with suppress(OSError, HTTPException):
        return ask(port, "/healthz").status == 200
    return False


def test_it_can_be_served_by_ipv6() -> None:
    with serving("::1") as served, socket.create_connection(("::1", served.port), 5) as connection:
        assert served.said[0].startswith(f"the page: http://[::1]:{served.port}/#token=")
        body = json.dumps({"token": TOKEN})
        head = (
            f"POST /login HTTP/1.1\r\nHost: [::1]:{served.port}\r\nOrigin: http://[::1]:{served.port}\r\nContent-Type: application/json\r\n"
        )
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 204 ")
