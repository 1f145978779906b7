"""From PyAV's picture to a `Frame`."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial
from typing import cast

import numpy as np

from stream.frame import Frame, upright
from stream.media import av
from stream.sources.picture_parts import as_rgb, luma, upright_part


def orientation(decoded: av.VideoFrame) -> tuple[int, bool]:
    """How the picture becomes upright, as the file or stream says: how often it is turned by 90° counter-clockwise, 0..3, and whether it is
    mirrored (left and right exchanged) before.
    """
    written = decoded.side_data.get("DISPLAYMATRIX")
    if written is None:
        return 0, False
    # x' = a x + c y, y' = b x + d y, with y downwards (ISO 14496-12, 8.2.2.3)
    a, b, _, c, d = np.frombuffer(cast(bytes, written), np.int32)[:5].tolist()
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(-2 * math.atan2(b, a) / math.pi) % 4, mirrored


class Orientations:
    """How the pictures of one stream become upright, as `orientation` says.

    It is asked only of a picture whose rotation is another: in PyAV a picture and its side data hold each other, so that one that was
    asked, its memory and the threads that converted it stay until Python next looks for garbage.
    """

    def __init__(self) -> None:
        self._rotation: float | None = None
        self._known = 0, False

    def of(self, decoded: av.VideoFrame) -> tuple[int, bool]:
        if decoded.rotation != self._rotation:
            self._rotation, self._known = decoded.rotation, orientation(decoded)
        return self._known


def upright_size(decoded: av.VideoFrame, quarter_turns: int) -> tuple[int, int]:
    """Width and height in pixels after turning."""
    return (decoded.height, decoded.width) if quarter_turns % 2 else (decoded.width, decoded.height)


def upright_rgb(decoded: av.VideoFrame, quarter_turns: int, mirrored: bool) -> np.ndarray:
    """(height, width, 3) uint8 RGB, upright. The picture's own colour matrix and range are honoured."""
    return np.ascontiguousarray(upright(as_rgb(decoded), quarter_turns, mirrored=mirrored))


def frame_of(
    decoded: av.VideoFrame, lies: tuple[int, bool], *, source: str, index: int, pts: int, time_base: Fraction, captured_at: float
) -> Frame:
    """A frame that keeps the decoder's picture, and makes RGB of it only when someone looks.

    Args:
        lies: its orientation.
    """
    width, height = upright_size(decoded, lies[0])
    make_image, make_part = partial(upright_rgb, decoded, *lies), partial(upright_part, decoded, *lies)
    make_luma = partial(luma, decoded)
    return Frame(source, index, pts, time_base, captured_at, width, height, make_image, decoded, *lies, make_part, make_luma)
