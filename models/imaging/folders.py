"""What lies in a folder and those below it: linked folders are gone into, and what cannot be looked into is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from models.imaging.picture_formats import in_words

LEFT_BEHIND = frozenset({"@eadir", "#recycle", "#snapshot", "__macosx", "$recycle.bin", "system volume information", "lost+found"})
"""Lower-case names of folders in which systems keep what is theirs: small copies, what was thrown away."""

LEFT_BEHIND_FILES = frozenset({"thumbs.db", "desktop.ini"})


@dataclass(slots=True)
class Below:
    """What a folder holds."""

    files: list[Path] = field(default_factory=list)
    """Not sorted. Those in hidden folders, hidden ones, and what systems leave behind do not count. A link that leads nowhere does: whoever
    reads it will say so."""
    unreadable: dict[Path, str] = field(default_factory=dict)
    """Why, for each folder that could not be looked into, and each link that leads nowhere."""

    @property
    def sentences(self) -> list[str]:
        """What there is to say of what could not be looked into."""
        return [f"{path}: {reason}." for path, reason in self.unreadable.items()]


def files_below(folder: Path, is_wanted: Callable[[Path], bool] = lambda path: True) -> Below:
    """The files in a folder and those below, also behind links; each folder once, however many links lead to it, or round in a circle.

    Args:
        is_wanted: what must be true of a name.
    """
    below, links, seen = Below(), [folder], set[tuple[int, int]]()
    while links:  # what lies here before what is elsewhere and only linked to
        links = [link for start in links for link in _look(start, is_wanted, below, seen)]
    return below


def is_left_behind(name: str) -> bool:
    """Whether a folder's name says that it is hidden, or a system's own."""
    return name.startswith(".") or name.casefold() in LEFT_BEHIND


def _look(start: Path, is_wanted: Callable[[Path], bool], below: Below, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Adds what is in `start` and below; gives the links to folders that are there."""
    folders = [start]
    while folders:
        folder = folders.pop()
        try:
            about = folder.stat()
            if (about.st_dev, about.st_ino) in seen:
                continue
            seen.add((about.st_dev, about.st_ino))
            with os.scandir(folder) as inside:
                entries = [entry for entry in inside if not entry.name.startswith(".")]
        except OSError as error:
            below.unreadable[folder] = f"cannot be read ({in_words(error)})"
            continue
        for entry in entries:
            path = folder / entry.name
            is_link, kind = entry.is_symlink(), _kind(entry)
            if kind == "folder":
                if is_link and not is_left_behind(entry.name):
                    yield path
                elif not is_left_behind(entry.name):
                    folders.append(path)
            elif is_link and not kind and not path.suffix:  # perhaps to a folder
                below.unreadable[path] = f"leads to {path.readlink()}, which is not there or cannot be read"
            elif (is_link or kind) and entry.name.casefold() not in LEFT_BEHIND_FILES and is_wanted(path):
                below.files.append(path)


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else ""
    except OSError:  # a link into a folder that may not be entered, or round in a circle
        return ""
