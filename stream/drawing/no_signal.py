"""What is shown in place of a camera's picture while none comes. For eyes only: no model and no file ever gets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from stream.drawing.text import SMALLEST_TEXT_PX, letters_of

GROUND = 26
"""Grey of the card, 0 to 255: darker than a night picture, lighter than a screen that is off (looked at)."""
HEAD, FOOT = 240, 170
"""Grey of NO SIGNAL and of the lines below."""
HEAD_SHARE, FOOT_SHARE = 1 / 7, 1 / 20
"""Letter sizes relative to the short side (looked at from 160×120 to 1920×1080)."""
USUAL_SIZE = (640, 360)
"""Width and height in pixels of a camera that has not answered yet."""


def no_signal(width: int, height: int, silent_s: float, cause: str = "", *, now: datetime | None = None) -> np.ndarray:
    """A dark picture that says since when there is no signal, for how long, and why.

    Args:
        width: pixels; 0 where the camera's size is not known.
        silent_s: seconds since its last picture, or since it was first asked for one.
        cause: in a few words.
        now: the local time; the clock's if None.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    width, height = (width, height) if width and height else USUAL_SIZE
    now = now or datetime.now(UTC).astimezone()
    since = now - timedelta(seconds=silent_s)
    words = f"since {since:{'%H:%M:%S' if since.date() == now.date() else '%Y-%m-%d %H:%M:%S'}} ({span(silent_s)})"
    lines = [_fitting("NO SIGNAL", HEAD_SHARE, width, height), _fitting(words, FOOT_SHARE, width, height)]
    if cause:
        lines.append(_fitting(cause, FOOT_SHARE, width, height))
    card = np.full((height, width, 3), GROUND, np.uint8)
    top = max(0, (height - sum(len(letters) for letters in lines)) // 2)
    for letters, grey in zip(lines, (HEAD, FOOT, FOOT), strict=False):
        letters = letters[: height - top]
        rows, columns = letters.shape
        left = (width - columns) // 2
        card[top : top + rows, left : left + columns] = (GROUND + letters / 255.0 * (grey - GROUND))[..., None].round()
        top += rows
    return card


def span(seconds: float) -> str:
    """A time in words that grow with it: 12 s, 3 min 05 s, 2 h 07 min, 3 d 04 h."""
    whole = int(seconds)
    for unit, smaller, size, parts in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // parts:02} {smaller}"
    return f"{whole} s"


def _fitting(text: str, share: float, width: int, height: int) -> np.ndarray:
    """A line no wider than the picture, as `letters_of` gives it; cut where even the smallest letters are too many."""
    size = max(SMALLEST_TEXT_PX, round(min(width, height) * share))
    letters = letters_of(text, size)
    if letters.shape[1] > width:
        letters = letters_of(text, max(SMALLEST_TEXT_PX, int(size * width / letters.shape[1])))
    return letters[:, :width]
