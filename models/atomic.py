"""Files and folders that appear whole or not at all, and replace what was there in one step."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
"""Linux: paths relative to the working directory; swap the two names."""


@contextmanager
def written_whole(place: Path) -> Iterator[Path]:
    """Gives a path beside `place` to write a file or a folder at; once the block has ended well, that is `place`.

    Whatever goes wrong in the block, Ctrl-C too, `place` stays as it was and nothing half-written is left.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    place = place.absolute()
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as work:
        fresh = Path(work) / place.name
        yield fresh
        _flush(fresh)
        put_in_place(fresh, place)  # what was there is now in `work`, and goes with it


def put_in_place(fresh: Path, place: Path) -> None:
    """Makes `fresh` `place` in one step; what was at `place`, if anything, is at `fresh` then. Both are on one file system."""
    if not place.exists() or (fresh.is_file() and place.is_file()):
        fresh.replace(place)
    elif not _exchange(fresh, place):
        aside = fresh.with_name(fresh.name + ".old")
        try:
            place.rename(aside)
            fresh.rename(place)
        except BaseException:
            if aside.exists() and not place.exists():
                aside.rename(place)
            raise


def _exchange(a: Path, b: Path) -> bool:
    """Swaps two paths in one step, so that not even a killed process leaves neither; False where the system cannot."""
    if sys.platform != "linux":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    return rename is not None and rename(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) == 0


def _flush(fresh: Path) -> None:
    """On disk before it is named: after a power cut there is the old or the new, not an empty file of the right name."""
    for path in [fresh, *fresh.rglob("*")] if fresh.is_dir() else [fresh]:
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
