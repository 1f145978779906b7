"""Reading what may hang for ever (a driver, a network) without hanging oneself.

The one place besides `feeds` and `pipeline` that starts a thread: no camera library lets another thread interrupt its calls.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from models.forks import forked_since, refuse_forked

T = TypeVar("T")

SLICE_S = 0.25
"""How long anything here waits before it looks whether it is still wanted; `close()` promises a second."""

FAREWELL_S = 0.6
"""How long to wait for the thread at the end. Nearly always it is done in a slice."""


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


def pumped(
    items: Callable[[threading.Event], Generator[T, None, None]], stop: threading.Event, ahead: int = 2
) -> Generator[T | None, None, None]:
    """The items of a generator that runs on a thread of its own, and None for each slice in which none came.

    That thread alone opens, reads and closes the device. Should it hang in there, it is left behind, and puts the device down by itself
    whenever its call comes back; being a daemon, it does not keep the program from ending.

    Args:
        items: makes the generator, which should end soon once the event that it is given is set.
        stop: ends this generator, within a slice.
        ahead: so many items at most wait to be taken.

    Raises:
        RuntimeError: this process was forked since: the thread is the parent's.
    """
    process = os.getpid()
    unwanted = threading.Event()
    handed: queue.Queue[T | _End] = queue.Queue(maxsize=ahead)
    thread = threading.Thread(target=_pump, args=(items, handed, unwanted), name="camera", daemon=True)
    thread.start()
    try:
        while not stop.is_set():
            refuse_forked(process, "what reads this source")
            try:
                item = handed.get(timeout=SLICE_S)
            except queue.Empty:
                yield None
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        if not forked_since(process):
            unwanted.set()
            thread.join(FAREWELL_S)


def _pump(items: Callable[[threading.Event], Generator[T, None, None]], handed: queue.Queue[T | _End], unwanted: threading.Event) -> None:
    try:
        with closing(items(unwanted)) as generator:
            for item in generator:
                if not _hand_over(item, handed, unwanted):
                    return
        end = _End(None)
    except BaseException as error:  # noqa: BLE001 - handed over to the thread that reads
        end = _End(error)
    _hand_over(end, handed, unwanted)


def _hand_over(item: T | _End, handed: queue.Queue[T | _End], unwanted: threading.Event) -> bool:
    while not unwanted.is_set():
        try:
            handed.put(item, timeout=SLICE_S)
        except queue.Full:
            continue
        return True
    return False
