"""A line of text as opacity, in scripts that matplotlib's font lacks and in those that run from right to left, too."""

from __future__ import annotations

import unicodedata
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from models.forks import lock_free_after_forks
from models.imaging.portrait import matplotlib_data

_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_lock = lock_free_after_forks()
"""Neither OpenCV's fonts nor Pillow's say that two threads may use one."""


def runs_right_to_left(text: str) -> bool:
    """Whether some of it does, as Hebrew and Arabic do: OpenCV would set each letter after the last, and join none."""
    return not text.isascii() and any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in text)


def letters(text: str, size_px: int, weight: int = 400) -> np.ndarray:
    """How opaque each pixel of a line of text is.

    Args:
        size_px: of the letters.
        weight: 100 thin to 900 black; of what runs from right to left there is one weight.

    Returns:
        (rows, columns) uint8. The line stands on row `size_px`; below are round(0.3 * size_px) rows.
    """
    rows = size_px + round(0.3 * size_px)
    with _lock:
        font = _joining_font(size_px) if runs_right_to_left(text) else None
        if font is not None:
            columns = max(int(np.ceil(font.getlength(text, direction="ltr"))), 1)
            line = Image.new("L", (columns, rows))
            ImageDraw.Draw(line).text((0, size_px), text, fill=255, font=font, anchor="ls", direction="ltr")
            return np.array(line)
        own = _font()
        x, _, columns, _ = cv2.getTextSize((0, 0), text, (0, 0), own, size_px, weight)
        opacity = np.zeros((rows, max(1, columns + x)), np.uint8)
        cv2.putText(opacity, text, (0, size_px), (255.0,), own, size_px, weight)
    return opacity


@cache
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")


@cache
def _joining_font(size_px: int) -> ImageFont.FreeTypeFont | None:
    """One that has Hebrew and Arabic, and sets them as they are read; None where Pillow cannot."""
    place = matplotlib_data() / "fonts" / "ttf" / "DejaVuSans.ttf"
    if not features.check("raqm") or not place.is_file():
        return None
    return ImageFont.truetype(str(place), size_px, layout_engine=ImageFont.Layout.RAQM)
