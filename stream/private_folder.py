"""A folder for what others have sent: nobody else of this machine can look into it, and it goes with the program that made it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

YOUNG_S = 60.0
"""A folder of another run that is no older may not have been locked yet."""


class PrivateFolder:
    """A new folder, from now to `close`. Those that killed runs have left are removed."""

    def __init__(self, use: str) -> None:
        """
        Args:
            use: what for; a word of the folder's name.

        Raises:
            OSError: there is no place for it.
        """
        prefix = f"facestream-{use}-"
        _remove_left_behind(Path(tempfile.gettempdir()), prefix)
        self.path = Path(tempfile.mkdtemp(prefix=prefix))  # 0700
        self._lock = _lock(self.path)

    def close(self) -> None:
        """It is gone, with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Locks a folder until the descriptor is closed, or its program killed; None: another has it, or this system knows no such locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid != os.getuid():
            raise PermissionError
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_left_behind(place: Path, prefix: str) -> None:
    for folder in place.glob(f"{prefix}*"):
        with suppress(OSError):
            if time.time() - folder.lstat().st_mtime < YOUNG_S or (lock := _lock(folder)) is None:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
