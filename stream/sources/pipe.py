"""What comes through a pipe: it is there once, and cannot be gone back in."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from stream.sources.reader_thread import pumped

T = TypeVar("T")

SLICE_S = 0.2
"""How often a silent pipe is left to look whether it is still wanted."""


MOST_KEPT = 100_000_000
"""Bytes after which what is in it must be known, and a first picture be there: the largest are 40 MB (8K, uncompressed)."""


class Pipe:
    """A pipe to be opened several times: first to see what is in it, then to read it from its begin. It is waited for without an end."""

    def __init__(self, path: Path | int) -> None:
        """
        Args:
            path: or the number of an open file.
        """
        self.name = str(path)  # PyAV asks for it
        self.closing = threading.Event()
        """From then on nothing more comes."""
        self.begin = bytearray()
        """The first bytes, as far as they were needed to see what it is."""
        self.used = False
        """Its one reading, of which nothing more is kept, has begun."""
        self._path = path
        self._descriptor: int | None = None
        self._place = 0
        """How much of what is kept has been read since it was opened."""

    def opened(self) -> Pipe:
        """The same, to be read from its begin."""
        self._place = 0
        return self

    def put_down(self) -> None:
        """Nobody reads any more: whoever writes is told."""
        if self._descriptor is not None and not isinstance(self._path, int):
            os.close(self._descriptor)
            self._descriptor = None
        self.closing.set()

    def read(self, size: int) -> bytes:
        """What there is, as soon as there is something; empty at the end."""
        if self._place < len(self.begin):
            data = bytes(self.begin[self._place : self._place + size])
        elif len(self.begin) > MOST_KEPT and not self.used:
            return b""
        else:
            data = self._next(size)
            if self.used:
                return data
            self.begin += data
        self._place += len(data)
        return data

    def _next(self, size: int) -> bytes:
        if self.closing.is_set():
            return b""
        if self._descriptor is None:  # here, because it waits for somebody who writes
            self._descriptor = self._path if isinstance(self._path, int) else os.open(self._path, os.O_RDONLY)
        while sys.platform != "win32" and not select.select([self._descriptor], [], [], SLICE_S)[0]:
            if self.closing.is_set():
                return b""
        return b"" if self.closing.is_set() else os.read(self._descriptor, size)


def waited_for(pipe: Pipe, look: Callable[[], T]) -> T:
    """What `look` finds in a pipe: in a thread that is left behind on Ctrl-C, for nobody knows when somebody writes into it."""

    def looks(_: threading.Event) -> Generator[tuple[T], None, None]:
        yield (look(),)

    try:
        with closing(pumped(looks, pipe.closing)) as found:
            return next(one for one in found if one is not None)[0]
    except BaseException:
        pipe.put_down()
        raise
