"""Names of files and folders, whatever they are made of: a name that no system takes is a place where nothing is."""

from __future__ import annotations

import os
from pathlib import Path

LONGEST_NAME_BYTES = 255
"""Of a file or folder, on all usual systems."""


def checked_path(place: object, what: str) -> Path:
    """
    Args:
        what: it should be, with an article.

    Raises:
        TypeError: it is no path.
    """
    if not isinstance(place, str | os.PathLike) or not isinstance(text := os.fspath(place), str):
        raise TypeError(f"{what} is a str or a Path, not {type(place).__name__}")
    return Path(text)


def exists(path: str | Path) -> bool:
    """Whether something is there. `Path.exists` raises where the name is too long or holds a zero byte."""
    return os.path.exists(path)  # noqa: PTH110 - as above


def is_file(path: str | Path) -> bool:
    """Whether a regular file is there."""
    return os.path.isfile(path)  # noqa: PTH113 - as above


def is_folder(path: str | Path) -> bool:
    """Whether a folder is there."""
    return os.path.isdir(path)  # noqa: PTH112 - as above


def at_home(path: str | Path) -> Path:
    """The path, a `~` at its head replaced; as it is for whoever has no home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 - Path.expanduser raises there


def resolved(path: str | Path) -> Path:
    """The path without links, absolute, as far as there are such. `Path.resolve` raises where links lead round in a circle."""
    return Path(os.path.realpath(path))


class Resolved:
    """What `resolved` says, of many files in few folders: each folder is asked for once."""

    def __init__(self) -> None:
        self._folders: dict[str, Path] = {}

    def __call__(self, path: Path) -> Path:
        if os.path.islink(path) or path.name in ("", ".."):  # noqa: PTH114 - as above
            return resolved(path)
        folder = os.path.dirname(path)  # noqa: PTH120 - Path.parent takes five times as long
        if folder not in self._folders:
            self._folders[folder] = resolved(folder)
        return self._folders[folder] / path.name


def printable(name: str | Path) -> str:
    r"""The name for people and for files of text: bytes that are no UTF-8 are written as `\xe9`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def why_no_new_folder(place: Path, endings: tuple[str, ...] = ("",)) -> str:
    """Why no folder can be put there in one step, in a sentence's end; empty where nothing speaks against it.

    Args:
        endings: of the names of what comes there and beside it.
    """
    place = place.absolute()
    target = resolved(place)
    if Path.cwd().is_relative_to(target):
        return "is the folder you are in, or one around it, which cannot be replaced as a whole; name a new folder in it"
    if os.path.ismount(target):  # Path.is_mount raises where the name is too long
        return "is where a disk is mounted, which cannot be replaced as a whole; name a new folder in it"
    if place.is_symlink() and not exists(place):
        return "is a link that leads nowhere; remove it, or name another"
    try:
        str(place).encode()
    except UnicodeEncodeError:
        return "has a name that is not UTF-8; name another"
    longest = max([place.name + ending for ending in endings] + list(place.parts), key=lambda name: len(os.fsencode(name)))
    if len(os.fsencode(longest)) > LONGEST_NAME_BYTES:
        return "has a name that is too long for what is written there and beside it; name a shorter one"
    above = next(folder for folder in place.parents if exists(folder))
    if not is_folder(above):
        return f"cannot be made: {above} is no folder; name another"
    if not os.access(above, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        return f"cannot be made: {above} may not be written; name another"
    return ""
