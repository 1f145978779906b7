"""What a user may type as a SOURCE, and which kind it is."""

from __future__ import annotations

import functools
import glob
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit
from urllib.request import url2pathname

from models.imaging.folders import files_below
from models.imaging.picture_formats import is_animated, is_picture_name
from models.places import Resolved, exists, is_file, is_folder, resolved
from stream.errors import SourceError, UsageError
from stream.passwords import hide, redact_mistyped
from stream.passwords import redact as redact

LIVE_SCHEMES = frozenset({"rtsp", "rtsps", "http", "https"})

VIDEO_SUFFIXES = frozenset(
    f".{name}"
    for names in (
        "3g2 3gp asf avi divx dv f4v flv h264 264 h265 265 hevc ivf m1v m2ts m2v m4v mjpeg mjpg mkv mov mp4 mpe mpeg mpg mts mxf",
        "ogg ogm ogv qt rm rmvb ts vob webm wmv y4m",
    )
    for name in names.split()
)
"""By which a folder's videos are known."""

MAY_BE_LIVE = frozenset({".asf", ".f4v", ".flv", ".m2ts", ".mjpeg", ".mjpg", ".mts", ".ogg", ".ogm", ".ogv", ".ts", ".webm"})
NEVER_LIVE = VIDEO_SUFFIXES - MAY_BE_LIVE - {".h264", ".264", ".h265", ".265", ".hevc"}
"""Those that no camera's address ends in: theirs are `video.mjpg`, `live.flv`, `stream.ts`, or have none."""

ANIMATED_SUFFIXES = frozenset({".gif", ".png", ".apng", ".webp", ".avif", ".avifs"})
"""Of picture formats that may hold a video."""


def as_typed(source: object) -> str:
    """What a program names as a source, as a user would type it.

    Raises:
        TypeError: it is no name of a source.
    """
    if isinstance(source, Integral) and not isinstance(source, bool):
        return str(int(source))
    if isinstance(source, str | os.PathLike) and isinstance(text := os.fspath(source), str):
        return text
    raise TypeError(f"a source is a camera's index, an address or a path, one of them, not {type(source).__name__}")


