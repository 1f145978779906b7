"""What guests of a page need: a program that speaks as a page does, and films for a camera."""

from __future__ import annotations

import io
import json
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import av
import numpy as np
from PIL import Image
from websockets.sync.client import ClientConnection, connect

from tests.browser import DEVICE
from tests.served import BEARER, TOKEN, Served

CAMERA_RATE, CAMERA_SIZE = 15, (640, 360)


class Guest:
    """A program that speaks to the server as the page does."""

    def __init__(self, served: Served, connection: ClientConnection) -> None:
        self.served, self.socket = served, connection
        self.key = ""

    def say(self, **message: Any) -> None:
        self.socket.send(json.dumps(message))

    def hear(self, kind: str, seconds: float = 20, **like: Any) -> dict[str, Any]:
        """The next message of that kind with those values."""
        return self.hear_any(kind, seconds=seconds, **like)

    def hear_any(self, *kinds: str, seconds: float = 20, **like: Any) -> dict[str, Any]:
        """The next message of one of those kinds."""
        deadline = time.monotonic() + seconds
        while True:
            said = self.socket.recv(max(0.01, deadline - time.monotonic()))
            if isinstance(said, str):
                message: dict[str, Any] = json.loads(said)
                if message["type"] in kinds and all(message.get(key) == value for key, value in like.items()):
                    return message

    def greet(self, key: str = "") -> str:
        self.say(type="guest", key=key)
        self.key = self.hear("guest")["key"]
        return self.key

    def begin_camera(self) -> None:
        self.say(type="webcam", on=True)
        self.hear("webcam", on=True)

    def send_picture(self, seq: int, jpeg: bytes) -> None:
        header = json.dumps({"seq": seq, "at_s": time.monotonic()}).encode()
        self.socket.send(struct.pack(">I", len(header)) + header + jpeg)

    def upload(self, name: str, body: Any) -> tuple[int, str]:
        """The status, and the job's id or the sentence that refuses it."""
        words = urlencode({"page": self.key, "name": name, "ref": name[:20]})
        status, _, answer = self.served.ask(f"/upload?{words}", "POST", body)
        return status, json.loads(answer)["job"] if status == 202 else answer.decode()

    def over(self, job: str) -> dict[str, Any]:
        """What has become of a file."""
        while (message := self.hear("job", id=job, seconds=60))["state"] not in ("done", "failed", "cancelled"):
            pass
        return message


@contextmanager
def guest(served: Served, key: str = "") -> Iterator[Guest]:
    """A page that is open, and has said so."""
    with connect(f"ws://127.0.0.1:{served.port}/ws", additional_headers=BEARER, max_size=2**24, compression=None) as connection:
        one = Guest(served, connection)
        one.greet(key)
        yield one


@contextmanager
def half_an_upload(page: Guest) -> Iterator[None]:
    """A file that is on its way, and does not come further."""
    words = urlencode({"page": page.key, "name": "slow.mp4"})
    head = f"POST /upload?{words} HTTP/1.1\r\nHost: 127.0.0.1:{page.served.port}\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", page.served.port)) as connection:
        connection.sendall(f"{head}Content-Length: 100000000\r\n\r\n".encode() + bytes(3_000_000))
        page.hear("job", state="receiving")
        yield


def jpeg(image: np.ndarray | Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(file, "JPEG", **options)
    return file.getvalue()


def write_film(path: Path, pictures: Sequence[np.ndarray], rate: int = 25, *, sound: bool = False, crf: int = 23) -> Path:
    """A video of those pictures, with a tone if asked for."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": str(crf)})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        tone = container.add_stream("aac", rate=48000, layout="mono") if sound else None
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
        if tone is not None:
            wave = np.sin(np.arange(48000 * len(pictures) // rate) / 20).astype(np.float32)[None]
            frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 48000, 0
            container.mux(tone.encode(frame))
            container.mux(tone.encode(None))
    return path


def camera_film(portrait: np.ndarray, path: Path, rate: int = CAMERA_RATE) -> Path:
    """What a browser takes for a camera: a portrait that goes to and fro."""
    width, height = CAMERA_SIZE
    face = Image.fromarray(portrait).resize((300, 352))
    with av.open(str(path), "w", format="yuv4mpegpipe") as container:
        stream = container.add_stream("wrapped_avframe", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(30):
            picture = Image.new("RGB", CAMERA_SIZE, (90, 90, 90))
            picture.paste(face, (60 + 4 * abs(15 - number), 4))
            container.mux(stream.encode(av.VideoFrame.from_image(picture).reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    return path


def seen_by_camera(film: Path) -> tuple[str, ...]:
    """The words by which Chromium takes a film for its camera."""
    return (*DEVICE, f"--use-file-for-fake-video-capture={film}")
