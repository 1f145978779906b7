"""A key is what is printed on it, on every system; none that moves, shifts or does something of its own is taken for a letter."""

from __future__ import annotations

import pytest

from stream.sinks.screen.keys import BACK, key_of


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (-1, ""),
        (ord("q"), "q"),
        (ord("Q"), "Q"),
        (0x100071, "q"),  # GTK, with Num Lock
        (0x10051, "Q"),  # GTK, with Shift
        (27, "\x1b"),
        (0x10FF1B, "\x1b"),
        (32, " "),
        (13, "\r"),
        (10, "\r"),
        (0xFF8D, "\r"),  # the keypad's Enter
        (0xFFB3, "3"),
        (0xFF51, "left"),
        (0x10FF51, "left"),
        (0xFF53, "right"),
        (0xFF96, "left"),  # the keypad without Num Lock
        (0x250000, "left"),  # Windows
        (0x270000, "right"),
        (0xF702, "left"),  # macOS
        (0xF703, "right"),
        (0x6CA, chr(0x6CA)),  # a letter of another script
        (ord("Ä") - 0x100, "Ä"),  # Qt: a signed byte
    ],
)
def test_a_key_is_known_on_every_system(code: int, key: str) -> None:
    assert key_of(code) == key


LIKE_LETTERS = [0xFF50, 0xFF57, 0xFF63, 0xFF31, 0xFF33, 0xFF71, 0xFFBE, 0xFFC9, 0xFFE1, 0xFFE9, 0xFF7F, 0xFFFF, 0x240000, 0xF729]
"""Home, End, Insert, Hangul, F1, F12, Shift, Alt, Super, Num Lock, Delete ..."""


@pytest.mark.parametrize("code", LIKE_LETTERS)
def test_a_key_that_types_nothing_means_nothing(code: int) -> None:
    assert key_of(code) == "" or not key_of(code).isascii()


SHIFTING = {0xFE03: "AltGr", 0xFE08: "next layout", 0xFE51: "dead acute", 0xFE57: "dead diaeresis", 0xFD1E: "3270's Enter"}
MULTIMEDIA = {0x1008FF1B: "search", 0x1008FFB2: "microphone off", 0x1008FF56: "close", 0x1008FF52: "book", 0x1008FF20: "calendar"}
OF_MAKERS = {0x1000FF71: "HP", 0x1005FF72: "Sun"}


@pytest.mark.parametrize("code", SHIFTING | MULTIMEDIA | OF_MAKERS)
def test_a_key_that_shifts_or_asks_the_desktop_for_something_does_nothing_to_a_window(code: int) -> None:
    assert key_of(code) == ""


def test_no_key_above_the_letters_quits_or_shows_a_camera() -> None:
    special = {key_of(code) for code in range(0xFF00, 0x10000) if not 0xFFB0 <= code <= 0xFFB9} - {"\x1b", "\r", "\b", " "}
    assert special == {"", "left", "right", "up", "down", "page up", "page down"}
    assert {"left", "up", "page up"} < BACK
