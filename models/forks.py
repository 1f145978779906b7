"""What has threads of its own does not survive a fork: the child has its memory, and none of the threads that would answer."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class OfThisProcess(Generic[T]):
    """Something with threads, made anew in a process that was forked since: gunicorn --preload and multiprocessing do so."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made = make()
        self._process = os.getpid()
        _all.add(self)

    def get(self) -> T:
        if os.getpid() != self._process:
            self._made = self._make()
            self._process = os.getpid()
        return self._made

    def abandon(self) -> None:
        """In a child: what the parent made is never taken apart there, for that would wait for its threads, or crash."""
        _keep(self._made)


def leave_to_parent(made: object) -> None:
    """A child keeps this for good, as it is: to end it, to close its files and wait for its threads, is the parent's business."""
    _left.add(made)


def _keep(made: object) -> None:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))


_left: weakref.WeakSet[Any] = weakref.WeakSet()
_all: weakref.WeakSet[OfThisProcess[Any]] = weakref.WeakSet()


def _forked() -> None:
    for one in list(_all):
        one.abandon()
    for made in list(_left):
        _keep(made)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def lock_free_after_forks() -> threading.Lock:
    """A lock for short work, which no fork cuts in two: held by a thread at that moment, it would never be free in the child."""
    lock = threading.Lock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


def forked_since(made_by: int) -> bool:
    """Whether this is another process than the one that made something."""
    return os.getpid() != made_by


def refuse_forked(made_by: int, what: str) -> None:
    """
    Args:
        made_by: the process that made it.

    Raises:
        RuntimeError: this is another process, in which it would never answer.
    """
    if forked_since(made_by):
        raise RuntimeError(f"{what} was made before this process was forked, and does not work in it: make it in the process that uses it")
