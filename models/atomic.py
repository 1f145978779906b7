"""Files and folders that appear whole or not at all, and replace what was there in one step."""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

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
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=prefix_of(place)) as work:
        fresh = Path(work) / place.name
        yield fresh
        put_in_place(fresh, place)  # what was there is now in `work`, and goes with it


@contextmanager
def file_written_whole(place: Path, *, mode: int = 0o666, flush: bool = True) -> Iterator[BinaryIO]:
    """Gives a file to write to; once the block has ended well, it is at `place`. Else `place` stays as it was, and nothing else is left.

    Args:
        place: in a folder that is there.
        mode: permissions, of which the umask takes some away.
        flush: wait until it is on disk. Without, a power cut may leave an empty file of the right name.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    fresh = place.with_name(f"{prefix_of(place)}{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            if flush:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(place)
    except BaseException:
        with suppress(OSError):
            fresh.unlink()
        raise


def prefix_of(place: Path) -> str:
    """Of names beside `place`: hidden, and of its name only as much as leaves room for more in the 255 bytes that a name may have."""
    stem = place.stem
    if len(stem) > 40:  # of four bytes each at most; the names of a folder may all begin alike
        stem = f"{stem[:32]}{hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]}"
    return f".{stem}-"


def put_in_place(fresh: Path, place: Path) -> None:
    """Makes `fresh` `place` in one step; what was at `place`, if anything, is at `fresh` then. Both are on one file system."""
    _flush(fresh)
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
