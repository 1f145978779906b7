"""Photos: one picture, or all those of a folder or pattern. Each is a frame of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from models.imaging.pictures import read_picture
from models.imaging.unread_formats import is_unread_name
from models.places import exists, is_file, is_folder
from stream.errors import PictureError, SourceError
from stream.frame import Frame, SourceInfo
from stream.sources.addresses import fixed_part, pictures_below, unreadable_below
from stream.sources.source import SourceStatus


class PicturesSource:
    """Still pictures, in their natural order, one after another."""

    def __init__(
        self,
        address: str,
        *,
        without: Path | None = None,
        paths: Sequence[Path] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            address: a picture, a folder or a pattern.
            without: a folder whose pictures are left out: where results go, perhaps inside the folder they come from.
            paths: only these of them; None: all.

        Raises:
            SourceError: the folder or pattern holds no picture.
        """
        self._alone = is_file(address)
        self._paths = [Path(address)] if self._alone else pictures_below(address, without) if paths is None else list(paths)
        self._unreadable = [] if self._alone or paths is not None else unreadable_below(address, without)
        if not self._paths:
            nothing = f"{address}: there is no picture in this {'folder' if is_folder(address) else 'place'}."
            raise SourceError(" ".join(self._unreadable) or nothing)
        self._clock = clock
        self._closing = threading.Event()
        self.status = SourceStatus()
        path = Path(address) if exists(address) else fixed_part(address)
        readable = tuple(path for path in self._paths if not is_unread_name(path))
        self.info = SourceInfo(name=address, still=True, path=path, pictures=readable, frames=len(self._paths))

    def __len__(self) -> int:
        """How many pictures there are to read."""
        return len(self._paths)

    def close(self) -> None:
        self._closing.set()

    def __iter__(self) -> Iterator[Frame]:
        self.status.state = "up"
        self.status.failures += self._unreadable
        try:
            for path in self._paths:
                if self._closing.is_set():
                    return
                try:
                    image = read_picture(path, note=self.status.notes.append)
                except PictureError as error:
                    if self._alone:
                        raise
                    self.status.failures.append(str(error))
                    continue
                yield Frame.of_image(image, source=str(path), captured_at=self._clock())
        finally:
            self.status.state = "ended"
