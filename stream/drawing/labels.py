"""What is written at a face and in the status line, in which colour, and where there is room for it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from models.imaging.lettering import runs_right_to_left
from stream.drawing.ink import Area, Color, Ink
from stream.drawing.text import SMALLEST_TEXT_PX, letters_of, patch_of
from stream.faces import SHARE_DIGITS, UNKNOWN, Face

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
LEFT_TO_RIGHT = "\u200e"
"""A mark without a width: what follows a name in Hebrew or Arabic is none of it, and stands to its right."""
UNLABELLED: Color = (0, 158, 115)


def color_of(face: Face) -> Color:
    """The colour of the face's label: by its place among the classifier's labels, so that two of one model differ."""
    if face.label is None:
        return UNLABELLED
    labels = list(face.probabilities)
    place = labels.index(face.label) if face.label in labels else zlib.crc32(face.label.encode())
    return PALETTE[place % len(PALETTE)]


def words_of(face: Face) -> tuple[str, ...]:
    """What is written at a face, the longest form first. Who it is stands in place of the label, and no percentage beside it: how
    likely it is that this is the person nobody knows.
    """
    number = f"#{face.track} " if face.track else ""
    if face.person is not None:
        name = _printable(face.person.name or UNKNOWN)
        return (number + name, name) if number else (name,)
    if face.label is None:
        certainty = f"{round(float(face.score), SHARE_DIGITS):.2f}"
        return (number + certainty, certainty) if number else (certainty,)
    label = _printable(face.label)
    percent = "" if face.probability is None else f"{round(float(face.probability), SHARE_DIGITS):.0%}"
    forms = (f"{number}{label} {percent}" if label else "", f"{number}{percent}", percent or number)
    return tuple(dict.fromkeys(form for form in map(str.strip, forms) if form))


def _printable(words: str) -> str:
    """In one line, and so that what follows stands to its right."""
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return line + LEFT_TO_RIGHT if runs_right_to_left(line) else line


def placed_words(visible: list[tuple[Face, Area]], taken: list[Area], size: int, width: int, height: int) -> Iterator[Ink]:
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
            patch = patch_of(words, letters, color)
            rows, columns = patch.shape[:2]
            if columns > width or rows > height:
                continue
            left = min(x1, width - columns)
            for top in (y1 - rows, y2, y1):
                if 0 <= top <= height - rows:
                    yield patch, (left, top, left + columns, top + rows)


def status_band(text: str, size: int, width: int, height: int) -> Ink:
    """The status line on a half-transparent band at the bottom; smaller letters, then fewer, until it fits."""
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


def surface(area: Area) -> int:
    return (area[2] - area[0]) * (area[3] - area[1])


def _overlaps(place: Area, areas: np.ndarray) -> bool:
    """Whether a place shares a pixel with any of (N, 4) areas."""
    x1, y1, x2, y2 = place
    return bool(((areas[:, 0] < x2) & (areas[:, 2] > x1) & (areas[:, 1] < y2) & (areas[:, 3] > y1)).any())
