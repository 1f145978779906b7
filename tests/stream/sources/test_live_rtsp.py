"""A real RTSP server feeds a real client: it is killed, frozen, started late and asked wrongly, and the source lives on."""

from __future__ import annotations

import itertools
import logging
import signal
import threading
import time

import pytest

from stream.frame import Frame
from stream.media import av
from stream.settings.schema import Settings, SourceSettings
from stream.sources.opening import open_source
from tests.media import RtspServer, rtsp_server, watching
from tests.ports import free_port


def settings(**changed: object) -> SourceSettings:
    """Patience for tests."""
    return Settings.model_validate({"source": {"read_timeout_s": 1, "retry_min_s": 0.05, "retry_max_s": 0.2, **changed}}).source


def assert_times_grow(frames: list[Frame]) -> None:
    assert len(frames) > 1
    assert all(a.pts < b.pts for a, b in itertools.pairwise(frames))
    assert [frame.index for frame in frames] == list(range(len(frames)))


@pytest.mark.parametrize("codec", ["h264", "h265", "vp8", "mjpeg"])
def test_a_camera_s_pictures_come_at_its_rate(codec):
    with rtsp_server(codec=codec, rate=20) as server:
        source = open_source(server.address, settings())
        assert (source.info.live, source.info.name) == (True, server.address)
        with watching(source) as watcher:
            watcher.wait(lambda: len(watcher.frames) > 40)
        frames = watcher.frames
        assert_times_grow(frames)
        steps = [b.time_s - a.time_s for a, b in itertools.pairwise(frames[15:])]
        assert sum(steps) / len(steps) == pytest.approx(1 / 20, abs=0.005)
        assert (source.info.width, source.info.height) == (320, 240)
        assert isinstance(frames[-1].decoded, av.VideoFrame)
        assert frames[-1].image.max() > 200  # the white ball of the test picture
        assert (source.status.reconnects, source.status.decode_errors) == (0, 0)


def test_a_picture_that_comes_in_two_parts_is_whole():
    """As from servers that repeat the stream's headers before each slice: FFmpeg hands the halves on one after the other."""
    with rtsp_server(size="640x480", rate=20) as server, watching(open_source(server.address, settings())) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 45)
        for frame in watcher.frames[25:]:
            red, green, _ = frame.image.transpose(2, 0, 1).astype(int)
            assert not (green > red + 50).any(), "what is missing in a picture of H.264 is green"


def test_frames_resume_after_the_server_was_killed_and_started_again(caplog):
    caplog.set_level(logging.WARNING, "stream")
    with rtsp_server() as server, watching(open_source(server.address, settings())) as watcher:
        status = watcher.source.status
        watcher.wait(lambda: len(watcher.frames) > 10)
        assert (status.state, status.cause) == ("up", "")
        server.kill()
        watcher.wait(lambda: status.state == "lost")
        watcher.wait(lambda: status.cause == "refused: nothing listens there")
        before = len(watcher.frames)
        threading.Event().wait(1.5)
        server.start(size="640x480")
        started = time.monotonic()
        watcher.wait(lambda: len(watcher.frames) > before + 10)
        assert watcher.frames[before].captured_at - started < 3
    assert status.reconnects == 1
    assert_times_grow(watcher.frames)
    lost, back = watcher.frames[before - 1], watcher.frames[before]
    assert back.time_s - lost.time_s == pytest.approx(back.captured_at - lost.captured_at, abs=0.8)  # the first picture comes late
    assert (back.width, back.height) == (watcher.source.info.width, watcher.source.info.height) == (640, 480)
    told = [record.getMessage() for record in caplog.records]
    assert sum("refused" in message for message in told) == 1


def test_a_camera_that_is_absent_at_the_start_is_waited_for(caplog):
    server = RtspServer()
    with watching(open_source(server.address, settings())) as watcher:
        watcher.wait(lambda: watcher.source.status.state == "lost")
        assert watcher.source.status.cause == "refused: nothing listens there"
        assert "refused" in caplog.text
        try:
            server.start()
            watcher.wait(lambda: len(watcher.frames) > 5)
            assert watcher.source.status.state == "up"
            assert watcher.source.status.reconnects == 0
        finally:
            server.kill()


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("rtsp://viewer:S3cret@127.0.0.1:{port}/camera", "wrong user name or password"),
        ("rtsp://127.0.0.1:{port}/camera", "wrong user name or password"),
        ("rtsp://viewer:right@127.0.0.1:{port}/elsewhere", "no such stream"),
    ],
)
def test_a_refusal_names_its_cause_and_no_password(address, cause, caplog):
    with rtsp_server(password="right") as server, watching(open_source(address.format(port=server.port), settings())) as watcher:
        watcher.wait(lambda: watcher.source.status.state == "lost")
        assert watcher.source.status.cause == cause
        assert cause in caplog.text
    for text in (caplog.text, watcher.source.info.name, repr(watcher.source.status)):
        assert "S3cret" not in text
        assert "right" not in text


def test_the_right_password_opens(caplog):
    with rtsp_server(password="right") as server:
        address = f"rtsp://viewer:right@127.0.0.1:{server.port}/camera"
        with watching(open_source(address, settings())) as watcher:
            watcher.wait(lambda: len(watcher.frames) > 3)
    assert all(frame.source == f"rtsp://viewer:***@127.0.0.1:{server.port}/camera" for frame in watcher.frames)
    assert "right" not in caplog.text


def test_a_stream_without_pictures_says_so():
    with rtsp_server(codec="sound") as server, watching(open_source(server.address, settings())) as watcher:
        watcher.wait(lambda: watcher.source.status.cause)
        assert watcher.source.status.cause in (
            "there is no video in the stream",
            "no stream: something answers there, but not with a video that can be read",
        )


def test_a_frozen_camera_is_lost_and_found_again():
    with rtsp_server() as server, watching(open_source(server.address, settings(open_timeout_s=1))) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 5)
        server.signal(signal.SIGSTOP)
        watcher.wait(lambda: watcher.source.status.state == "lost")
        assert "timed out" in watcher.source.status.cause
        before = len(watcher.frames)
        server.signal(signal.SIGCONT)
        watcher.wait(lambda: len(watcher.frames) > before + 5)
    assert watcher.source.status.reconnects == 1
    assert_times_grow(watcher.frames)


def test_closing_takes_less_than_a_second_in_every_state():
    with rtsp_server() as server:
        with watching(open_source(server.address, settings(open_timeout_s=30, read_timeout_s=30))) as reading:
            reading.wait(lambda: len(reading.frames) > 3)
            server.signal(signal.SIGSTOP)
            threading.Event().wait(0.3)  # reading from a frozen camera
        with watching(open_source(server.address, settings(open_timeout_s=30))):
            threading.Event().wait(0.3)  # opening a frozen camera
        server.signal(signal.SIGCONT)
    with watching(open_source(f"rtsp://127.0.0.1:{free_port()}/x", settings(retry_min_s=30, retry_max_s=30))) as waiting:
        waiting.wait(lambda: waiting.source.status.state == "lost")  # between two tries


def test_an_unknown_host_is_unreachable():
    with watching(open_source("rtsp://no-such-camera.invalid/x", settings())) as watcher:
        watcher.wait(lambda: watcher.source.status.state == "lost")
        assert watcher.source.status.cause == "unreachable: no host of that name is known"
