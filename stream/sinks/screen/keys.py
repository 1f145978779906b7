"""Which key was pressed: OpenCV gives each system's own number."""

from __future__ import annotations

ESCAPE, ENTER, BACKSPACE, SPACE = "\x1b", "\r", "\b", " "
LEFT, RIGHT, UP, DOWN, PAGE_UP, PAGE_DOWN = "left", "right", "up", "down", "page up", "page down"

BACK = frozenset({LEFT, UP, PAGE_UP, BACKSPACE})

_X11 = {0x51: LEFT, 0x52: UP, 0x53: RIGHT, 0x54: DOWN, 0x55: PAGE_UP, 0x56: PAGE_DOWN, 0x1B: ESCAPE, 0x0D: ENTER, 0x08: BACKSPACE}
_X11 |= {0x96: LEFT, 0x97: UP, 0x98: RIGHT, 0x99: DOWN, 0x9A: PAGE_UP, 0x9B: PAGE_DOWN, 0x8D: ENTER, 0x80: SPACE}
_X11 |= {0xB0 + digit: str(digit) for digit in range(10)}
"""Above 0xFF00, as keysymdef.h has them; the second and third row are the keypad's."""
_OF_MAKERS = 0x10
"""Highest byte of keys that X11 leaves to makers: search, microphone off, louder. Their lowest bytes are those of Escape and digits."""
_WINDOWS = {0x25: LEFT, 0x26: UP, 0x27: RIGHT, 0x28: DOWN, 0x21: PAGE_UP, 0x22: PAGE_DOWN}
"""Virtual keys, in the third byte."""
_MACOS = {0xF702: LEFT, 0xF703: RIGHT, 0xF700: UP, 0xF701: DOWN, 0xF72C: PAGE_UP, 0xF72D: PAGE_DOWN, 0x7F: BACKSPACE}


def key_of(code: int) -> str:
    """The letter, digit or sign that was typed, or the name of one of the keys above; empty for all others, and where none was pressed.

    Args:
        code: what `cv2.waitKeyEx` gives: -1 for none. Its lowest byte alone means nothing: the left arrow's (0xFF51) is that of Q.
    """
    if code == -1 or code >> 24 == _OF_MAKERS:
        return ""
    if code < 0:
        code &= 0xFF  # Qt gives what is above ASCII as a signed byte
    if not code & 0xFFFF:
        return _WINDOWS.get(code >> 16, "")
    code &= 0xFFFF  # above are Shift, Num Lock and the like
    if code >> 8 == 0xFF:
        return _X11.get(code & 0xFF, "")
    if code in _MACOS:
        return _MACOS[code]
    letter = chr(code) if code < 0xD800 else ""  # above are AltGr, dead keys and the like: 0xFD00 and 0xFE00 on X11
    return {"\n": ENTER}.get(letter, letter if letter.isprintable() or letter in (ESCAPE, ENTER, BACKSPACE) else "")
