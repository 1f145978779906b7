"""Output files: claimed before any work is done, and left in order when the disk fails."""

from __future__ import annotations

import errno
import io
import os
import re
import secrets
import stat
from pathlib import Path

from models.places import LONGEST_NAME_BYTES
from stream.errors import SinkError, already_there


def claim(path: Path, source: Path | None, *, overwrite: bool) -> None:
    """Make sure that a file can be written, before hours of work depend on it. Makes missing folders; an existing file stays as it is.

    Args:
        source: the input file, which must not be the output.

    Raises:
        SinkError: the path cannot be written, is the input, or exists and must not be replaced.
    """
    try:
        make_folder(path.parent)
        if path.is_dir():
            raise SinkError(f"{path}: is a folder; name a file in it.")
        if path.exists() and source is not None and source.exists() and path.samefile(source):
            raise SinkError(f"{path}: is the input itself; choose another output.")
        if path.exists() and not overwrite:
            raise SinkError(already_there(path))
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_APPEND))  # not created: another may have removed it since
        except FileNotFoundError:
            _try_beside(path)
    except OSError as error:
        raise SinkError(unwritable(path, error)) from error


def _try_beside(path: Path) -> None:
    """Make a file where `path` would be, and remove it: under another name, since `path` itself may be another program's by now."""
    probe = path.with_name(_other_name(path.name))
    os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    probe.unlink()


def _other_name(name: str) -> str:
    """A name nobody else has, that a file system takes if it takes `name`: as long in bytes, or of its very characters."""
    token = f".{secrets.token_hex(8)}-"
    if len(os.fsencode(name)) + len(token) <= LONGEST_NAME_BYTES:
        return token + name
    rest = name
    while rest and len(os.fsencode(rest)) > len(os.fsencode(name)) - len(token):
        rest = rest[1:]
    return token + rest + "x" * (len(os.fsencode(name)) - len(token) - len(os.fsencode(rest)))


def leads_elsewhere(path: Path) -> bool:
    """Whether it is a pipe, a terminal or another device, or is open already: something to write into, which nothing replaces."""
    if open_already(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def open_already(path: Path) -> int | None:
    """The number of the open file that a path such as `/dev/fd/3` stands for, perhaps in the middle of it."""
    number = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", str(path))
    return int(number[1]) if number else {"/dev/stdout": 1, "/dev/stderr": 2}.get(str(path))


def make_folder(folder: Path) -> None:
    """The folder and those above it, where they are missing. Raises `OSError`, also where something of that name is no folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error


def unwritable(path: Path | str, error: BaseException) -> str:
    """The sentence for an output that cannot be written (any further)."""
    reason = getattr(error, "strerror", None) or str(error)
    return f"{path}: cannot be written ({reason})."


class OutputFile(io.RawIOBase):
    """A file for FFmpeg to write to, without a buffer: what was written survives a killed process.

    After the first failure nothing is written any more, so that the muxer's closing touches do not spoil what is already safe on
    a full disk.
    """

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._file = path.open("w+b", buffering=0)
        self.failure: OSError | None = None

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """All of `data`; FFmpeg takes a short write for a success."""
        if self.failure is not None:
            return len(data)
        try:
            left = memoryview(data)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            self.failure = error
        return len(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size) or b""

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()
