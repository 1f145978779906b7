"""What a small grey picture tells: where a video goes on with another scene, and where nothing has changed."""

from __future__ import annotations

import math

import numpy as np

from stream.frame import Frame
from stream.media import cv2

THUMBNAIL = (32, 18)
"""Columns and rows of the picture that is compared: small, so that what moves in a scene changes little of it."""
ALIKE = 0.86
"""Lowest correlation of two pictures of one scene, one after the other: of pictures of two clips nine in ten are below .4. Brightness and
contrast do not count: a lamp or a flash is no cut."""
CHANGED, CHANGED_BY = 0.3, 8
"""And least share of the picture that changed by so many grey levels, the change of all of it apart: at a cut most of it does; of a head
that moves before a wall, which changes the correlation as much, little. In 20 clips: .32 and more at the cuts; .30 or less where somebody
moved fast."""
MUCH, STILL_ALIKE = 0.5, 0.95
"""From this share on it is another scene even if light and dark lie nearly where they lay: two people in one chair before one wall."""
NOTICED = 4.0
"""Grey levels by which a part of the picture, a 32nd of its width, is another: a face of the smallest size that is looked for fills one."""
AROUND_FACES = 0.3
"""Share of a known face's side around it where changes are its own: hair, neck."""
FACE_ALIKE = 0.8
"""The same for a face's place before and after, where a face is found in both (a guess: two people's faces are about .5 alike)."""
FACE_PX = 16
SAMPLES = 8
"""Columns and rows of a picture on the way that become one: to an uneven share of 480x480 px cv2.INTER_AREA alone takes six times as long.
Of 20 clips every cut stayed one."""
LEAST_CONTRAST = 1.0
"""Below this standard deviation, grey levels, there is nothing to compare (a guess): an even picture."""


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether of two thumbnails, one after the other, the second begins another scene."""
    changed = _changed(before, after)
    return changed > CHANGED and likeness(before, after) < (STILL_ALIKE if changed > MUCH else ALIKE)


def is_quiet(before: np.ndarray, after: np.ndarray, faces: np.ndarray, width: int, height: int) -> bool:
    """Whether nothing has changed from one thumbnail to the other but at known faces, so that there can be no new one.

    Args:
        faces: (N, 4) boxes px, in a picture of that size.
    """
    changed = np.abs(after - before) > NOTICED
    columns, rows = THUMBNAIL
    for x1, y1, x2, y2 in (faces * np.array([columns / width, rows / height] * 2)).tolist():
        reach_x, reach_y = AROUND_FACES * (x2 - x1) + 1, AROUND_FACES * (y2 - y1) + 1
        left, right, top, bottom = x1 - reach_x, x2 + reach_x, y1 - reach_y, y2 + reach_y
        changed[max(int(top), 0) : max(int(bottom) + 1, 0), max(int(left), 0) : max(int(right) + 1, 0)] = False
    return not changed.any()


def thumbnail(frame: Frame) -> np.ndarray:
    """(rows, columns) float32: the frame's brightness, small. Read-only: whoever else asks for it has the same."""
    return frame.once(_thumbnail)


def _thumbnail(frame: Frame) -> np.ndarray:
    small = _shrunk(frame.brightness, THUMBNAIL)
    small.flags.writeable = False
    return small


def same_face(before: Frame, its: np.ndarray, after: Frame, mine: np.ndarray) -> bool:
    """Whether the faces at two boxes ((4,) px) look alike, pixel by pixel."""
    one, other = _face(before, its), _face(after, mine)
    return one is not None and other is not None and likeness(one, other) >= FACE_ALIKE


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """-1..1: how two small grey pictures go together, whatever their brightness and contrast; 1 for two even ones."""
    one, other = one - one.mean(), other - other.mean()
    contrasts = math.sqrt(float((one * one).mean())), math.sqrt(float((other * other).mean()))
    if min(contrasts) < LEAST_CONTRAST:
        return 1.0 if max(contrasts) < LEAST_CONTRAST else 0.0
    return float((one * other).mean()) / (contrasts[0] * contrasts[1])


def _changed(one: np.ndarray, other: np.ndarray) -> float:
    """0..1: the share of a small grey picture that is another."""
    return float((np.abs((one - one.mean()) - (other - other.mean())) > CHANGED_BY).mean())


def _shrunk(grey: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(rows, columns) float32, each the mean of its part of the picture, nearly; of a large picture not every pixel is asked. One of that
    very size is the answer itself.
    """
    if grey.shape == (size[1], size[0]):
        return grey.astype(np.float32)
    columns, rows = size[0] * SAMPLES, size[1] * SAMPLES
    skip = max(min(grey.shape[0] // rows, grey.shape[1] // columns), 1)
    thin = cv2.resize(np.ascontiguousarray(grey[::skip, ::skip]), (columns, rows), interpolation=cv2.INTER_LINEAR)
    return cv2.resize(thin, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _face(frame: Frame, box: np.ndarray) -> np.ndarray | None:
    limits = frame.width, frame.height, frame.width, frame.height
    x1, y1, x2, y2 = np.clip(np.rint(box), 0, limits).astype(int).tolist()
    if x2 - x1 < 2 or y2 - y1 < 2:
        return None
    return _shrunk(frame.part(x1, y1, x2, y2)[..., 1], (FACE_PX, FACE_PX))
