"""Faces and a status line as ink, and on a picture. Pure: the picture handed in stays as it is."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from stream.drawing.ink import Ink
from stream.faces import Analysis, Face

Color = tuple[int, int, int]
Area = tuple[int, int, int, int]

PALETTE: tuple[Color, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
    (0, 114, 178),
    (0, 158, 115),
)
"""RGB, one per label: the colours of Okabe and Ito, which colour-blind people tell apart too; here the ones that differ most come first."""

UNLABELLED: Color = (0, 158, 115)
DARK: Color = (0, 0, 0)
LIGHT: Color = (255, 255, 255)

SMALLEST_TEXT_PX = 9
"""Height of the smallest letters still legible on a screen (looked at: 8 is not)."""
TEXT_SHARE = 1 / 36
"""Letter size relative to the picture's short side: 20 px at 720p (looked at from 64×64 to 8000×6000)."""
LINE_SHARE = 1 / 240
"""Line width relative to the short side: 3 px at 720p, and 2 at 360p, below which 4:2:0 video washes the colour out (looked at)."""
TEXT_WEIGHT = 500
"""Of the built-in font, 100 thin to 900 black: half-bold stays legible when small."""
SMALLEST_WITH_LANDMARKS_PX = 24
"""Below this size five dots hide the face (looked at)."""


def draw(image: np.ndarray, analysis: Analysis, status_line: str = "") -> np.ndarray:
    """The picture with a box, a label, a probability and a track number for each face, and the status line at its foot.

    A face's words are `#track label percent`; a face without label has its score (0.98) in place of them. Where faces crowd, words
    that would cover other words are shortened, moved or left out, the largest faces coming first; each face keeps its box.

    Args:
        image: (H, W, 3) uint8 RGB of any size; not changed.
        analysis: the faces of this moment.
        status_line: one line of text; none if empty.

    Returns:
        A new (H, W, 3) uint8 RGB array, writeable.
    """
    picture = np.array(image, order="C")
    height, width = picture.shape[:2]
    for ink in inked(width, height, analysis, status_line):
        ink.on_rgb(picture)
    return picture


def inked(width: int, height: int, analysis: Analysis, status_line: str = "") -> list[Ink]:
    """What `draw` draws on a picture of this size, in the order of drawing; nothing where there is nothing to see."""
    short = min(width, height)
    line = max(1, round(short * LINE_SHARE))
    size = max(SMALLEST_TEXT_PX, round(short * TEXT_SHARE))
    visible = [(face, area) for face in analysis.faces if (area := _visible(face.box, width, height))]
    visible.sort(key=lambda pair: -_surface(pair[1]))
    inks: list[Ink] = []
    for face, area in reversed(visible):  # large ones last, so that their lines stay whole
        inks += _box(face, area, line, width, height)
    taken = []
    if status_line:
        status = _status(status_line, size, width, height)
        inks.append(status)
        taken.append((0, status.top, width, height))
    inks += _words(visible, taken, size, width, height)
    return inks


def color_of(face: Face) -> Color:
    """The colour of the face's label: by its place among the classifier's labels, so that two of one model differ."""
    if face.label is None:
        return UNLABELLED
    labels = list(face.probabilities)
    place = labels.index(face.label) if face.label in labels else zlib.crc32(face.label.encode())
    return PALETTE[place % len(PALETTE)]


def words_of(face: Face) -> tuple[str, ...]:
    """What is written at a face, the longest form first."""
    number = f"#{face.track} " if face.track else ""
    if face.label is None:
        certainty = f"{face.score:.2f}"
        return (number + certainty, certainty) if number else (certainty,)
    label = " ".join("".join(c if c.isprintable() else " " for c in face.label).split())
    percent = "" if face.probability is None else f"{face.probability:.0%}"
    forms = (f"{number}{label} {percent}", f"{number}{percent}", percent or number)
    return tuple(dict.fromkeys(form for form in map(str.strip, forms) if form))


