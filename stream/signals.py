"""Ctrl-C and SIGTERM."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from stream.errors import INTERRUPTED

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


def break_off() -> None:
    """End the program at once. Recordings play up to their last second, events are whole: both are on the disk as they come."""
    with suppress(OSError):
        if os.isatty(2):
            os.write(2, SHOW_CURSOR)  # a bar hides it
    os._exit(INTERRUPTED)
