"""Words as opacity: any Unicode, from the font inside OpenCV."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from models.imaging.lettering import letters
from stream.drawing.ink import Color
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
    opacity = letters_of(words, size)
    patch = np.empty((*opacity.shape, 3), np.uint8)
    patch[:] = color
    _blend(patch, opacity, _contrast(color))
    patch.flags.writeable = False
    return patch


def _blend(ground: np.ndarray, opacity: np.ndarray, color: Color) -> None:
    ground[:] = np.rint(ground + (np.array(color, np.float32) - ground) * (opacity[..., None].astype(np.float32) / 255))


def _contrast(color: Color) -> Color:
    """Black or white, whichever stands out more (relative luminance as in WCAG 2, where 0.179 is the turning point)."""
    linear = (np.array(color) / 255) ** 2.2
    return DARK if linear @ (0.2126, 0.7152, 0.0722) > 0.179 else LIGHT


@lru_cache(maxsize=512)
def letters_of(text: str, size: int) -> np.ndarray:
    """How opaque each pixel of a line of text is: (rows, columns) uint8, with a margin. Any Unicode: the font is inside OpenCV 5."""
    text = printable(text)
    margin = max(1, size // 5)
    line = letters(text, size, TEXT_WEIGHT)
    opacity = np.zeros((round(1.3 * size) + margin, line.shape[1] + 2 * margin), np.uint8)
    shown = line[: len(opacity) - margin // 2]
    opacity[margin // 2 : margin // 2 + len(shown), margin : margin + line.shape[1]] = shown
    opacity.flags.writeable = False
    return opacity
