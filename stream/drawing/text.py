"""Words as opacity: any Unicode, from the font inside OpenCV."""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np

from stream.drawing.ink import Color
from stream.media import cv2
from stream.names import printable

DARK: Color = (0, 0, 0)
LIGHT: Color = (255, 255, 255)
SMALLEST_TEXT_PX = 9
"""Height of the smallest letters still legible on a screen (looked at: 8 is not)."""
TEXT_WEIGHT = 500
"""Of the built-in font, 100 thin to 900 black: half-bold stays legible when small."""


@lru_cache(maxsize=512)
def patch_of(words: str, size: int, color: Color) -> np.ndarray:
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
    text = printable(text)
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
