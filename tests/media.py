"""Real media for tests: clips made with PyAV, facts about files from ffprobe, an RTSP server to start, freeze and kill."""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.frame import Frame
from stream.media import av
from stream.sources.source import Source
from tests.paths import TESTS
from tests.ports import free_port
from tests.waiting import wait_for

SYSTEM_PYTHON = "/usr/bin/python3"  # GStreamer's bindings belong to it


def picture(number: int, width: int = 320, height: int = 240) -> np.ndarray:
    """(height, width, 3) uint8 RGB: a bright square whose place tells the number, on a slope of grey."""
    image = np.empty((height, width, 3), np.uint8)
    image[...] = np.linspace(40, 120, width, dtype=np.uint8)[None, :, None]
    left = 8 * number % (width - 32)
    image[height // 4 : height // 4 + 32, left : left + 32] = (250, 200, 40)
    return image


def make_clip(
    path: Path,
    *,
    times: Iterable[int] = range(30),
    time_base: Fraction = Fraction(1, 25),
    images: Iterable[np.ndarray] | None = None,
    size: tuple[int, int] = (320, 240),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    rate: int = 25,
    quarter_turns: int = 0,
    colours: tuple[int, int] | None = None,
) -> Path:
    """A video whose frame n is shown at `times[n] * time_base` seconds.

    Args:
        images: what the frames show; by default `picture(n)`.
        quarter_turns: how often a player must turn it counter-clockwise, as phones note it.
        colours: FFmpeg's numbers of the colour matrix and range to write down.
    """
    times = list(times)
    images = (picture(number, *size) for number in range(len(times))) if images is None else images
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options={"preset": "ultrafast", "bf": "0"} if options is None else options)
        stream.width, stream.height = size
        stream.pix_fmt = pixels
        stream.time_base = stream.codec_context.time_base = time_base
        if colours:
            stream.codec_context.colorspace, stream.codec_context.color_range = colours
        if quarter_turns:
            stream.set_display_rotation(90 * quarter_turns)
        for tick, image in zip(times, images, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if colours:
                frame = frame.reformat(format=pixels, dst_colorspace=colours[0], dst_color_range=colours[1])
            frame.pts, frame.time_base = tick, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


MATRICES: dict[tuple[int, int, int, int], Callable[[np.ndarray], np.ndarray]] = {
    (1, 0, 0, 1): lambda image: image,
    (0, 1, -1, 0): lambda image: np.rot90(image, -1),
    (-1, 0, 0, -1): lambda image: image[::-1, ::-1],
    (0, -1, 1, 0): np.rot90,
    (-1, 0, 0, 1): lambda image: image[:, ::-1],
    (1, 0, 0, -1): lambda image: image[::-1],
    (0, 1, 1, 0): lambda image: image.swapaxes(0, 1),
    (0, -1, -1, 0): lambda image: np.rot90(image.swapaxes(0, 1), 2),
}
"""The eight ways a picture may lie, and what a player must do: x' = ax + cy, y' = bx + dy (ISO 14496-12, 8.2.2.3)."""


def with_matrix(clip: Path, a: int, b: int, c: int, d: int) -> Path:
    """An MP4 or MOV, made to say that its picture lies so."""
    data = bytearray(clip.read_bytes())
    place = data.index(b"tkhd") + 44
    data[place : place + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    clip.write_bytes(data)
    return clip


def need(program: str) -> str:
    """The program's path; the test is skipped where it is missing."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"missing program: {program}")
    return path


def ffprobe(path: Path | str, *wanted: str) -> dict[str, Any]:
    """What ffprobe says about the first video stream, as it prints it."""
    command = [need("ffprobe"), "-v", "error", "-select_streams", "v:0", "-of", "json", *wanted, str(path)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout or "{}")


def ffprobe_times(path: Path | str) -> list[float]:
    """The seconds at which the frames of a video are shown."""
    frames = ffprobe(path, "-show_entries", "frame=best_effort_timestamp_time").get("frames", [])
    return [float(frame["best_effort_timestamp_time"]) for frame in frames if "best_effort_timestamp_time" in frame]


def packets_of(path: Path, stream: str) -> list[tuple[float, str]]:
    """When each packet of a stream (`v:0`, `a:0`) is shown or heard, and a hash of what is in it; as they lie in the file."""
    wanted = ["-select_streams", stream, "-show_packets", "-show_data_hash", "md5"]
    command = [need("ffprobe"), "-v", "error", "-of", "json", *wanted, str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["packets"]
    return [(float(one["pts_time"]), one["data_hash"]) for one in found]


@functools.cache
def _has_gstreamer() -> bool:
    check = (
        "import gi; gi.require_version('Gst', '1.0'); gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    )
    return Path(SYSTEM_PYTHON).exists() and subprocess.run([SYSTEM_PYTHON, "-c", check], capture_output=True, check=False).returncode == 0


class RtspServer:
    """One RTSP server on a port of its own, which stays the same when it is started again."""

    def __init__(self, **options: str | int) -> None:
        if not _has_gstreamer():
            pytest.skip("missing program: gst-rtsp-server")
        self.port = free_port()
        self.options = {"path": "/camera", **options}
        self.namespace = ""
        """Network namespace to run in; the server's own `host` option says where it listens."""
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"rtsp://{self.options.get('host', '127.0.0.1')}:{self.port}{self.options['path']}"

    def start(self, **changed: str | int) -> None:
        """Returns once it answers."""
        self.options |= changed
        words = [word for name, value in self.options.items() for word in (f"--{name}", str(value))]
        script = TESTS / "rtsp_server.py"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        inside = [need("ip"), "netns", "exec", self.namespace] if self.namespace else []
        self._process = subprocess.Popen(
            [*inside, SYSTEM_PYTHON, str(script), "--port", str(self.port), *words], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", "the RTSP server did not start"

    def revive(self) -> None:
        """Start it anew where it has ended by itself: GStreamer's server crashes now and then as clients leave."""
        if self._process is not None and (code := self._process.poll()) is not None:
            print(f"the RTSP server had ended with {code}", file=sys.stderr)
            self.kill()
            self.start()

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP freezes it, SIGCONT lets it go on."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """As a power cut would: nobody is told."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def rtsp_server(*, absent: bool = False, **options: str | int) -> Iterator[RtspServer]:
    """A running RTSP server; with `absent` one that is still to be started."""
    server = RtspServer(**options)
    if not absent:
        server.start()
    try:
        yield server
    finally:
        server.kill()


class Watcher:
    """Reads a source on a thread, as a feed does, and keeps what came."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.frames: list[Frame] = []
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            for frame in self.source:
                self.frames.append(frame)
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def wait(self, until: Callable[[], object], timeout_s: float = 15) -> None:
        def reached() -> object:
            assert self.error is None, self.error
            return until()

        wait_for(reached, timeout_s, but=lambda: f"{self.source.status}, {len(self.frames)} frames")

    def stop(self) -> float:
        """Seconds that closing took."""
        started = time.monotonic()
        self.source.close()
        self._thread.join(10)
        assert not self._thread.is_alive()
        assert self.error is None, self.error
        return time.monotonic() - started


@contextmanager
def watching(source: Source) -> Iterator[Watcher]:
    """A source being read on a thread; at the end closing it must take no longer than about a second."""
    watcher = Watcher(source)
    try:
        yield watcher
    finally:
        assert watcher.stop() < 1.2
    assert source.status.state == "ended"


class HandClock:
    """A clock that moves when someone waits."""

    now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
