"""Files that ship with the network, or stand in their place: read whole, or refused in a sentence."""

from __future__ import annotations

from pathlib import Path

from models.errors import ModelError
from models.places import checked_path, is_file, is_folder


def content_of(path: str | Path, what: str, wanted: str) -> tuple[Path, bytes]:
    """The path as it is meant, and all that is in the file.

    Args:
        what: the argument, in words.
        wanted: what is to be named instead, where there is none.

    Raises:
        TypeError: this is no path.
        ModelError: there is no such file, or it cannot be read.
    """
    path = checked_path(path, what)
    if not is_file(path):
        raise ModelError(f"{path}: {'is a folder' if is_folder(path) else 'there is no such file'}; name {wanted}.")
    try:
        return path, path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}).") from error
