"""A photo that comes through a pipe: `cat photo.jpg | facestream run -`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from models.imaging.metadata import Metadata, read_metadata
from models.imaging.picture_formats import SERIAL_FORMATS, format_of_start, is_animated
from models.imaging.pictures import read_picture
from models.imaging.unread_formats import START_BYTES, refuse_unread
from stream.errors import PictureError, SourceError
from stream.frame import Frame, SourceInfo
from stream.sources.contents import holds_several
from stream.sources.pipe import MOST_KEPT, Pipe
from stream.sources.source import SourceStatus

_SUFFIXES = {"JPEG": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2"}
"""Where the format's name is not its own."""


class PipedPicture:
    """One still picture that is no file."""

    def __init__(self, info: SourceInfo, image: np.ndarray, notes: list[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.info = info
        self.status = SourceStatus(notes=notes)
        self._image = image
        self._clock = clock
        self._closed = False

    def close(self) -> None:
        self._closed = True

    def __iter__(self) -> Iterator[Frame]:
        self.status.state = "up"
        try:
            if not self._closed:
                yield Frame.of_image(self._image, source=self.info.name, captured_at=self._clock())
        finally:
            self.status.state = "ended"


def piped_picture(name: str, pipe: Pipe) -> PipedPicture | None:
    """The one still picture that comes through a pipe, and nothing more does; None for anything else, which can still be read, all of it.

    Raises:
        PictureError: it is a picture that cannot be read.
        SourceError: there is no place to keep it while it is read.
    """
    start = _read_on(pipe, START_BYTES)
    refuse_unread(Path(name), start)
    kind = format_of_start(start)
    if kind is None:
        return None
    holds_more = kind == "JPEG" and b"MPF\x00" in _read_on(pipe, 2**16)  # as phones do: the photo once more, smaller, or how bright it is
    if kind in SERIAL_FORMATS and not holds_more and holds_several(pipe.opened()):
        return None
    content = _read_on(pipe, MOST_KEPT + 1)
    if len(content) > MOST_KEPT:
        raise SourceError(f"{name}: is a picture of more than {MOST_KEPT // 10**6} MB; name the file itself.")
    try:
        with tempfile.TemporaryDirectory(prefix="facestream-") as folder:
            path = Path(folder) / "picture"
            path.write_bytes(content)
            return None if is_animated(path) else _read(name, path, _SUFFIXES.get(kind, f".{kind.lower()}"))
    except OSError as error:
        raise SourceError(f"{name}: cannot be kept while it is read ({error.strerror}).") from error


def _read(name: str, path: Path, suffix: str) -> PipedPicture:
    notes: list[str] = []
    try:
        image = read_picture(path, note=lambda line: notes.append(line.replace(str(path), name)))
    except PictureError as error:
        raise PictureError(str(error).replace(str(path), name)) from None
    metadata = Metadata()
    with suppress(Exception):  # the picture is there: a damaged remark about it must not cost it
        metadata = read_metadata(path)
    height, width = image.shape[:2]
    file_name = f"{Path(name).name.replace(' ', '-')}{suffix}"
    return PipedPicture(SourceInfo(name, width, height, still=True, frames=1, metadata=metadata, file_name=file_name), image, notes)


def _read_on(pipe: Pipe, size: int) -> bytes:
    """At least so many of its first bytes, where there are so many."""
    pipe.opened()
    while len(pipe.begin) < size and pipe.read(2**20):
        pass
    return bytes(pipe.begin)
