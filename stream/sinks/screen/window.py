"""Results in a window on the screen."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import cache

import numpy as np

from stream.errors import SinkError
from stream.media import cv2
from stream.names import printable
from stream.sinks.result import Result
from stream.sinks.screen import x11
from stream.sinks.screen.keys import BACK, ESCAPE, key_of
from stream.sinks.screen.server import Server
from stream.sinks.sink import StopAsked

NO_KEY = ""
PROBE_S = 10
"""Longest time that a screen may take to show a trial window (remote ones are slow)."""

SCREEN_SHARE = 0.9
"""How much of the screen a new window may cover: its title bar and the desktop's own bars need the rest."""
PAGES_KEPT = 20
"""So many pictures back one can leaf (a guess): at most 125 MB on a screen of 1920×1080."""
SMALLEST_PX = (320, 120)
"""Least width and height of a new window: a smaller one has no room for its title and buttons, or is a line that nobody can grasp."""

TOLD_AFTER_S = (0.3, 1.0, 3.0)
"""When a new window is told that it is on the screen (`x11.say_mapped`): soon, and again for machines that start slowly (a guess)."""

_PROBE = "import cv2; cv2.namedWindow('facestream'); cv2.destroyAllWindows()"


def display_available() -> tuple[bool, str]:
    """Whether a window can be opened, and if not, why.

    Qt ends the whole process where the display is missing, without an exception. So on Linux another process tries first.
    """
    if sys.platform in ("win32", "darwin"):
        return True, ""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False, "there is no display (DISPLAY and WAYLAND_DISPLAY are not set)"
    return _probe(os.environ.get("DISPLAY", ""), os.environ.get("WAYLAND_DISPLAY", ""))


@cache
def _probe(x11: str, wayland: str) -> tuple[bool, str]:
    """Open a window in another process. 0.3 s; a server's socket alone would not tell whether it lets us in."""
    name = x11 or wayland
    try:
        done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, timeout=PROBE_S, check=False)
    except subprocess.TimeoutExpired:
        return False, f"the display {name} does not answer"
    if done.returncode == 0:
        return True, ""
    if b"not implemented" in done.stderr:
        return False, "this OpenCV is built without windows; install opencv-python in place of opencv-python-headless"
    return False, f"the display {name} cannot be opened"


