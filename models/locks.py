"""One program at a time works in a folder."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TRY_EVERY_S = 0.02


class Locked(Exception):  # noqa: N818 - a state; what is wrong about it says who asked
    """Another program works there."""


@contextmanager
def locked(folder: Path, longest_wait_s: float) -> Iterator[None]:
    """Others that ask for the same folder wait until the block has ended, or this process.

    Raises:
        Locked: another program has not ended its work for so long.
        OSError: it cannot be opened.
    """
    handle = _opened(folder)
    try:
        begun = time.monotonic()
        while not _try(handle):
            if time.monotonic() - begun >= longest_wait_s:
                raise Locked
            time.sleep(TRY_EVERY_S)
        yield
    finally:
        os.close(handle)  # unlocks


if sys.platform == "win32":
    import msvcrt

    def _opened(folder: Path) -> int:
        return os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)

    def _try(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import errno
    import fcntl

    def _opened(folder: Path) -> int:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def _try(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP):  # a network disk that locks no folders
                return True
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            return False
        return True
