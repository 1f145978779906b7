"""From what a user types to a `Source`."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from stream.errors import PictureError, SourceError
from stream.passwords import redact_mistyped
from stream.settings.schema import SourceSettings
from stream.sources.source import Source

if TYPE_CHECKING:
    from stream.sources.animation import AnimationSource
    from stream.sources.live import LiveSource
    from stream.sources.loop import LoopSource
    from stream.sources.numbered import NumberedSource
    from stream.sources.pictures import PicturesSource
    from stream.sources.piped_picture import PipedPicture
    from stream.sources.video import VideoSource

    AnyFile: TypeAlias = VideoSource | AnimationSource | PicturesSource | NumberedSource | PipedPicture


def open_source(
    address: str | int | Path,
    settings: SourceSettings | None = None,
    *,
    without: Path | None = None,
    name: str | None = None,
    twin: int = 1,
    waits: bool = False,
) -> Source:
    """The source that an address means: a camera, a network address, a video, a picture, a folder or pattern of pictures.

    A folder gives its still pictures only, but for those below `without`; `expand` also finds its videos.

    Args:
        name: what it is called; None: as it is written, without its password. Pictures keep names of their own in their frames.
        twin: how many sources there are so far that look like this one, because they differ in a password only; told in its name.
        waits: a webcam that is not there is waited for, as one that has a name always is.

    Raises:
        SourceError: there is no such file or camera, or nothing in it can be read. A network address that does not answer
            is no error: the source keeps trying.
        PictureError: the one picture asked for cannot be read.
    """
    from stream.sources.addresses import as_typed

    source: LiveSource | LoopSource | AnyFile = _open(as_typed(address), settings, without, name, waits)
    if settings is not None and settings.loop and not (source.info.live or source.info.still):
        from stream.sources.loop import LoopSource

        source = LoopSource(source)
    if name is not None:
        source.info = replace(source.info, name=name, named=True)
    elif twin > 1:
        source.info = replace(source.info, name=f"{source.info.name} ({twin})")
    return source


def _open(text: str, settings: SourceSettings | None, without: Path | None, name: str | None, waits: bool) -> LiveSource | AnyFile:
    from stream.sources import addresses  # here, because these modules need the types above

    text = addresses.without_file(text)
    if text.isdecimal() or (text.startswith("camera:") and not Path(text).exists()):
        from stream.sources.camera import open_camera

        return open_camera(text, settings, name, waits=waits or name is not None)
    if text == "-":
        return _open_stdin(settings)
    if addresses.split(text) is not None:
        from stream.sources.network import open_network

        return open_network(text, settings, name)
    return _open_file(text, settings, without)


def _open_stdin(settings: SourceSettings | None) -> AnyFile:
    if os.isatty(0):
        raise SourceError(
            "standard input is a terminal; send a video into it (ffmpeg ... -f matroska - | facestream run -), or name a file."
        )
    if stat.S_ISREG(os.fstat(0).st_mode):
        return _open_file("/dev/stdin", settings, None)
    return _open_pipe("standard input", settings, 0)


def _open_pipe(name: str, settings: SourceSettings | None, place: Path | int) -> VideoSource | PipedPicture:
    from stream.sources.pipe import Pipe, waited_for
    from stream.sources.piped_picture import piped_picture
    from stream.sources.video import VideoSource

    pipe = Pipe(place)
    picture = waited_for(pipe, lambda: piped_picture(name, pipe))
    if picture is None:
        return VideoSource(name, settings, pipe=pipe)
    pipe.put_down()
    return picture


def _open_file(address: str, settings: SourceSettings | None, without: Path | None) -> AnyFile:
    from models.imaging.picture_formats import is_animated, is_picture_name
    from models.places import exists, is_folder
    from stream.sources.addresses import is_glob
    from stream.sources.animation import AnimationSource
    from stream.sources.numbered import NumberedSource, is_numbered
    from stream.sources.pictures import PicturesSource
    from stream.sources.video import VideoSource

    path = Path(address)
    if is_folder(address) or is_glob(address):
        return PicturesSource(address, without=without)
    if is_numbered(address):
        return NumberedSource(address, settings)
    if not exists(address):
        raise SourceError(f"{redact_mistyped(address)}: there is no such file or folder.")
    if path.is_fifo():  # nothing of it may be read twice
        return _open_pipe(address, settings, path)
    if is_animated(path):
        return AnimationSource(address)
    if is_picture_name(path) or _is_one_picture(path):
        return PicturesSource(address)
    return VideoSource(address, settings)


def _is_one_picture(path: Path) -> bool:
    """Whether a file that is not named like one holds a picture; several JPEGs one after the other (raw.mjpeg) are a video."""
    from models.imaging.picture_formats import SERIAL_FORMATS, is_picture, open_header
    from stream.sources.contents import holds_several

    if not is_picture(path):
        return False
    with suppress(PictureError), open_header(path) as picture:
        return picture.format not in SERIAL_FORMATS or not holds_several(path)
    return True  # in a format that nobody here can read: it says so


def expand(address: str | Path, without: Path | None = None) -> list[str]:
    """The sources that an address stands for: a folder or pattern that holds videos is itself, if it also holds pictures, and each video.

    Every other address comes back alone. What lies below `without` does not count: results may go into the folder they come from.

    Raises:
        SourceError: a folder or pattern that holds neither.
    """
    from stream.sources import addresses

    return addresses.expand(address, without)
