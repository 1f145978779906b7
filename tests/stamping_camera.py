"""An RTSP camera of our own, for what GStreamer's is too well-behaved for: it declares no frame rate, and stamps its pictures as told."""

from __future__ import annotations

import base64
import functools
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction

from stream.media import av
from tests.media import picture
from tests.ports import free_port

RATE = 25
PAYLOAD = 1400
"""Longest piece of a NAL unit in one packet."""


@dataclass(frozen=True)
class Habits:
    """How a camera differs from others. Pictures are counted from its start."""

    stamp_s: Callable[[int], float] = lambda number: number / RATE
    """The time that a picture's packets bear."""
    codec: str = "libx264"
    key_every: int = RATE
    starts_at: int = 0
    """The picture that is due when it is switched on."""
    declares_rate: bool = False
    declares_headers: bool = True
    """Parameter sets stand in its SDP, and not only before each key picture."""
    transports: tuple[str, ...] = ("TCP",)
    kept: int = 0
    """So many pictures of the past are sent at once to whoever connects."""


@functools.cache
def encoded(codec: str, key_every: int) -> list[list[bytes]]:
    """The NAL units of each picture of a loop."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 320, 240, "yuv420p", Fraction(1, RATE)
    own = f"keyint={key_every}:min-keyint={key_every}:scenecut=0:bframes=0"
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", codec[3:] + "-params": own + ":log-level=none" * (codec == "libx265")}
    pictures = []
    for number in range(key_every):
        frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
        frame.pts = number
        pictures += encoder.encode(frame)
    pictures += encoder.encode(None)
    return [[unit for unit in re.split(rb"\x00?\x00\x00\x01", bytes(one)) if unit] for one in pictures]


class StampingCamera:
    """Listens until it is closed; a client joins wherever the stream is now."""

    def __init__(self, habits: Habits) -> None:
        self.habits, self.port = habits, free_port()
        self.pictures = encoded(habits.codec, habits.key_every)
        self.started_at = time.monotonic() - habits.starts_at / RATE
        self.clients = 0
        self._server: _Server | None = None
        self.start()

    @property
    def address(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/camera"

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), _Client)
        self._server.camera = self
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """As if it were switched off; its clock goes on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            for line in self._server.lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            self._server = None

    def sdp(self) -> str:
        habits, name = self.habits, "H265" if self.habits.codec == "libx265" else "H264"
        kinds = {"H264": (7, 8), "H265": (32, 33, 34)}[name]
        headers = [base64.b64encode(unit).decode() for unit in self.pictures[0] if kind_of(unit, name) in kinds]
        about = "packetization-mode=1" if name == "H264" else ""
        if habits.declares_headers and name == "H264":
            about += ";sprop-parameter-sets=" + ",".join(headers)
        elif habits.declares_headers:
            about = ";".join(f"sprop-{what}={header}" for what, header in zip(("vps", "sps", "pps"), headers, strict=True))
        lines = [
            "v=0",
            "o=- 0 0 IN IP4 127.0.0.1",
            "s=camera",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "m=video 0 RTP/AVP 96",
            f"a=rtpmap:96 {name}/90000",
        ]
        lines += [f"a=fmtp:96 {about}"] * bool(about) + [f"a=framerate:{RATE}"] * habits.declares_rate + ["a=control:track"]
        return "\r\n".join(lines) + "\r\n"


def kind_of(unit: bytes, name: str) -> int:
    return unit[0] >> 1 & 63 if name == "H265" else unit[0] & 31


def payloads(unit: bytes, hevc: bool) -> Iterator[bytes]:
    """A NAL unit as RTP carries it: whole, or in fragments."""
    if len(unit) <= PAYLOAD:
        yield unit
        return
    kind, size = (unit[0] >> 1 & 63, 2) if hevc else (unit[0] & 31, 1)
    head = bytes([unit[0] & 0x81 | 49 << 1, unit[1]]) if hevc else bytes([unit[0] & 0xE0 | 28])
    pieces = [unit[at : at + PAYLOAD] for at in range(size, len(unit), PAYLOAD)]
    for number, piece in enumerate(pieces):
        yield head + bytes([kind | 0x80 * (number == 0) | 0x40 * (number == len(pieces) - 1)]) + piece


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    camera: StampingCamera

    def __init__(self, *words: object) -> None:
        self.lines: list[socket.socket] = []
        super().__init__(*words)  # type: ignore[arg-type]


class _Client(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        self.server.lines.append(self.connection)
        with suppress(OSError):
            while request := self.rfile.readline():
                if request.startswith(b"$"):  # what the client reports about its reception
                    size = struct.unpack(">H", (request + self.rfile.read(4))[2:4])[0]
                    self.rfile.read(max(0, size + 4 - len(request) - 4))
                    continue
                fields = {}
                while b":" in (line := self.rfile.readline()):
                    name, value = line.decode().split(":", 1)
                    fields[name.lower()] = value.strip()
                self._answer(request.split()[0].decode(), fields)

    def _answer(self, method: str, fields: dict[str, str]) -> None:
        camera, status, more, body = self.server.camera, "200 OK", "Session: 1\r\n", ""
        if method == "DESCRIBE":
            body = camera.sdp()
            more = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP" and ("TCP" if "TCP" in fields["transport"] else "UDP") not in camera.habits.transports:
            status = "461 Unsupported transport"
        elif method == "SETUP":
            more += f"Transport: {fields['transport'].split(',')[0]}\r\n"
        self.wfile.write(f"RTSP/1.0 {status}\r\nCSeq: {fields['cseq']}\r\n{more}\r\n{body}".encode())
        if method == "PLAY":
            camera.clients += 1
            threading.Thread(target=self._play, args=(camera,), daemon=True).start()

    def _play(self, camera: StampingCamera) -> None:
        sequence, hevc = 0, camera.habits.codec == "libx265"
        number = int((time.monotonic() - camera.started_at) * RATE) + 1 - camera.habits.kept
        with suppress(OSError):
            while True:
                time.sleep(max(0, camera.started_at + number / RATE - time.monotonic()))
                stamp = int(camera.habits.stamp_s(number) * 90000) & 0xFFFFFFFF
                sent = [piece for unit in camera.pictures[number % len(camera.pictures)] for piece in payloads(unit, hevc)]
                for piece in sent:
                    sequence = sequence + 1 & 0xFFFF
                    marked = 96 | 0x80 * (piece is sent[-1])
                    packet = struct.pack(">BBHII", 0x80, marked, sequence, stamp, 1234) + piece
                    self.connection.sendall(b"$\0" + struct.pack(">H", len(packet)) + packet)
                number += 1


@contextmanager
def stamping_camera(**habits: object) -> Iterator[StampingCamera]:
    """A camera with the given `Habits`."""
    camera = StampingCamera(Habits(**habits))  # type: ignore[arg-type]
    try:
        yield camera
    finally:
        camera.stop()
