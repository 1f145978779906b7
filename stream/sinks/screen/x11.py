"""What OpenCV's windows need of an X server and do not ask themselves: the screen's size, and to be told that they are mapped."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

MAP_NOTIFY = 19
STRUCTURE_NOTIFY_MASK = 1 << 17
XA_CARDINAL = 6


class _MapEvent(ctypes.Structure):
    """XMapEvent of Xlib.h, as long as an XEvent."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("event", ctypes.c_ulong),
        ("window", ctypes.c_ulong),
        ("override_redirect", ctypes.c_int),
        ("rest", ctypes.c_long * 24),
    )


def screen_size() -> tuple[int, int] | None:
    """Width and height of the screen in pixels; None where no X server answers."""
    with _connection() as (x11, display):
        return (x11.XDisplayWidth(display, 0), x11.XDisplayHeight(display, 0)) if display else None


def say_mapped() -> None:
    """Tell this process's windows once more that they are on the screen.

    Qt 5, inside OpenCV's wheel, paints only once it has heard so, and now and then loses what the server sends while it starts: without
    a window manager, one window in ten stayed black for good. Hearing it twice costs one painting. Does nothing where no X server answers.
    """
    with _connection() as (x11, display):
        for window in _top_windows(x11, display) if display else []:
            if _pid(x11, display, window) == os.getpid():
                event = _MapEvent(type=MAP_NOTIFY, event=window, window=window)
                x11.XSendEvent(display, ctypes.c_ulong(window), 0, ctypes.c_long(STRUCTURE_NOTIFY_MASK), ctypes.byref(event))


def _top_windows(x11: Any, display: ctypes.c_void_p) -> list[int]:
    """The children of the root: the programs' own windows where no window manager put frames around them."""
    root, parent, count = ctypes.c_ulong(), ctypes.c_ulong(), ctypes.c_uint()
    children = ctypes.POINTER(ctypes.c_ulong)()
    top = ctypes.c_ulong(x11.XDefaultRootWindow(display))
    if not x11.XQueryTree(display, top, *map(ctypes.byref, (root, parent, children, count))) or not children:
        return []
    windows = children[: count.value]
    x11.XFree(children)
    return windows


def _pid(x11: Any, display: ctypes.c_void_p, window: int) -> int | None:
    """The process that a window says it belongs to."""
    kind, size, count, rest = ctypes.c_ulong(), ctypes.c_int(), ctypes.c_ulong(), ctypes.c_ulong()
    value = ctypes.POINTER(ctypes.c_ulong)()
    pid = ctypes.c_ulong(x11.XInternAtom(display, b"_NET_WM_PID", 0))
    wanted = (ctypes.c_long(0), ctypes.c_long(1), 0, ctypes.c_ulong(XA_CARDINAL))
    x11.XGetWindowProperty(display, ctypes.c_ulong(window), pid, *wanted, *map(ctypes.byref, (kind, size, count, rest, value)))
    if not value:
        return None
    found = value[0] if count.value else None
    x11.XFree(value)
    return found


@contextmanager
def _connection() -> Iterator[tuple[Any, ctypes.c_void_p]]:
    """Xlib and a connection of its own; a null pointer where there is no X server."""
    try:
        x11 = _xlib()
    except OSError:
        yield None, ctypes.c_void_p()
        return
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    try:
        yield x11, display
    finally:
        if display:
            x11.XCloseDisplay(display)


_ignore = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda _display, _error: 0)
"""An error handler of Xlib's; it must live as long as the process."""


@cache
def _xlib() -> Any:
    x11 = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XSetErrorHandler(_ignore)  # a window may go between two questions: by default Xlib then ends the process
    return x11