class Window:
    """One window that can be resized. Use it on the main thread only: macOS aborts the process otherwise. Ask `display_available` first."""

    def __init__(self, title: str) -> None:
        self.is_open = False
        self._title = printable(title)
        self._name = f"{self._title} #{id(self)}"  # two cameras of one name have two windows
        self._made_for: tuple[int, int] | None = None
        """Width and height of the picture that the window's size was chosen for."""
        self._opened_at = 0.0
        self._times_told = 0
        self._server: Server | None = None

    def show(self, picture: np.ndarray, *, follow: bool = False) -> None:
        """Show (height, width, 3) uint8 BGR, OpenCV's order. The first picture opens the window.

        Args:
            follow: give the window a new size where the picture has one.

        Raises:
            SinkError: the screen has gone.
        """
        self._check()
        height, width = picture.shape[:2]
        if not self.is_open:
            cv2.namedWindow(self._name, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.setWindowTitle(self._name, f"{self._title} - facestream")
            self.is_open = True
            self._server = Server()
            self._opened_at = time.monotonic()
        if self._made_for is None or (follow and self._made_for != (width, height)):
            self._made_for = (width, height)
            cv2.resizeWindow(self._name, *_window_size(width, height))
        cv2.imshow(self._name, picture)

    def poll(self) -> str:
        """Handle what the user does to the window: the key pressed (`keys.key_of`), or `NO_KEY`.

        Raises:
            StopAsked: `q`, Escape or the close button.
            SinkError: the screen has gone.
        """
        if not self.is_open:
            return NO_KEY
        self._check()
        self._tell()
        key = key_of(cv2.waitKeyEx(1))  # handles the window's events too
        if key in ("q", "Q", ESCAPE) or self._was_closed():
            raise StopAsked
        return key

    def on_click(self, clicked: Callable[[int, int], None]) -> None:
        """Have `clicked(x, y)`, in pixels of the picture, called by `poll` at each click of the left button. Once the window is open."""
        cv2.setMouseCallback(self._name, lambda event, x, y, *_: clicked(x, y) if event == cv2.EVENT_LBUTTONDOWN else None)

    def close(self) -> None:
        """Close it. Any number of times."""
        if self.is_open:
            self.is_open = False
            if self._server is not None and self._server.has_gone():
                return
            if not self._was_closed():
                cv2.destroyWindow(self._name)
            cv2.waitKey(1)

    def _check(self) -> None:
        if self._server is not None and self._server.has_gone():
            raise SinkError(f"the display {os.environ.get('DISPLAY', '')} has gone, and its window with it")

    def _tell(self) -> None:
        due = self._times_told < len(TOLD_AFTER_S) and time.monotonic() - self._opened_at > TOLD_AFTER_S[self._times_told]
        if due and sys.platform == "linux":
            self._times_told += 1
            x11.say_mapped()

    def _was_closed(self) -> bool:
        try:
            return cv2.getWindowProperty(self._name, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error:  # the window is gone
            return True


class WindowSink:
    """Shows one source in a window. `q`, Escape and the close button end the show with `StopAsked`; any other key that is typed turns to
    the next picture, and the arrows turn both ways.

    Main thread only, as `Window` is.
    """

    def __init__(self, title: str) -> None:
        self.notes: list[str] = []
        self._window = Window(title)
        self._closed = False
        self._turned = False
        self._pages: deque[np.ndarray] = deque(maxlen=PAGES_KEPT)
        """The newest still pictures as they were shown, (height, width, 3) uint8 BGR."""
        self._back = 0
        """So many pages before the newest is what the user looks at."""

    def turned(self) -> bool:
        """Whether a key was pressed since this was last asked: the user wants the next picture."""
        turned, self._turned = self._turned, False
        return turned

    def write(self, result: Result) -> None:
        """Show a picture.

        Raises:
            StopAsked: the user wants to end.
        """
        if self._closed:
            return
        self._show(result)
        self.poll()

    def show_stale(self, result: Result) -> None:
        """Show what takes the place of a live picture that does not come."""
        if not self._closed:
            self._show(result)

    def poll(self) -> None:
        """Handle keys and the close button.

        Raises:
            StopAsked: the user wants to end.
        """
        key = self._window.poll()
        if key in BACK or (key != NO_KEY and self._back > 0):
            self._leaf(self._back + (1 if key in BACK else -1))
        elif key != NO_KEY:
            self._turned = True

    def close(self) -> None:
        """Close the window. Any number of times."""
        self._closed = True
        self._window.close()

    def _show(self, result: Result) -> None:
        picture = cv2.cvtColor(result.picture, cv2.COLOR_RGB2BGR)
        self._window.show(picture, follow=result.info.live)  # a camera may come back with another size
        if result.info.still:
            self._pages.append(_no_larger_than_the_screen(picture))
            self._back = 0

    def _leaf(self, back: int) -> None:
        """Show a page once more."""
        if 0 <= back < len(self._pages):
            self._back = back
            self._window.show(self._pages[-1 - back])


def _no_larger_than_the_screen(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = min(most / side for most, side in zip(screen_size(), (width, height), strict=True))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return picture if scale >= 1 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _window_size(width: int, height: int) -> tuple[int, int]:
    """The picture's size, made smaller to fit the screen and larger to have room for a title; a very long picture has room beside it."""
    room = [SCREEN_SHARE * side for side in screen_size()]
    scale = max(1.0, SMALLEST_PX[0] / width)
    scale = min(scale, room[0] / width, room[1] / height)
    wide, high = (max(side * scale, min(least, most)) for side, least, most in zip((width, height), SMALLEST_PX, room, strict=True))
    return round(wide), round(high)


USUAL_SCREEN = (1280, 720)
"""Assumed where the system does not tell: fits every laptop."""


def screen_size() -> tuple[int, int]:
    """Width and height in pixels, asked of the system: OpenCV does not know."""
    try:
        if sys.platform == "win32":
            metrics = ctypes.windll.user32.GetSystemMetrics
            return metrics(0), metrics(1)
        return x11.screen_size() or USUAL_SCREEN
    except (OSError, AttributeError):
        return USUAL_SCREEN
