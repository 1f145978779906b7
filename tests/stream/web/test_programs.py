"""What other programs ask for: pictures, streams of them, events, how everything is."""

from __future__ import annotations

import io
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed

from stream.sinks.events import event_of
from stream.sinks.result import Measured
from stream.web.programs import MOST_EVENTS_WAITING, MOST_LISTENERS, MOST_STREAMS
from tests.waiting import wait_for
from tests.web_client import TOKEN, ask, socket_of
from tests.web_server import Door, face, serving

BEARER = {"Authorization": f"Bearer {TOKEN}"}
PROGRAM = BEARER | {"Origin": "", "Cookie": ""}


@pytest.fixture
def served() -> Iterator[Door]:
    with serving() as one:
        yield one


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg))).astype(int)


class Stream:
    """One that shows what comes through a `.mjpg`, each picture as soon as its part is closed."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._got = connection, b""

    def until(self, end: bytes) -> bytes:
        """What comes before it."""
        while end not in self._got:
            piece = self._connection.recv(65536)
            assert piece, f"closed; left: {self._got[-60:]!r}"
            self._got += piece
        before, _, self._got = self._got.partition(end)
        return before

    def picture(self) -> bytes:
        head, _, jpeg = self.until(b"\r\n--facestream").partition(b"\r\n\r\n")
        assert b"Content-Type: image/jpeg" in head
        assert int(re.search(rb"Content-Length: (\d+)", head)[1]) == len(jpeg)  # type: ignore[index]
        return jpeg


@contextmanager
def stream(port: int, path: str = "/cameras/door.mjpg") -> Iterator[Stream]:
    """As programs that speak HTTP 1.0 read it: nothing stands between the parts."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        yield Stream(connection)


def test_a_picture_comes_with_its_boxes_or_without(served: Door) -> None:
    served.show(faces=[face()])
    drawn, clean = ask(served.port, "/cameras/door.jpg", **BEARER), ask(served.port, "/cameras/door.jpg?boxes=0", **BEARER)
    assert drawn.headers["content-type"] == clean.headers["content-type"] == "image/jpeg"
    assert pixels(clean.body).shape == (48, 64, 3)
    assert np.abs(pixels(clean.body) - 90).max() <= 3
    assert np.abs(pixels(drawn.body) - 90).max() > 60
    assert ask(served.port, "/cameras/window.jpg", **BEARER).status == 404


