"""Ctrl-C and SIGTERM: none is lost."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from stream.errors import INTERRUPTED

_asked = threading.Event()
"""Inside `interruptible` the end has been asked for."""
BRITTLE = frozenset({"tensorflow", "keras"})
LATER_S = 0.05
"""After which it is asked again for an end that could not come at once."""
LONGEST_IMPORT_S = 1.5
"""After which an import is not waited for: in its midst there is nothing to finish."""
SHOW_CURSOR = b"\x1b[?25h\n"


@contextmanager
def on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Inside, the first signal calls `stop`; a second one ends the program at once."""
    said = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal said
        if said:
            break_off()
        said = True
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupted_after(stop: Callable[[], None] = lambda: None) -> Iterator[None]:
    """As `on_signal`, and a `KeyboardInterrupt` at the end: raised inside, it could be lost in what C calls back, as PyAV's `write`."""
    said = False

    def told() -> None:
        nonlocal said
        said = True
        stop()

    with on_signal(told):
        yield
    if said:
        raise KeyboardInterrupt


@contextmanager
def interruptible(brittle: Collection[str] = BRITTLE) -> Iterator[None]:
    """Inside, Ctrl-C and SIGTERM are a `KeyboardInterrupt`. Where Python drops it, as in a `__del__`, it comes again.

    Args:
        brittle: packages whose import is done first, or the program's end if that takes long: what C calls while they are loaded takes
            the exception for its own, or aborts the process.
    """

    asked_at = 0.0

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked_at
        asked_at = asked_at or time.monotonic()
        _asked.set()
        if not _is_importing(frame, brittle):
            raise KeyboardInterrupt
        if time.monotonic() - asked_at > LONGEST_IMPORT_S:
            break_off()
        _ask_again(number)

    def dropped(one: sys.UnraisableHookArgs) -> None:
        if issubclass(one.exc_type, KeyboardInterrupt):
            _ask_again(signal.SIGINT)
        else:
            before(one)

    _asked.clear()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    before, sys.unraisablehook = sys.unraisablehook, dropped
    try:
        yield
    finally:
        sys.unraisablehook = before


def _ask_again(number: int) -> None:
    later = threading.Timer(LATER_S, _thread.interrupt_main, [number])
    later.daemon = True
    later.start()


def is_interrupted() -> bool:
    """Whether, inside `interruptible`, the end has been asked for. What goes wrong from then on is what C made of the exception."""
    return _asked.is_set()


def check_interrupted() -> None:
    """
    Raises:
        KeyboardInterrupt: the user has asked for the end, and that got lost in a library written in C.
    """
    if is_interrupted():
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None, packages: Collection[str]) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__", "").partition(".")[0] in packages:
            return True
        frame = frame.f_back
    return False


def break_off() -> None:
    """End the program at once. Recordings play up to their last second, events are whole: both are on the disk as they come."""
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, SHOW_CURSOR)  # a bar hides it
    os._exit(INTERRUPTED)
