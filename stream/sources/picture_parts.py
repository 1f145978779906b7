"""PyAV's picture as RGB, whole or a part of it: what a face is looked at in, without converting all of a large picture for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np

from stream.frame import upright
from stream.media import av, cv2

SHARED_BY = {"yuv420p": (2, 2), "yuvj420p": (2, 2), "yuv422p": (2, 1), "yuvj422p": (2, 1), "yuv444p": (1, 1), "yuvj444p": (1, 1)}
"""Formats whose pixels are converted one by one, and how many columns and rows share a sample of colour."""
GRID_PX = 64
"""Parts are cut to multiples of this: FFmpeg prepares itself anew for each size."""

SIZES_KEPT = 16

_own = threading.local()


def as_rgb(picture: av.VideoFrame) -> np.ndarray:
    """(rows, columns, 3) uint8 RGB of all of a picture, as it was decoded. Its own colour matrix and range are honoured.

    Each thread keeps what FFmpeg prepares for a size. Made anew for each picture, with threads, as by `VideoFrame.to_ndarray`, that
    takes half as long again (720p, idle cores) to ten times as long (busy ones); and whoever puts down such a picture in a forked process
    waits for those threads for ever.
    """
    ready: dict[tuple[int, int, str], av.video.reformatter.VideoReformatter] = _own.__dict__.setdefault("ready", {})
    key = picture.width, picture.height, picture.format.name
    reformatter = ready.pop(key, None) or av.video.reformatter.VideoReformatter()
    ready[key] = reformatter  # the newest last
    if len(ready) > SIZES_KEPT:
        del ready[next(iter(ready))]
    return np.asarray(reformatter.reformat(picture, format="rgb24", threads=1).to_ndarray())


def upright_part(
    decoded: av.VideoFrame, quarter_turns: int, mirrored: bool, left: int, top: int, right: int, bottom: int, smaller: int = 1
) -> np.ndarray | None:
    """(bottom - top, right - left, 3) uint8 RGB: that part of the upright picture, to the bit; None where that takes all of it.

    Args:
        quarter_turns: how often `decoded` is turned by 90° counter-clockwise to be upright.
        mirrored: left and right of it are exchanged before.
        left, top, right, bottom: inside the upright picture, half-open.
        smaller: so many times, each pixel the mean of a square; what fills none at the right and at the bottom is left out.
    """
    if decoded.format.name not in SHARED_BY or (decoded.width % 2 or decoded.height % 2):
        return None  # FFmpeg interpolates the colours of pictures with odd sides
    whole = smaller * 2 if smaller > 1 else 1
    right, bottom = right - (right - left) % whole, bottom - (bottom - top) % whole
    if right <= left or bottom <= top:
        return None
    x1, y1, x2, y2 = _as_decoded(decoded, quarter_turns, mirrored, (left, top, right, bottom))
    if smaller > 1:
        rgb = as_rgb(_smaller(decoded, x1 - x1 % 2, y1 - y1 % 2, x2 - x1, y2 - y1, smaller))
    else:
        start_x, start_y = x1 - x1 % 2, y1 - y1 % 2
        width, height = _on_grid(x2 - start_x, decoded.width - start_x), _on_grid(y2 - start_y, decoded.height - start_y)
        rgb = as_rgb(_cut(decoded, start_x, start_y, width, height))[y1 - start_y : y2 - start_y, x1 - start_x : x2 - start_x]
    part = np.ascontiguousarray(upright(rgb, quarter_turns, mirrored=mirrored))
    part.flags.writeable = False
    return part


def luma(decoded: av.VideoFrame) -> np.ndarray | None:
    """(rows, columns) uint8: the picture's brightness as it was decoded, a view; None where it is not kept apart, in bytes."""
    planar = decoded.format.name in SHARED_BY or decoded.format.name in ("nv12", "gray")
    return _pixels(decoded.planes[0]) if planar else None


def _cut(decoded: av.VideoFrame, x: int, y: int, width: int, height: int) -> av.VideoFrame:
    """That part of a picture; all even."""
    part = _like(decoded, width, height)
    for source, target, (across, down) in _planes(decoded, part):
        mine = _pixels(target)
        mine[:] = source[y // down :, x // across :][: mine.shape[0], : mine.shape[1]]
    return part


def _smaller(decoded: av.VideoFrame, x: int, y: int, width: int, height: int, times: int) -> av.VideoFrame:
    """That part so many times smaller; width and height are multiples of twice that."""
    part = _like(decoded, width // times, height // times)
    for source, target, (across, down) in _planes(decoded, part):
        pixels = source[y // down : (y + height) // down, x // across : (x + width) // across]
        mine = _pixels(target)
        mine[:] = cv2.resize(pixels, (mine.shape[1], mine.shape[0]), interpolation=cv2.INTER_AREA)
    return part


def _like(decoded: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    part = av.VideoFrame(width, height, decoded.format.name)
    part.colorspace, part.color_range = decoded.colorspace, decoded.color_range
    return part


def _planes(decoded: av.VideoFrame, part: av.VideoFrame) -> Iterator[tuple[np.ndarray, av.video.plane.VideoPlane, tuple[int, int]]]:
    """The pixels of each plane, the plane of the part that belongs to it, and how many columns and rows share a sample of it."""
    for number, (source, target) in enumerate(zip(decoded.planes, part.planes, strict=True)):
        yield _pixels(source), target, SHARED_BY[decoded.format.name] if number else (1, 1)


def _pixels(plane: av.video.plane.VideoPlane) -> np.ndarray:
    """(rows, columns) uint8: a view of the plane's memory."""
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]  # type: ignore[call-overload,no-any-return]


def _on_grid(wanted: int, there: int) -> int:
    return min(-(-wanted // GRID_PX) * GRID_PX, there)


def _as_decoded(decoded: av.VideoFrame, quarter_turns: int, mirrored: bool, part: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Where a part of the upright picture lies in the picture as it was decoded."""
    x1, y1, x2, y2 = part
    for turn in range(quarter_turns, 0, -1):
        width = decoded.width if turn % 2 else decoded.height  # of the picture before this turn
        x1, y1, x2, y2 = width - y2, x1, width - y1, x2
    if mirrored:
        x1, x2 = decoded.width - x2, decoded.width - x1
    return x1, y1, x2, y2
