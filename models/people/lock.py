"""One program at a time changes a folder of people."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import PeopleError

LONGEST_WAIT_S = 10.0
"""A change takes milliseconds: who waits longer waits for a program that was stopped."""
TRY_EVERY_S = 0.02


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """
    Raises:
        PeopleError: another program has not ended its change.
        OSError: it cannot be opened.
    """
    handle = _opened(folder)
    try:
        begun = time.monotonic()
        while not _try(handle):
            if time.monotonic() - begun > LONGEST_WAIT_S:
                raise PeopleError(f"{folder}: another program is changing it and does not end; try again once it has.")
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
