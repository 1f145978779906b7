"""Files that a pass leaves behind: on the disk, whole, before the pass says that it is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from stream.errors import SinkError
from stream.sinks.files import make_folder, unwritable


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into.

    Raises:
        SinkError: the disk is full or gone.
    """
    try:
        make_folder(path.parent)
        with path.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise SinkError(unwritable(path, error)) from error


def sync(path: Path) -> None:
    """The same of a file that somebody else has written."""
    try:
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    except OSError as error:
        raise SinkError(unwritable(path, error)) from error
