"""A real window on a real X server: it shows the picture, and its user can end the show."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from stream.sinks.screen.window import display_available
from tests.screen import screenshot_when

for program in ("Xvfb", "xdotool", "import"):
    if shutil.which(program) is None:
        pytest.skip(f"missing program: {program}", allow_module_level=True)

SHOW = """
import sys, time
import numpy as np
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.sinks.result import Result
from stream.sinks.sink import StopAsked
from stream.sinks.screen.window import WindowSink

width, height, stale = map(int, sys.argv[1:])
image = np.full((height, width, 3), (200, 40, 90), np.uint8)
info = SourceInfo("cam0", live=True)
result = Result(Frame.of_image(image, source="cam0", captured_at=0.0), Analysis("cam0", 0, 0.0), info)
old = Result(result.frame, result.analysis, info, "no picture for 3 s")
sink = WindowSink("cam0")
sink.poll()
try:
    sink.write(result)
    print("shown", flush=True)
    while True:
        (sink.show_stale(old), sink.poll()) if stale else sink.write(result)
        time.sleep(0.02)
except StopAsked:
    sink.close()
    sink.close()
    print("stop asked", flush=True)
"""


@pytest.fixture
def show(screen: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a program that shows a picture until its user ends it."""
    started: list[subprocess.Popen[str]] = []

    def start(width: int = 640, height: int = 480, *, stale: bool = False) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SHOW, str(width), str(height), str(int(stale))]
        process = subprocess.Popen(command, env=on(screen), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "shown\n"
        return process

    yield start
    for process in started:
        process.kill()
        if process.stdout is not None and not process.stdout.closed:
            process.communicate()


def on(screen: str) -> dict[str, str]:
    environment = {key: value for key, value in os.environ.items() if key != "WAYLAND_DISPLAY"}
    return environment | {"DISPLAY": screen}


def xdotool(screen: str, *arguments: str) -> str:
    return subprocess.run(["xdotool", *arguments], env=on(screen), capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def window(screen: str) -> str:
    return xdotool(screen, "search", "--sync", "--onlyvisible", "--name", "cam0 - facestream").splitlines()[-1]


def ended(process: subprocess.Popen[str]) -> tuple[str, str, int]:
    printed, complaints = process.communicate(timeout=20)
    return printed, complaints, process.returncode


@pytest.mark.parametrize("key", ["q", "Escape"])
def test_a_key_ends_the_show(show: Callable[..., subprocess.Popen[str]], screen: str, key: str):
    process = show()
    xdotool(screen, "windowfocus", "--sync", window(screen))
    xdotool(screen, "key", key)
    assert ended(process) == ("stop asked\n", "", 0)


def test_no_key_but_q_and_escape_ends_the_show(show: Callable[..., subprocess.Popen[str]], screen: str):
    process = show()
    xdotool(screen, "windowfocus", "--sync", window(screen))
    for key in ("Left", "Up", "Home", "End", "Insert", "F1", "KP_Left", "KP_Home", "Shift_L", "Super_L", "Delete", "1", "x"):
        xdotool(screen, "key", key)
        time.sleep(0.1)  # so that each is looked at: of several OpenCV keeps the last
        assert process.poll() is None, key
    xdotool(screen, "key", "Q")
    assert ended(process) == ("stop asked\n", "", 0)


def test_the_close_button_ends_the_show(show: Callable[..., subprocess.Popen[str]], screen: str):
    process = show()
    press_close_button(screen, int(window(screen)))
    assert ended(process) == ("stop asked\n", "", 0)


def test_the_picture_is_on_the_screen_whole_and_in_its_colours(show: Callable[..., subprocess.Popen[str]], screen: str, tmp_path: Path):
    process = show(1920, 1080)
    name = window(screen)
    pixels = screenshot_when(screen, tmp_path / "screen.png", lambda pixels: (pixels == (200, 40, 90)).all(axis=2).mean() > 0.7)
    shown = np.argwhere((pixels == (200, 40, 90)).all(axis=2))
    height, width = shown.max(axis=0) - shown.min(axis=0) + 1
    assert width / height == pytest.approx(16 / 9, abs=0.02)
    assert width > 1000
    xdotool(screen, "windowsize", "--sync", name, "400", "300")
    screenshot_when(screen, tmp_path / "screen.png", lambda pixels: 0.05 < (pixels == (200, 40, 90)).all(axis=2).mean() < 0.2)
    process.kill()


@pytest.mark.parametrize(("size", "expected"), [((8000, 100), (1152, 120)), ((100, 8000), (320, 648)), ((16, 16), (320, 320))])
def test_a_very_long_picture_has_a_window_that_one_can_take_hold_of(
    show: Callable[..., subprocess.Popen[str]], screen: str, size, expected
):
    process = show(*size)
    wide, high = expected
    assert f"Geometry: {wide}x{high}" in xdotool(screen, "getwindowgeometry", window(screen))
    process.kill()


@pytest.mark.slow
def test_a_window_shows_its_picture_at_each_of_many_starts(show: Callable[..., subprocess.Popen[str]], screen: str, tmp_path: Path):
    for _ in range(10):  # one in ten stayed black before `x11.say_mapped`
        process = show()
        screenshot_when(screen, tmp_path / "screen.png", lambda pixels: (pixels == (200, 40, 90)).all(axis=2).mean() > 0.2)
        process.kill()
        process.communicate()


def test_a_stale_picture_says_so(show: Callable[..., subprocess.Popen[str]], screen: str, tmp_path: Path):
    show(stale=True)
    window(screen)
    # the status line has a dark band
    screenshot_when(screen, tmp_path / "screen.png", lambda pixels: (pixels == (100, 20, 45)).all(axis=2).sum() > 1000)


def test_a_display_is_found_where_there_is_one(screen: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", screen)
    assert display_available() == (True, "")
    monkeypatch.setenv("DISPLAY", ":4711")
    assert display_available() == (False, "the display :4711 cannot be opened")
    monkeypatch.delenv("DISPLAY")
    assert display_available() == (False, "there is no display (DISPLAY and WAYLAND_DISPLAY are not set)")


def press_close_button(screen: str, window_id: int) -> None:
    """What a window manager sends when its user clicks on the cross (there is no window manager here)."""

    class ClientMessage(ctypes.Structure):
        _fields_ = (
            ("type", ctypes.c_int),
            ("serial", ctypes.c_ulong),
            ("send_event", ctypes.c_int),
            ("display", ctypes.c_void_p),
            ("window", ctypes.c_ulong),
            ("message_type", ctypes.c_ulong),
            ("format", ctypes.c_int),
            ("data", ctypes.c_long * 5),
            ("rest", ctypes.c_long * 24),
        )

    x11 = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x11.XOpenDisplay(screen.encode()))
    protocols = x11.XInternAtom(display, b"WM_PROTOCOLS", 0)
    delete = x11.XInternAtom(display, b"WM_DELETE_WINDOW", 0)
    message = ClientMessage(33, 0, 1, display, window_id, protocols, 32, (ctypes.c_long * 5)(delete))
    x11.XSendEvent(display, ctypes.c_ulong(window_id), 0, ctypes.c_long(0), ctypes.byref(message))
    x11.XCloseDisplay(display)
