"""Which file it was: a word that no other file shares, found out without reading all of it."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from stream.frame import SourceInfo

PIECES, PIECE_BYTES = 16, 1 << 16
"""So many pieces of such a size are read of each file, spread over it from its first byte to its last: a megabyte, however large it is. Two
recordings of the very same length differ in nearly every piece."""
OF_MANY = 3
"""Of many pictures that are one video, so many are read; of the others the sizes count."""
SCHEME = 1
"""How it is computed: fingerprints of another scheme say nothing about these."""


def fingerprint(path: Path) -> str | None:
    """That of a file, "scheme-bytes-hash"; None of what is no file, or cannot be read."""
    return _fingerprint([path])


def fingerprint_of(info: SourceInfo) -> str | None:
    """That of a video's file, or of the numbered pictures that are one video; None for all else."""
    if info.live or info.still:
        return None
    if info.path is not None:
        return fingerprint(info.path)
    return _fingerprint(info.pictures) if info.pictures else None


def _fingerprint(paths: Sequence[Path]) -> str | None:
    digest, total = hashlib.sha256(), 0
    last = len(paths) - 1
    read = {last * number // (OF_MANY - 1) for number in range(OF_MANY)}
    try:
        for number, path in enumerate(paths):
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return None
            total += status.st_size
            digest.update(b"%d\n" % status.st_size)
            if number in read:
                _add_pieces(path, status.st_size, digest.update)
    except OSError:
        return None
    return f"{SCHEME}-{total}-{digest.hexdigest()[:32]}"


def _add_pieces(path: Path, size: int, add: Callable[[bytes], None]) -> None:
    with path.open("rb") as file:
        if size <= PIECES * PIECE_BYTES:
            add(file.read())
            return
        for number in range(PIECES):
            file.seek((size - PIECE_BYTES) * number // (PIECES - 1))
            add(file.read(PIECE_BYTES))
