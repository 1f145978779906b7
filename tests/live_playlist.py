"""A live HLS stream on a web server: segments of a second, of which the newest few are listed and kept."""

from __future__ import annotations

import functools
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from stream.media import av
from tests.media import picture
from tests.ports import free_port

RATE = 25
LISTED = 5
REPEATS = 36
"""`media.picture` shows one of so many places."""


def number_of(image: np.ndarray) -> int:
    """Which picture it is, modulo `REPEATS`."""
    return round(float(np.flatnonzero((image[64:88, :, 0].astype(int) - image[64:88, :, 2]).mean(0) > 80).min()) / 8)


@functools.cache
def segment(number: int) -> bytes:
    """A second of a transport stream."""
    file = io.BytesIO()
    with av.open(file, "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, RATE)
        for index in range(number * RATE, (number + 1) * RATE):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


class LivePlaylist(ThreadingHTTPServer):
    """Segment n is there n seconds after the start; later while `held` is set, and none after `last`."""

    daemon_threads = True

    def __init__(self, port: int, started_at: float | None) -> None:
        super().__init__(("127.0.0.1", port), _Answer)
        self.started_at = started_at
        self.last: int | None = None
        self.held = threading.Event()
        self.answers_after_s = 0.0
        self._newest = 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/live.m3u8"

    def newest(self) -> int:
        if self.started_at is None:
            self.started_at = time.monotonic() - 4.2
        if not self.held.is_set():
            self._newest = int(time.monotonic() - self.started_at)
        return self._newest if self.last is None else min(self._newest, self.last)

    def playlist(self) -> str:
        newest = self.newest()
        first = max(0, newest - LISTED + 1)
        lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        lines += [line for number in range(first, newest + 1) for line in ("#EXTINF:1.0,", f"{number}.ts")]
        return "\n".join([*lines, "#EXT-X-ENDLIST"] if newest == self.last else lines) + "\n"


class _Answer(BaseHTTPRequestHandler):
    server: LivePlaylist

    def do_GET(self) -> None:
        threading.Event().wait(self.server.answers_after_s)
        if self.path == "/live.m3u8":
            body = self.server.playlist().encode()
        else:
            number = int(self.path[1:].removesuffix(".ts"))
            if not self.server.newest() - LISTED - 1 < number <= self.server.newest():
                self.send_error(404)
                return
            body = segment(number)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def live_playlist(port: int | None = None, started_at: float | None = None) -> Iterator[LivePlaylist]:
    """A stream that has run for four seconds when it is first asked for, if nothing else is said."""
    for number in range(LISTED):
        segment(number)
    server = LivePlaylist(port or free_port(), started_at)
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
