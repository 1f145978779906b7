"""Pictures that say when they were taken: a number painted in black and white blocks, which survives any encoder.

`rtsp_server.py --clip` plays them on the machine's monotonic clock, so the age of a picture is known wherever it arrives.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from stream.media import av

BITS = 12
"""Of the number; one more block makes the count of white ones even."""
BLOCK_PX = 16
LOOP_S = 10
"""A clip's length: an age of more than this would read as less."""


def paint(image: np.ndarray, number: int) -> None:
    """Write a number into the head of an (H, W, 3) uint8 picture of at least 208 px width."""
    bits = [number >> place & 1 for place in range(BITS)]
    for place, bit in enumerate([*bits, sum(bits) % 2]):
        image[:BLOCK_PX, place * BLOCK_PX : (place + 1) * BLOCK_PX] = 255 * bit


def read(image: np.ndarray) -> int | None:
    """The number in a picture; None where there is none."""
    blocks = image[4:12, : (BITS + 1) * BLOCK_PX].mean(axis=(0, 2)).reshape(BITS + 1, BLOCK_PX)[:, 4:12].mean(axis=1)
    bits = (blocks > 128).astype(int).tolist()
    if sum(bits) % 2 or (np.abs(blocks - 128) < 64).any():
        return None
    return sum(bit << place for place, bit in enumerate(bits[:-1]))


def age_s(image: np.ndarray, rate: int, now: float) -> float | None:
    """Seconds since the picture left the server, by the painted number.

    Args:
        rate: of the clip, frames/s.
        now: `time.monotonic()` of this machine, the server's too.
    """
    number = read(image)
    return None if number is None else (now - number / rate) % LOOP_S


def make_clip(
    path: Path, *, rate: int, size: tuple[int, int] = (320, 240), image: Callable[[int], np.ndarray] | None = None, key_frame_s: float = 1
) -> Path:
    """A file for `rtsp_server.py --clip`: `LOOP_S` seconds of H.264.

    Args:
        image: gives the (height, width, 3) uint8 RGB picture of a number, on which the number is painted; by default a grey one.
    """
    width, height = size
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, rate), Fraction(rate)
    encoder.gop_size = round(rate * key_frame_s)
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "forced-idr": "1", "crf": "23", "threads": "1"}
    with path.open("wb") as file:
        for number in range(rate * LOOP_S):
            picture = np.full((height, width, 3), 90, np.uint8) if image is None else image(number).copy()
            paint(picture, number)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            for packet in encoder.encode(frame):
                data = bytes(packet)
                file.write(struct.pack(">I", len(data)) + data)
    return path


def age_of(decoded: av.VideoFrame, rate: int) -> float | None:
    """The same of a decoder's own picture, by its brightness, so that nothing is converted for it."""
    plane = decoded.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:BLOCK_PX, : plane.width]
    return age_s(rows[..., None], rate, time.monotonic())
