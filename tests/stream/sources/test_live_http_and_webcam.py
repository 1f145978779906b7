"""Cameras that speak HTTP (MJPEG), and those that OpenCV opens: both come back after they were lost."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from stream.errors import SourceError
from stream.media import cv2
from stream.settings.schema import Settings, SourceSettings
from stream.sources.opening import open_source
from tests.command import facestream
from tests.media import make_clip, picture, watching
from tests.ports import free_port


def settings(**changed: object) -> SourceSettings:
    return Settings.model_validate({"source": {"read_timeout_s": 1.5, "retry_min_s": 0.05, "retry_max_s": 0.2, **changed}}).source


class MjpegCamera(BaseHTTPRequestHandler):
    """Twenty pictures a second without an end, but for pauses and for hanging up, as the server is told."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        try:
            for number in itertools.count():
                if self.server.hang_up.is_set():  # type: ignore[attr-defined]
                    return
                _, jpeg = cv2.imencode(".jpg", np.ascontiguousarray(picture(number)[..., ::-1]))
                self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg.tobytes() + b"\r\n")
                self.server.hang_up.wait(self.server.pause_s)  # type: ignore[attr-defined]
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def camera() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), MjpegCamera)
    server.hang_up = threading.Event()  # type: ignore[attr-defined]
    server.pause_s = 0.05  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.hang_up.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_http_address_without_an_end_is_a_camera(camera):
    source = open_source(f"http://me:S3cret@127.0.0.1:{camera.server_port}/video?token=S3cret", settings())
    assert source.info.live
    assert source.info.name == f"http://me:***@127.0.0.1:{camera.server_port}/video?token=***"
    with watching(source) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 20)
        assert watcher.frames[-1].image.shape == (240, 320, 3)
    assert all(a.pts < b.pts for a, b in itertools.pairwise(watcher.frames))


def test_pictures_without_times_have_those_of_their_arrival(camera):
    """FFmpeg would make up 25 a second."""
    camera.pause_s = 0.1
    with watching(open_source(f"http://127.0.0.1:{camera.server_port}/", settings())) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 20)
    first, last = watcher.frames[0], watcher.frames[-1]
    assert last.time_s - first.time_s == pytest.approx(last.captured_at - first.captured_at, abs=0.02)


@pytest.mark.slow
def test_a_slow_http_camera_is_not_lost(camera):
    camera.pause_s = 0.8  # longer than a slice
    with watching(open_source(f"http://127.0.0.1:{camera.server_port}/", settings(open_timeout_s=20))) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 3, timeout_s=30)
        first = len(watcher.frames)
        watcher.wait(lambda: len(watcher.frames) > first + 2)
        assert watcher.source.status.state == "up"
    assert watcher.source.status.reconnects == 0


def test_an_http_camera_that_hangs_up_is_asked_again(camera):
    with watching(open_source(f"http://127.0.0.1:{camera.server_port}/", settings())) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 5)
        camera.hang_up.set()
        watcher.wait(lambda: watcher.source.status.state == "lost")
        camera.hang_up.clear()
        before = len(watcher.frames)
        watcher.wait(lambda: len(watcher.frames) > before + 5)
    assert watcher.source.status.reconnects >= 1


def test_an_http_camera_that_is_switched_off_is_waited_for():
    source = open_source(f"http://127.0.0.1:{free_port()}/video", settings())
    assert source.info.live
    with watching(source) as watcher:
        watcher.wait(lambda: watcher.source.status.state == "lost")
        assert watcher.source.status.cause == "refused: nothing listens there"


@pytest.mark.parametrize("address", ["99", 99, "camera:no such device"])
def test_a_webcam_that_is_not_there_is_an_error_at_once(address, capfd):
    with pytest.raises(SourceError, match="cannot be opened"):
        open_source(address)
    assert capfd.readouterr().err == ""  # OpenCV's own page about it is no use to anyone


def test_among_several_a_webcam_that_is_not_there_is_waited_for(caplog):
    with watching(open_source("99", settings(), waits=True)) as watcher:
        watcher.wait(lambda: watcher.source.status.state == "lost")
    assert (watcher.source.info.name, watcher.source.info.live) == ("99", True)
    assert caplog.text.count("cannot be opened") == 1, "said once, not for each try"


def test_a_run_goes_on_beside_a_webcam_that_is_not_there(camera, tmp_path):
    address = f"http://127.0.0.1:{camera.server_port}/video"
    done = facestream("run", "99", address, "--events", tmp_path / "log", "--model", "none", "--duration", "2")
    assert done.returncode == 1, "it never gave a picture"
    assert "99: cannot be opened; trying again until it answers." in done.stderr
    assert address in (tmp_path / "log").read_text()


def test_what_opencv_opens_is_a_camera_that_is_opened_again_when_it_ends(tmp_path):
    path = make_clip(tmp_path / "clip.avi", times=range(20), codec="mjpeg", pixels="yuvj420p", options={})
    source = open_source(f"camera:{path}", settings())
    assert (source.info.live, source.info.width, source.info.height) == (True, 320, 240)
    with watching(source) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 45)
    frames = watcher.frames
    assert np.abs(frames[3].image.astype(int) - picture(3)).mean() < 6  # RGB, not BGR
    assert watcher.source.status.reconnects >= 2
    assert all(a.pts < b.pts for a, b in itertools.pairwise(frames))
