"""Whatever happens to a camera or its network, its pictures are back within three seconds, with the default settings."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from stream.media import av
from stream.sources.opening import open_source
from tests.command import running
from tests.media import RtspServer, Watcher, rtsp_server, watching
from tests.ports import free_port
from tests.unreliable import cuttable_network, line_to
from tests.waiting import wait_for

BACK_WITHIN_S = 3.0


def assert_back(watcher: Watcher, since: float, frames_before: int) -> None:
    """A picture arrives in time after `since` (`time.monotonic()`)."""
    watcher.wait(lambda: len(watcher.frames) > frames_before, timeout_s=10)
    took_s = watcher.frames[frames_before].captured_at - since
    assert took_s < BACK_WITHIN_S, f"back after {took_s:.1f} s"


@pytest.mark.slow
def test_killed_and_restarted_twenty_times() -> None:
    with rtsp_server() as server, watching(open_source(server.address)) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 3)
        for _ in range(20):
            server.kill()
            watcher.wait(lambda: watcher.source.status.state == "lost")
            before = len(watcher.frames)
            server.start()
            assert_back(watcher, time.monotonic(), before)
    assert watcher.source.status.reconnects == 20
    assert [frame.index for frame in watcher.frames] == list(range(len(watcher.frames)))
    assert (np.diff([frame.pts for frame in watcher.frames]) > 0).all()


@pytest.mark.slow
def test_absent_for_long_and_then_another_size_codec_and_rate() -> None:
    server = RtspServer(size="640x480", codec="h264")
    with watching(open_source(server.address)) as watcher:
        threading.Event().wait(5)  # its pauses have grown to their longest
        assert watcher.source.status.cause == "refused: nothing listens there"
        try:
            for size, codec, rate in (("640x480", "h264", 25), ("1280x720", "h264", 10), ("320x240", "mjpeg", 20)):
                before = len(watcher.frames)
                server.start(size=size, codec=codec, rate=rate)
                assert_back(watcher, time.monotonic(), before)
                assert f"{watcher.frames[before].width}x{watcher.frames[before].height}" == size
                assert watcher.frames[before].image.shape[:2] == tuple(map(int, size.split("x")[::-1]))
                server.kill()
                watcher.wait(lambda: watcher.source.status.state == "lost")
        finally:
            server.kill()
    assert watcher.source.status.reconnects == 2


@pytest.mark.slow
@pytest.mark.parametrize("frozen_s", [1, 6])
def test_frozen_and_resumed(frozen_s: int) -> None:
    """For a moment the connection lives on; after longer the camera is opened anew."""
    with rtsp_server() as server, watching(open_source(server.address)) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 3)
        server.signal(signal.SIGSTOP)
        threading.Event().wait(frozen_s)
        before = len(watcher.frames)
        assert (watcher.source.status.state == "lost") == (frozen_s > 2)
        assert ("timed out" in watcher.source.status.cause) == (frozen_s > 2)
        server.signal(signal.SIGCONT)
        assert_back(watcher, time.monotonic(), before)


@pytest.mark.slow
def test_a_cut_network() -> None:
    """A link goes down without a word to either side, for less and for more than the patience of the reader."""
    with cuttable_network() as network:
        server = RtspServer(host=network.host)
        server.namespace = network.name
        server.start()
        try:
            with watching(open_source(server.address)) as watcher:
                watcher.wait(lambda: len(watcher.frames) > 3)
                for seconds in (2, 7):
                    network.cut()
                    threading.Event().wait(seconds)
                    before = len(watcher.frames)
                    network.mend()
                    assert_back(watcher, time.monotonic(), before)
                    watcher.wait(lambda: len(watcher.frames) > before + 10)  # noqa: B023 - called within this round
                assert watcher.source.status.reconnects >= 1
        finally:
            server.kill()


@pytest.mark.slow
def test_garbage_on_the_line() -> None:
    with (
        rtsp_server() as server,
        line_to(server.port) as line,
        watching(open_source(f"rtsp://127.0.0.1:{line.port}/camera")) as watcher,
    ):
        watcher.wait(lambda: len(watcher.frames) > 3)
        for seconds in (0.1, 1, 5):
            line.garbage.set()
            threading.Event().wait(seconds)
            line.garbage.clear()
            cleared, before = time.monotonic(), len(watcher.frames)
            assert_back(watcher, cleared, before)
            watcher.wait(lambda: len(watcher.frames) > before + 10)  # noqa: B023 - called within this round
        assert all(frame.width == 320 for frame in watcher.frames)


@pytest.mark.slow
def test_no_password_anywhere(tmp_path: Path) -> None:
    """Not in output, log, metric, event, file name or file, whether it is right or wrong, the camera there or not."""
    with rtsp_server(password="S3cret") as server, ExitStack() as together:
        runs = {}
        for place, words in {
            "right": f"viewer:S3cret@127.0.0.1:{server.port}",
            "wrong": f"viewer:S3cret-not@127.0.0.1:{server.port}",
            "gone": f"viewer:S3cret@127.0.0.1:{free_port()}",
        }.items():
            folder = tmp_path / place
            folder.mkdir()
            options = ["-o", folder / "out/", "--events", folder / "events.jsonl", "--log-format", "json", "--duration", "2.5"]
            runs[place] = together.enter_context(running("run", f"rtsp://{words}/camera", *options, "--model", "none"))
        for place, process in runs.items():
            stdout, stderr = process.communicate(timeout=60)
            assert "S3cret" not in stdout + stderr
            assert (process.returncode == 0) == (place == "right")
            files = [path for path in (tmp_path / place).rglob("*") if path.is_file()]
            assert len(files) == 1 + (place == "right")
            for path in files:
                assert "S3cret" not in path.name
                assert b"S3cret" not in path.read_bytes()
            assert ("wrong user name or password" in stderr) == (place == "wrong")


def test_a_camera_that_changes_its_size_is_recorded_on(tmp_path: Path) -> None:
    out, log = tmp_path / "camera.mp4", tmp_path / "events.jsonl"

    def looks(width: int) -> int:
        return log.read_text(encoding="utf-8").count(f'"width": {width}') if log.exists() else 0

    with (
        rtsp_server(size="320x240", rate=15) as server,
        running("run", server.address, "-o", out, "--events", log, "--model", "none") as process,
    ):
        wait_for(lambda: looks(320) >= 8)
        server.kill()
        server.start(size="640x360")
        wait_for(lambda: looks(640) >= 8)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130, stderr
    with av.open(str(out)) as container:
        frames = list(container.decode(video=0))
    assert {(frame.width, frame.height) for frame in frames} == {(320, 240)}, "a file has one size: the first"
    assert len(frames) >= 16
