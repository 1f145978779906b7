"""For the owner's eyes alone: as ssh with its keys, a folder that others may read is refused, not mended in silence."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from models.errors import PeopleError
from models.imaging.folders import LEFT_BEHIND_FILES, is_left_behind

FOLDER_MODE, FILE_MODE = 0o700, 0o600
OTHERS = 0o077
HALF_WRITTEN = re.compile(r"\..*-[0-9a-f]{16}")
"""Names that `models.atomic.file_written_whole` writes under."""
KEEPS_MODES = os.name == "posix"


def made_private(folder: Path) -> None:
    """Makes the folder.

    Raises:
        PeopleError: that cannot be, or its disk keeps no permissions.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(FOLDER_MODE, exist_ok=True)
        if not KEEPS_MODES:
            return
        if folder.stat().st_mode & OTHERS:
            folder.chmod(FOLDER_MODE)
        if folder.stat().st_mode & OTHERS:
            folder.rmdir()
            raise PeopleError(f"{folder}: cannot be kept from others, as this disk keeps no permissions; name a folder on another disk.")
    except (OSError, ValueError) as error:
        raise PeopleError(f"{folder}: cannot be made ({getattr(error, 'strerror', None) or error}).") from error


def check_private(folder: Path, files: Sequence[Path]) -> None:
    """
    Args:
        files: those in it that hold people.

    Raises:
        PeopleError: others may look into it, or it is not a folder of people at all.
    """
    if not files and (other := _something_else(folder)):
        raise PeopleError(f"{folder}: is no folder of people, as it holds {other}; name another one with --people DIR.")
    if not KEEPS_MODES:
        return
    try:
        if folder.stat().st_mode & OTHERS:
            raise PeopleError(
                f"{folder}: others may look into it, and faces are nobody else's business: chmod 700 {shlex.quote(str(folder))}"
            )
        for file in files:
            with suppress(FileNotFoundError):  # removed a moment ago
                _check_file(file)
    except OSError as error:
        raise PeopleError(f"{folder}: cannot be read ({error.strerror}).") from error


def _check_file(file: Path) -> None:
    if file.is_symlink():
        raise PeopleError(f"{file}: is a link, and whoever is removed here would stay there; put the file itself here.")
    if file.stat().st_mode & OTHERS:
        raise PeopleError(f"{file}: others may read it, and faces are nobody else's business: chmod 600 {shlex.quote(str(file))}")


def left_by_the_killed(folder: Path) -> list[Path]:
    """What a program was writing when it was killed. Nobody else may be writing now."""
    return [path for path in folder.iterdir() if HALF_WRITTEN.fullmatch(path.name)]


def _something_else(folder: Path) -> str:
    """The name of something visible in it that is no part of a folder of people."""
    try:
        names = sorted(path.name for path in folder.iterdir())
        return next((name for name in names if not (is_left_behind(name) or name.casefold() in LEFT_BEHIND_FILES)), "")
    except OSError as error:
        raise PeopleError(f"{folder}: cannot be read ({error.strerror}).") from error
