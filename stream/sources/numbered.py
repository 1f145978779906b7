"""Numbered pictures as one video: `frames/img%03d.png`, as renderers and FFmpeg write them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from models.imaging.pictures import read_picture
from stream.errors import PictureError, SourceError
from stream.frame import Frame, SourceInfo
from stream.settings.schema import Settings, SourceSettings
from stream.sources.source import SourceStatus

_NUMBER = re.compile(r"%(?:0(\d+))?d")


def is_numbered(address: str) -> bool:
    """Whether it stands for numbered pictures, and is not the name of a file."""
    return len(_NUMBER.findall(Path(address).name)) == 1 and not Path(address).exists()


class NumberedSource:
    """Each picture is a frame, in the order of their numbers, all equally long. Numbers that are missing are no pause."""

    def __init__(self, address: str, settings: SourceSettings | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Raises:
            SourceError: no picture has such a name, or none can be read.
        """
        self._numbers = _found(address)
        self._clock = clock
        self._closing = threading.Event()
        self.status = SourceStatus()
        rate = Fraction(str((settings or Settings().source).rate))
        self._time_base = 1 / rate
        paths = tuple(self._numbers.values())
        self.info = SourceInfo(name=address, rate=rate, pictures=paths, frames=len(paths))
        first = next(self._images(), None)
        if first is None:
            raise SourceError(f"{address}: {self.status.failures[0] if paths else 'there is no picture whose name fits this pattern.'}")
        height, width = first.shape[:2]
        self.info = SourceInfo(name=address, width=width, height=height, rate=rate, pictures=paths, frames=len(paths))
        self.status = SourceStatus()

    def close(self) -> None:
        self._closing.set()

    def __iter__(self) -> Iterator[Frame]:
        self.status.state = "up"
        name = self.info.name
        missing = max(self._numbers) - min(self._numbers) + 1 - len(self._numbers)
        if missing:
            between = f"between {min(self._numbers)} and {max(self._numbers)}"
            what = "1 number {} is" if missing == 1 else f"{missing} numbers {{}} are"
            self.status.notes.append(f"{name}: {what.format(between)} missing; the pictures follow each other without a pause.")
        try:
            for index, image in enumerate(self._images()):
                now = self._clock()
                yield Frame.of_image(image, source=name, index=index, pts=index, time_base=self._time_base, captured_at=now)
        finally:
            self.status.state = "ended"

    def _images(self) -> Iterator[np.ndarray]:
        for path in self._numbers.values():
            if self._closing.is_set():
                return
            try:
                yield read_picture(path, note=self.status.notes.append)
            except PictureError as error:
                self.status.failures.append(str(error))


def _found(address: str) -> dict[int, Path]:
    """The pictures of this pattern by their numbers, in order."""
    path = Path(address)
    before, after = _NUMBER.split(path.name)[::2]
    digits = _NUMBER.findall(path.name)[0]
    name = re.compile(rf"{re.escape(before)}(\d{{{int(digits or 1)},}}){re.escape(after)}")
    found = {int(match[1]): one for one in path.parent.glob("*") if (match := name.fullmatch(one.name)) and one.is_file()}
    return dict(sorted(found.items()))
