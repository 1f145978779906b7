"""What comes through a pipe: it is there once, and cannot be gone back in."""

from __future__ import annotations

import os
import select
import sys
import threading
from pathlib import Path

SLICE_S = 0.2
"""How often a silent pipe is left to look whether it is still wanted."""


MOST_KEPT = 100_000_000
"""Bytes after which what is in it must be known, and a first picture be there: the largest are 40 MB (8K, uncompressed)."""


class Pipe:
    """A pipe to be opened twice: first to see what is in it, then to read it from its begin. It is waited for without an end."""

    def __init__(self, path: Path | int, closing: threading.Event) -> None:
        """
        Args:
            path: or the number of an open file.
            closing: from then on nothing more comes.
        """
        self.name = str(path)  # PyAV asks for it
        self.begin = bytearray()
        """The first bytes, as far as they were needed to see what it is."""
        self.used = False
        """Its one reading has begun."""
        self._path = path
        self._closing = closing
        self._descriptor: int | None = None
        self._opened = 0
        self._again = memoryview(b"")

    def opened(self) -> Pipe:
        """The same, to be read from its begin."""
        self._opened += 1
        self._again = memoryview(self.begin if self._opened == 2 else b"")
        return self

    def put_down(self) -> None:
        """Nobody reads any more: whoever writes is told."""
        if self._descriptor is not None and not isinstance(self._path, int):
            os.close(self._descriptor)
            self._descriptor = None
        self._closing.set()

    def read(self, size: int) -> bytes:
        """What there is, as soon as there is something; empty at the end."""
        if self._again:
            data, self._again = bytes(self._again[:size]), self._again[size:]
            return data
        if len(self.begin) > MOST_KEPT and self._opened == 1:
            return b""
        data = self._next(size)
        if self._opened == 1:
            self.begin += data
        return data

    def _next(self, size: int) -> bytes:
        if self._closing.is_set():
            return b""
        if self._descriptor is None:  # here, because it waits for somebody who writes
            self._descriptor = self._path if isinstance(self._path, int) else os.open(self._path, os.O_RDONLY)
        while sys.platform != "win32" and not select.select([self._descriptor], [], [], SLICE_S)[0]:
            if self._closing.is_set():
                return b""
        return b"" if self._closing.is_set() else os.read(self._descriptor, size)
