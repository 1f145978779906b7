"""A screen that nobody looks at: what is on it, and a user's hand."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from tests.media import need
from tests.waiting import wait_for


@contextmanager
def x_server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A screen of 1280×720 pixels, with nothing on it: the DISPLAY to use, and its server."""
    ready, told = os.pipe()
    # a reset refuses whoever comes in its midst
    command = [need("Xvfb"), "-noreset", "-displayfd", str(told), "-screen", "0", "1280x720x24"]
    server = subprocess.Popen(command, pass_fds=[told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(told)
    with os.fdopen(ready) as answer:
        display = f":{answer.readline().strip()}"
    try:
        yield display, server
    finally:
        server.terminate()
        server.wait()


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
