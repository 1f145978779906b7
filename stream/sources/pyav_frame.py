"""From PyAV's picture to a `Frame`."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import numpy as np

from stream.frame import Frame
from stream.media import av


def quarter_turns(decoded: av.VideoFrame) -> int:
    """How often the picture must be turned by 90° counter-clockwise to be upright: 0..3. The file or stream says so."""
    return round(decoded.rotation / 90) % 4


def upright_size(decoded: av.VideoFrame) -> tuple[int, int]:
    """Width and height in pixels after turning."""
    return (decoded.height, decoded.width) if quarter_turns(decoded) % 2 else (decoded.width, decoded.height)


def upright_rgb(decoded: av.VideoFrame) -> np.ndarray:
    """(height, width, 3) uint8 RGB, upright. The picture's own colour matrix and range are honoured."""
    image = decoded.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(image, quarter_turns(decoded)))


def frame_of(decoded: av.VideoFrame, *, source: str, index: int, pts: int, time_base: Fraction, captured_at: float) -> Frame:
    """A frame that keeps the decoder's picture, and makes RGB of it only when someone looks."""
    width, height = upright_size(decoded)
    make_image = partial(upright_rgb, decoded)
    return Frame(source, index, pts, time_base, captured_at, width, height, make_image, decoded, quarter_turns(decoded))
