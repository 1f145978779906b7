"""Faces and a status line as ink, and on a picture. Pure: the picture handed in stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.imaging.checked import checked_image
from stream.drawing.ink import Area, Ink
from stream.drawing.labels import color_of, placed_words, status_band, surface
from stream.drawing.mark import painted
from stream.drawing.text import SMALLEST_TEXT_PX
from stream.faces import PLACE_DIGITS, Analysis, Face
from stream.media import cv2

TEXT_SHARE = 1 / 36
"""Letter size relative to the picture's short side: 20 px at 720p (looked at from 64×64 to 8000×6000)."""
LINE_SHARE = 1 / 240
"""Line width relative to the short side: 3 px at 720p, and 2 at 360p, below which 4:2:0 video washes the colour out (looked at)."""
PREDICTED_THINNER = 2
"""The box of a face that nobody sees just now has a line so many times thinner."""
SMALLEST_WITH_LANDMARKS_PX = 24
"""Below this size five dots hide the face (looked at)."""


def draw(image: np.ndarray, analysis: Analysis, status_line: str = "") -> np.ndarray:
    """The picture with a box, a label, a probability and a track number for each face, and the status line at the bottom.

    A face's words are `#track label percent`; a face without label has its score (0.98) in place of them. Where faces crowd, words
    that would cover other words are shortened, moved or left out, the largest faces coming first; each face keeps its box.

    Args:
        image: (H, W, 3) uint8 RGB of any size; not changed.
        analysis: the faces of this moment.
        status_line: one line of text; none if empty.

    Returns:
        A new (H, W, 3) uint8 RGB array, writeable.
    """
    height, width = checked_image(image).shape[:2]
    return painted(image, inked(width, height, analysis, status_line))


def inked(width: int, height: int, analysis: Analysis, status_line: str = "", *, words: bool = True, landmarks: bool = True) -> list[Ink]:
    """What `draw` draws on a picture of this size, in the order of drawing: the usual `Style`."""
    short = min(width, height)
    line = max(1, round(short * LINE_SHARE))
    size = max(SMALLEST_TEXT_PX, round(short * TEXT_SHARE))
    visible = [(face, area) for face in analysis.faces if not face.hidden and (area := _visible(face.box, width, height))]
    visible.sort(key=lambda pair: -surface(pair[1]))
    inks: list[Ink] = []
    for face, area in reversed(visible):  # large ones last, so that their lines stay whole
        inks += _box(face, area, line, width, height, landmarks=landmarks)
    taken = []
    if status_line:
        status = status_band(status_line, size, width, height)
        inks.append(status)
        taken.append((0, status.top, width, height))
    if words:
        inks += placed_words(visible, taken, size, width, height)
    return inks


def _visible(box: np.ndarray, width: int, height: int) -> Area | None:
    """The part of a box that lies in the picture, in whole pixels, half-open; None if there is none."""
    if not np.isfinite(box).all():
        return None
    x1, y1, x2, y2 = np.clip(_whole(box), 0, (width, height, width, height)).astype(int).tolist()
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def _whole(places: np.ndarray) -> np.ndarray:
    """Whole pixels, by way of the tenths that events have."""
    return np.rint(np.round(places.astype(np.float64), PLACE_DIGITS))


def _box(face: Face, area: Area, line: int, width: int, height: int, *, landmarks: bool) -> Iterator[Ink]:
    """The frame around a face and its landmarks, with a dark rim that keeps them visible on any ground."""
    x1, y1, x2, y2 = area
    smaller = min(x2 - x1, y2 - y1)
    line = max(1, min(line, smaller // 10))
    if face.state == "predicted":
        line = max(1, line // PREDICTED_THINNER)
    rim = line + 2 * max(1, line // 3) if smaller >= SMALLEST_WITH_LANDMARKS_PX else line
    color = color_of(face)
    for place in _sides(area, rim // 2 + 1, width, height):
        ink, opacity = _blank(place)
        corners = (x1 - place[0], y1 - place[1]), (x2 - 1 - place[0], y2 - 1 - place[1])
        cv2.rectangle(ink, *corners, color, line)
        cv2.rectangle(opacity, *corners, (255,), rim)
        yield Ink(place[0], place[1], ink, opacity)
    if not landmarks or smaller < SMALLEST_WITH_LANDMARKS_PX or not np.isfinite(face.landmarks).all():
        return
    radius = max(1, min(line, smaller // 30))
    outer = radius + max(1, radius // 3)
    for x, y in _whole(np.clip(face.landmarks, -1e6, 1e6)).astype(int).tolist():  # far outside is outside: cv2 counts in 32 bits
        for place in _inside((x - outer - 1, y - outer - 1, x + outer + 2, y + outer + 2), width, height):
            ink, opacity = _blank(place)
            cv2.circle(ink, (x - place[0], y - place[1]), radius, color, -1, cv2.LINE_AA)
            cv2.circle(opacity, (x - place[0], y - place[1]), outer, (255,), -1, cv2.LINE_AA)
            yield Ink(place[0], place[1], ink, opacity)


def _sides(area: Area, half: int, width: int, height: int) -> list[Area]:
    """Where the line of a box lies: its four sides, or all of a small box; cut at even pixels, where samples of colour begin."""
    x1, y1, x2, y2 = area
    left, top, right, bottom = (x1 - half) & ~1, (y1 - half) & ~1, (x2 + half + 1) & ~1, (y2 + half + 1) & ~1
    in_left, in_top, in_right, in_bottom = (x1 + half + 2) & ~1, (y1 + half + 2) & ~1, (x2 - half - 1) & ~1, (y2 - half - 1) & ~1
    places = [(left, top, right, bottom)]
    if in_left < in_right and in_top < in_bottom:
        above, below = (left, top, right, in_top), (left, in_bottom, right, bottom)
        places = [above, below, (left, in_top, in_left, in_bottom), (in_right, in_top, right, in_bottom)]
    return [inside for place in places for inside in _inside(place, width, height)]


def _inside(place: Area, width: int, height: int) -> list[Area]:
    """The part of a place that lies in the picture; none where it lies outside."""
    x1, y1, x2, y2 = max(0, place[0]), max(0, place[1]), min(width, place[2]), min(height, place[3])
    return [(x1, y1, x2, y2)] if x2 > x1 and y2 > y1 else []


def _blank(place: Area) -> tuple[np.ndarray, np.ndarray]:
    """Dark ink of no opacity yet, for drawing on."""
    rows, columns = place[3] - place[1], place[2] - place[0]
    return np.zeros((rows, columns, 3), np.uint8), np.zeros((rows, columns), np.uint8)