def with_variables(address: str, environment: Mapping[str, str] = os.environ) -> str:
    """The address with the value of the environment variable NAME in place of each `${NAME}`.

    In front of the host, where user name and password stand, the value is quoted, so that a password may hold any character.

    Raises:
        UsageError: one is not set.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in environment:
            raise UsageError(f"{redact(address)}: the environment variable {name} is not set.")
        _, _, before = address[: found.start()].partition("://")
        if re.search(r"[/?#]", before):  # behind the host: a key, a token
            hide(environment[name])
        in_front_of_host = "://" in address[: found.start()] and "@" in address[found.end() :]
        return quote(environment[name], safe=":") if in_front_of_host else environment[name]

    return re.sub(r"\$\{(\w+)\}", value, address)


def without_file(address: str) -> str:
    """The path of an address of a file on this machine (file:///clips/a%20b.mp4); every other address as it is.

    Raises:
        SourceError: the file is on another machine.
    """
    found = re.fullmatch(r"(?is)file:(?://([^/]*))?(/.*)", address)
    if not found or exists(address):
        return address
    host, path = found.groups()
    if host and host.lower() != "localhost":
        raise SourceError(f"{redact(address)}: is a file on another machine; copy it here, or name the folder where its disk is mounted.")
    return url2pathname(path)


def split(address: str) -> SplitResult | None:
    """The parts of a network address; None for files and cameras."""
    if not address:
        raise SourceError("An empty name is no source.")  # the system would take it for the current folder
    if not re.match(r"(?i)[a-z][a-z0-9+.-]+://", address):
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port  # refuses what is no number
    except ValueError:
        raise SourceError(f"{redact(address)}: is not a valid address.") from None
    if in_object_store(address) is not None:
        raise SourceError(f"{redact(address)}: what is in an object store is done file by file; say --resume, or --cluster.")
    if parts.scheme not in LIVE_SCHEMES:
        raise SourceError(f"{redact(address)}: {parts.scheme}:// cannot be read; there are {', '.join(sorted(LIVE_SCHEMES))}.")
    if not parts.hostname:
        raise SourceError(f"{redact(address)}: names no host.")
    return parts


def in_object_store(place: str | Path) -> str | None:
    """The address of what is in an object store; None for all else. A `Path` has lost one of its slashes."""
    found = re.match(r"(?i)(s3):/+(?=[^/])", str(place))
    return None if found is None else f"{found[1].lower()}://{str(place)[found.end() :]}"


def check_on_disk(*places: str | Path | None) -> None:
    """
    Raises:
        UsageError: one is in an object store, and what is written is not made of units, which come there whole.
    """
    for place in places:
        if place is not None and (address := in_object_store(place)) is not None:
            raise UsageError(
                f"{redact(address)}: into an object store goes only what is done file by file: files, with --resume or --cluster."
            )


def is_file_s(address: str) -> bool:
    """Whether a web address is named like that of a video file, which is there or not."""
    parts = urlsplit(address)
    return parts.scheme.lower() in ("http", "https") and Path(parts.path).suffix.lower() in NEVER_LIVE


def is_glob(address: str) -> bool:
    """Whether it is a pattern, not the name of a file that happens to hold a bracket."""
    return any(mark in address for mark in "*?[") and not address.startswith("camera:") and not exists(address)


def natural(path: Path) -> list[tuple[str, int, str]]:
    """A key that sorts picture2 before picture10, and a folder's own files together."""
    parts = (part for name in path.parts for part in (*re.split(r"(\d+)", name.lower()), "/"))
    return [("", int(part), part) if part.isdecimal() else (part, 0, part) for part in parts] + [(str(path), 0, "")]


@dataclass(frozen=True, slots=True)
class Below:
    """What a folder (recursive) or glob holds for us, naturally sorted, as the user would write it."""

    pictures: Sequence[Path]
    """Still ones."""
    videos: Sequence[Path]
    """Animations included."""
    unreadable: Sequence[str]
    """A sentence for each folder that cannot be looked into."""


def below(address: str, without: Path | None = None) -> Below:
    """
    Args:
        without: what lies below is left out.

    Raises:
        SourceError: there is neither picture nor video, and nothing that might be one.
    """
    files, unreadable = _files(address, without)
    found = Below(
        [path for path in files if is_picture_name(path) and not _is_animation(path)],
        [path for path in files if path.suffix.lower() in VIDEO_SUFFIXES or _is_animation(path)],
        unreadable,
    )
    if not (found.pictures or found.videos or unreadable):
        what = "in this folder" if is_folder(address) else "that fits this pattern"
        raise SourceError(f"{redact_mistyped(address)}: there is no picture and no video {what}.")
    return found


def pictures_below(address: str, without: Path | None = None) -> list[Path]:
    """The still pictures of a folder (recursive) or glob, but for those below `without`; naturally sorted, as the user would write them."""
    return [path for path in _files(address, without)[0] if is_picture_name(path) and not _is_animation(path)]


def unreadable_below(address: str, without: Path | None = None) -> list[str]:
    """A sentence for each folder below that cannot be looked into."""
    return _files(address, without)[1]


def expand(address: str | Path, without: Path | None = None) -> list[str]:
    """The sources that an address stands for: a folder or glob that holds videos is itself (if it also holds pictures) and each video.

    Every other address comes back alone.

    Raises:
        SourceError: a folder or glob that holds neither.
    """
    address = without_file(as_typed(address))
    if address == "-":  # standard input, also where something has that name
        return [address]
    if split(address) is not None or not (is_folder(address) or is_glob(address)):
        return [address]
    found = below(address, without)
    return [*([address] if found.pictures or found.unreadable else []), *map(str, found.videos)]


def fixed_part(pattern: str) -> Path:
    """The folder below which everything lies that fits the pattern."""
    fixed = []
    for part in Path(pattern).parts[:-1]:
        if any(mark in part for mark in "*?["):
            break
        fixed.append(part)
    return Path(*fixed)


def _is_animation(path: Path) -> bool:
    return path.suffix.lower() in ANIMATED_SUFFIXES and is_file(path) and _is_animated_now(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=2**16)  # a folder is looked through several times before its first picture
def _is_animated_now(path: Path, _changed_ns: int) -> bool:
    return is_animated(path)


def _files(address: str, without: Path | None) -> tuple[list[Path], list[str]]:
    """The files that a folder or pattern means, naturally sorted, and a sentence for each folder that cannot be looked into."""
    folder = Path(address)
    if is_folder(address):
        below = files_below(folder)
        found, unreadable = below.files, below.sentences
    else:
        named = (Path(name) for name in glob.iglob(address, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        found = [path for path in named if is_file(path) or (path.is_symlink() and not is_folder(path))]
        unreadable = []
        if "**" in address:
            below = files_below(fixed_part(address), lambda path: False)
            below.unreadable = {path: why for path, why in below.unreadable.items() if not path.is_symlink()}  # nobody may have meant it
            unreadable = below.sentences
    left_out = resolved(without) if without is not None else None
    if left_out is None or resolved(folder).is_relative_to(left_out):
        return sorted(found, key=natural), unreadable  # else nothing would be left; the sink refuses to write over the pictures themselves
    real = Resolved()
    return sorted((path for path in found if not real(path).is_relative_to(left_out)), key=natural), unreadable