def _visible(box: np.ndarray, width: int, height: int) -> Area | None:
    """The part of a box that lies in the picture, in whole pixels, half-open; None if there is none."""
    if not np.isfinite(box).all():
        return None
    x1, y1, x2, y2 = np.clip(np.rint(box), 0, (width, height, width, height)).astype(int).tolist()
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def _box(face: Face, area: Area, line: int, width: int, height: int) -> Iterator[Ink]:
    """The frame around a face and its landmarks, with a dark rim that keeps them visible on any ground."""
    x1, y1, x2, y2 = area
    smaller = min(x2 - x1, y2 - y1)
    line = max(1, min(line, smaller // 10))
    rim = line + 2 * max(1, line // 3) if smaller >= SMALLEST_WITH_LANDMARKS_PX else line
    color = color_of(face)
    for place in _sides(area, rim // 2 + 1, width, height):
        ink, opacity = _blank(place)
        corners = (x1 - place[0], y1 - place[1]), (x2 - 1 - place[0], y2 - 1 - place[1])
        cv2.rectangle(ink, *corners, color, line)
        cv2.rectangle(opacity, *corners, (255,), rim)
        yield Ink(place[0], place[1], ink, opacity)
    if smaller < SMALLEST_WITH_LANDMARKS_PX or not np.isfinite(face.landmarks).all():
        return
    radius = max(1, min(line, smaller // 30))
    outer = radius + max(1, radius // 3)
    for x, y in np.rint(np.clip(face.landmarks, -1e6, 1e6)).astype(int).tolist():  # far outside is outside: cv2 counts in 32 bits
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


def _words(visible: list[tuple[Face, Area]], taken: list[Area], size: int, width: int, height: int) -> Iterator[Ink]:
    """The words of each face, at the first place where they hide no other words and, if there is one, no other face."""
    areas = np.array([area for _, area in visible]).reshape(-1, 4)
    for number, (face, area) in enumerate(visible):
        others = np.delete(areas, number, axis=0)
        second_best = None
        for patch, place in _candidates(face, area, size, width, height):
            if _overlaps(place, np.array(taken).reshape(-1, 4)):
                continue
            if not _overlaps(place, others):
                break
            second_best = second_best or (patch, place)
        else:
            if second_best is None:
                continue
            patch, place = second_best
        taken.append(place)
        yield Ink(place[0], place[1], patch)


def _candidates(face: Face, area: Area, size: int, width: int, height: int) -> Iterator[tuple[np.ndarray, Area]]:
    """Words and places for them, the best first: long before short; above the box, below it, inside at its head."""
    x1, y1, x2, y2 = area
    smaller = max(SMALLEST_TEXT_PX, min(size, (x2 - x1) // 4))  # a small face among many has small words
    color = color_of(face)
    for words in words_of(face):
        for letters in dict.fromkeys((smaller, max(SMALLEST_TEXT_PX, smaller * 2 // 3))):
            patch = _patch(words, letters, color)
            rows, columns = patch.shape[:2]
            if columns > width or rows > height:
                continue
            left = min(x1, width - columns)
            for top in (y1 - rows, y2, y1):
                if 0 <= top <= height - rows:
                    yield patch, (left, top, left + columns, top + rows)


def _status(text: str, size: int, width: int, height: int) -> Ink:
    """The line at the foot on a half-transparent band; smaller letters, then fewer, until it fits."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    letters = letters_of(text, size)
    if letters.shape[1] > width:
        size = max(SMALLEST_TEXT_PX, int(size * width / letters.shape[1]))
        letters = letters_of(text, size)
    keep = len(text) * width // letters.shape[1]
    while letters.shape[1] > width and keep > 0:
        letters = letters_of(text[:keep].rstrip() + "…", size)
        keep -= 1
    letters = letters[-height:, :width]
    rows, columns = letters.shape
    opacity = np.full((rows, width), 127, np.uint8)  # of the band: half black
    opacity[:, :columns] += letters // 2 + (letters & 1)  # white letters over it: 255 where they are opaque
    color = np.zeros((rows, width, 3), np.uint8)
    color[:, :columns] = np.rint(letters * (255.0 / np.maximum(opacity[:, :columns], letters)))[..., None]
    return Ink(0, height - rows, color, opacity)


@lru_cache(maxsize=512)
def _patch(words: str, size: int, color: Color) -> np.ndarray:
    """Words on a ground of the face's colour: (rows, columns, 3) uint8."""
    letters = letters_of(words, size)
    patch = np.empty((*letters.shape, 3), np.uint8)
    patch[:] = color
    _blend(patch, letters, _contrast(color))
    patch.flags.writeable = False
    return patch


def _blend(ground: np.ndarray, letters: np.ndarray, color: Color) -> None:
    opacity = letters[..., None].astype(np.float32) / 255
    ground[:] = np.rint(ground + (np.array(color, np.float32) - ground) * opacity)


def _contrast(color: Color) -> Color:
    """Black or white, whichever stands out more (relative luminance as in WCAG 2, where 0.179 is the turning point)."""
    linear = (np.array(color) / 255) ** 2.2
    return DARK if linear @ (0.2126, 0.7152, 0.0722) > 0.179 else LIGHT


_font_in_use = threading.Lock()
"""OpenCV's fonts do not say that two threads may use one."""


@lru_cache(maxsize=512)
def letters_of(text: str, size: int) -> np.ndarray:
    """How opaque each pixel of a line of text is: (rows, columns) uint8, with a margin. Any Unicode: the font is inside OpenCV 5."""
    margin = max(1, size // 5)
    with _font_in_use:
        font = _font()
        x, _, columns, _ = cv2.getTextSize((0, 0), text, (0, 0), font, size, TEXT_WEIGHT)
        letters = np.zeros((round(1.3 * size) + margin, max(1, columns + x) + 2 * margin), np.uint8)
        cv2.putText(letters, text, (margin, size + margin // 2), (255.0,), font, size, TEXT_WEIGHT)
    letters.flags.writeable = False
    return letters


@lru_cache(maxsize=1)
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


def _surface(area: Area) -> int:
    return (area[2] - area[0]) * (area[3] - area[1])


def _overlaps(place: Area, areas: np.ndarray) -> bool:
    """Whether a place shares a pixel with any of (N, 4) areas."""
    x1, y1, x2, y2 = place
    return bool(((areas[:, 0] < x2) & (areas[:, 2] > x1) & (areas[:, 1] < y2) & (areas[:, 3] > y1)).any())
