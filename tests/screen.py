"""A screen that nobody looks at: what is on it, and a user's hand."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.media import need
from tests.waiting import wait_for


def screenshot(display: str, path: Path) -> np.ndarray:
    """(height, width, 3) uint8 RGB; also written to `path`."""
    subprocess.run([need("import"), "-display", display, "-window", "root", path], check=True)
    return np.asarray(Image.open(path).convert("RGB"))


def screenshot_when(display: str, path: Path, wanted: Callable[[np.ndarray], object]) -> np.ndarray:
    """As soon as it looks as expected."""
    pixels = np.empty(0)

    def looks_right() -> object:
        nonlocal pixels
        pixels = screenshot(display, path)
        return wanted(pixels)

    wait_for(looks_right, but=lambda: "the screen never looked as expected")
    return pixels


def press(display: str, key: str) -> None:
    # no window manager: the key goes to the window under the pointer
    subprocess.run([need("xdotool"), "mousemove", "100", "100", "key", key], env=os.environ | {"DISPLAY": display}, check=True)