def test_a_camera_that_begins_just_now_is_waited_for(served: Door) -> None:
    with ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", served.port), 10))
        connection.sendall(f"GET /cameras/door.jpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        wait_for(lambda: served.web.hub._waiting)
        served.show()
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_camera_without_a_signal_says_so(served: Door) -> None:
    result = served.show()
    served.camera.status.state, served.camera.status.cause = "retrying", "no route to host"
    wait_for(lambda: time.monotonic() - result.frame.captured_at > 1)
    card = pixels(ask(served.port, "/cameras/door.jpg", **BEARER).body)
    assert np.median(card) == pytest.approx(26, abs=2), "the dark card of the window"
    assert ask(served.port, "/api/status", **BEARER).json["cameras"][0]["no_signal"] is True


def test_a_name_may_be_an_address() -> None:
    name = "rtsp://10.0.0.9/live?channel=1"
    with serving(name=name) as served:
        served.show()
        status = ask(served.port, "/api/status", **BEARER).json["cameras"][0]
        assert status["name"] == name
        assert status["jpg"] == f"cameras/{quote(name, safe='')}.jpg"
        assert ask(served.port, "/" + status["jpg"], **BEARER).status == 200


@pytest.mark.parametrize(
    ("name", "in_address", "file"),
    [
        ("rtsp://10.0.0.9/live?channel=1", "rtsp%3A%2F%2F10.0.0.9%2Flive%3Fchannel%3D1", "rtsp-10.0.0.9-live-channel%3D1"),
        ("rtsp://10.0.0.9/live", "rtsp%3A/10.0.0.9/live", "rtsp-10.0.0.9-live"),  # as nginx passes it on
        ("Haustür links", "Haust%C3%BCr%20links", "Haust%C3%BCr%20links"),
        ("videos/Übung.mp4", "videos%2F%C3%9Cbung.mp4", "videos-%C3%9Cbung.mp4"),
    ],
)
def test_a_picture_of_any_name_can_be_fetched_and_kept(name: str, in_address: str, file: str) -> None:
    with serving(name=name) as served:
        served.show()
        assert ask(served.port, f"/cameras/{in_address}.jpg", **BEARER).status == 200
        snapshot = ask(served.port, f"/snapshots/{in_address}.png", **BEARER)
        assert snapshot.status == 200
        kept = snapshot.headers["content-disposition"]
        assert re.fullmatch(rf"attachment; filename\*=UTF-8''{re.escape(file)}-\d{{8}}T\d{{6}}Z\.png", kept), kept


def test_a_stream_closes_each_picture_at_once_and_gives_the_newest(served: Door) -> None:
    served.show()
    with stream(served.port) as pictures:
        assert b"multipart/x-mixed-replace; boundary=facestream" in pictures.until(b"--facestream")
        for grey in (90, 120, 200):
            if grey != 90:
                served.show(np.full((48, 64, 3), grey, np.uint8))
            begun = time.monotonic()
            assert pixels(pictures.picture()).mean() == pytest.approx(grey, abs=2)
            assert time.monotonic() - begun < 0.5, "it does not wait for the one that comes next"
        begun = time.monotonic()
        assert np.median(pixels(pictures.picture())) == pytest.approx(26, abs=2), "nothing comes any more: NO SIGNAL"
        assert time.monotonic() - begun > 0.5, "what stands is sent again, and not more often than needed"


def test_four_streams_and_no_more_until_one_goes(served: Door) -> None:
    served.show()
    with ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        for number in range(MOST_STREAMS):
            one = (first if number == 0 else stack).enter_context(stream(served.port))
            one.until(b"--facestream")
        answer = ask(served.port, "/cameras/door.mjpg", **BEARER)
        assert answer.status == 503
        assert "4 programs" in answer.text
        assert ask(served.port, "/cameras/door.mjpg", "HEAD", **BEARER).status == 200
        first.close()
        wait_for(lambda: ask(served.port, "/api/status", **BEARER).json["streams"] == MOST_STREAMS - 1)
        with stream(served.port) as again:
            again.until(b"--facestream")
            assert again.picture()
    wait_for(lambda: ask(served.port, "/api/status", **BEARER).json["streams"] == 0)


def test_programs_that_want_the_same_picture_share_it(served: Door) -> None:
    served.show()
    for _ in range(5):
        ask(served.port, "/cameras/door.jpg", **BEARER)
    assert served.metrics.registry.get_sample_value("facestream_web_encodes_total", {"source": "door"}) == 1


@pytest.mark.parametrize("how", ["camera", "server"])
def test_a_stream_ends_with_what_it_shows(how: str) -> None:
    with ExitStack() as stack:
        served = stack.enter_context(serving())
        served.show()
        pictures = stack.enter_context(stream(served.port))
        pictures.until(b"--facestream")
        pictures.picture()
        begun = time.monotonic()
        if how == "camera":
            served.view.close()
        else:
            served.web.hurry()
        pictures.until(b"--\r\n")
        assert time.monotonic() - begun < 1


def test_events_come_as_they_are_written(served: Door) -> None:
    with socket_of(served.port, "/events", **PROGRAM) as one, socket_of(served.port, "/events") as another:
        listening(served, 2)
        result = served.show(faces=[face()])
        said, event = json.loads(one.recv(5)), event_of(result)
        assert said.pop("utc")[:16] == event.pop("utc")[:16]
        assert said == event
        assert len(said["faces"]) == 1
        assert json.loads(another.recv(5))["frame"] == 0
        one.send("this is not heard")
        served.show()
        assert json.loads(one.recv(5))["frame"] == 1


def listening(served: Door, count: int) -> None:
    """Until so many are told what is found."""
    programs = served.view.listeners[0].__self__  # type: ignore[attr-defined]
    wait_for(lambda: len(programs._listeners) == count)


def test_a_listener_that_does_not_read_loses_the_oldest_and_is_told(served: Door) -> None:
    with socket_of(served.port, "/events", **PROGRAM) as slow, socket_of(served.port, "/events", **PROGRAM) as quick:
        listening(served, 2)
        crowd = [face()] * 300
        count = 0
        while (lost := ask(served.port, "/api/status", **BEARER).json["events_lost"]) < 3:
            served.show(faces=crowd)
            assert json.loads(quick.recv(5))["frame"] == count
            count += 1
            assert count < 2000
        frames, gaps = [], 0
        while not frames or frames[-1] < count - 1:
            said = json.loads(slow.recv(5))
            if said.get("kind") == "lost":
                gaps += said["events"]
            else:
                frames.append(said["frame"])
        assert gaps == lost
        assert len(frames) == count - lost
        assert frames == sorted(frames)
        assert frames[-MOST_EVENTS_WAITING:] == list(range(count - MOST_EVENTS_WAITING, count)), "the newest are kept"


def test_there_is_a_last_listener(served: Door) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_LISTENERS):
            stack.enter_context(socket_of(served.port, "/events", **PROGRAM))
        listening(served, MOST_LISTENERS)
        with socket_of(served.port, "/events", **PROGRAM) as late, pytest.raises(ConnectionClosed) as closed:
            late.recv(5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013


def test_the_status_says_how_every_camera_is(served: Door) -> None:
    status = ask(served.port, "/api/status", **BEARER).json
    assert status["cameras"][0]["state"] == "opening"
    assert status["cameras"][0]["pictures"] == status["pages"] == 0
    served.show(faces=[face(), face()])
    camera = ask(served.port, "/api/status", **BEARER).json["cameras"][0]
    assert (camera["name"], camera["state"], camera["pictures"], camera["faces"]) == ("door", "up", 1, 2)
    assert (camera["width"], camera["height"], camera["no_signal"]) == (64, 48, False)


def test_the_status_says_how_fast_and_how_late_each_camera_is(served: Door) -> None:
    served.show(measured=Measured(24.96, 0.0412, None))
    status = ask(served.port, "/api/status", **BEARER).json
    camera = status["cameras"][0]
    assert (camera["rate"], camera["latency_ms"], camera["last_look_ms"]) == (25.0, 41.2, None)
    assert abs(status["now"] - time.time()) < 5


def test_health_needs_no_token_and_names_no_camera(served: Door) -> None:
    with served.health.thread("worker", "rtsp://10.0.0.9/") as worker:
        assert ask(served.port, "/healthz").text == "alive\n"
        assert "10.0.0.9" in ask(served.port, "/healthz", **BEARER).text
        assert ask(served.port, "/readyz").status == 503
        served.health.ready = True
        assert (ask(served.port, "/readyz").status, ask(served.port, "/readyz", "HEAD").status) == (200, 200)
        served.health.stalled_after_s = 0.01
        worker.busy("look")
        wait_for(lambda: ask(served.port, "/healthz").status == 503)
        assert ask(served.port, "/healthz").text == "stalled\n"


def test_prometheus_is_given_the_numbers_with_the_token(served: Door) -> None:
    served.show()
    answer = ask(served.port, "/metrics", Accept="application/openmetrics-text; version=1.0.0", **BEARER)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert "facestream_web_pages" in answer.text
    assert answer.text.endswith("# EOF\n")
    assert ask(served.port, "/metrics", **BEARER).headers["content-type"].startswith("text/plain")
