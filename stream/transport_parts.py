"""The parts of a transport stream that was joined of several: FFmpeg keeps to the streams and codecs of the first one.

A part ends where the tables give one of its streams another codec, or leave it out. Each is opened as if it were a file of its own.
"""

from __future__ import annotations

import io
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

from stream.media import av
from stream.transport_tables import IN_A_ROW, PACKET, SIZES, SYNC, Codecs, Tables

VIDEO = frozenset({0x01, 0x02, 0x10, 0x1B, 0x20, 0x21, 0x24, 0x33, 0x42, 0xD1, 0xD4, 0xEA})
"""Types of streams that are pictures."""


MOST_BEFORE = 4096
"""Bytes before those that come, in which a packet may have begun (`Tables` keeps fewer)."""
LOOK_BYTES = 2 * 10**8
"""So far into a file without sound it is looked for parts that have some: a second or two of reading."""
BUFFER = 2**18
"""Bytes that are read at once."""


def first_part(path: Path, *, pictures_only: bool) -> TransportPart | None:
    """The first part of a transport stream, or all of it; None for all other files, and where there is none."""
    return TransportPart(path, pictures_only=pictures_only) if path.is_file() and is_transport_stream(path) else None


def sound_behind(path: Path) -> TransportPart | None:
    """The first part behind the first one that has sound; None where there is none, as far as is looked."""
    part, left = first_part(path, pictures_only=False), LOOK_BYTES
    while part is not None:
        while left > 0 and (data := part.read(BUFFER)):
            left -= len(data)
        part = part.following()
        if part is not None:
            has_sound = False
            with suppress(av.error.FFmpegError), closing(av.open(part, "r", buffer_size=BUFFER)) as container:
                has_sound = bool(container.streams.audio)
            part.seek(0)
            if has_sound:
                return part
    return None


def has_sound_behind(path: Path) -> bool:
    part = sound_behind(path)
    if part is not None:
        part.close()
    return part is not None


def is_transport_stream(path: Path) -> bool:
    """By its first packets, wherever the first one begins."""
    with path.open("rb") as file:
        begin = file.read(max(SIZES) * (IN_A_ROW + 1))
    return any(
        all(begin[first + number * size : first + number * size + 1] == bytes([SYNC]) for number in range(IN_A_ROW))
        for size in SIZES
        for first in range(min(size, len(begin)))
    )


class Reader(Protocol):
    """What can only be read on."""

    name: str

    def read(self, size: int) -> bytes: ...


class TransportPart:
    """One part of a transport stream, as a file for PyAV."""

    def __init__(self, path: Path, *, pictures_only: bool, begin: int = 0, list_packet: bytes = b"") -> None:
        """
        Args:
            pictures_only: the sound may change within a part.
            begin: where the part begins, bytes.
            list_packet: comes before it: the list of programs, which may stand further ahead in the file.
        """
        self.name = str(path)  # PyAV asks for it
        self._path, self._pictures_only, self._begin, self._before = path, pictures_only, begin, list_packet
        self._file = path.open("rb")
        self._at = -len(list_packet)
        """Where reading goes on, bytes behind the part's begin."""
        self._end: int | None = None
        """Where another part begins; None: nowhere as far as is known."""
        self._known = 0
        """Up to here tables were looked at."""
        self._tables = Tables()
        self._own: Codecs = {}

    def read(self, size: int) -> bytes:
        if self._at < 0:
            data = self._before[self._at :][:size]
        else:
            self._file.seek(self._begin + self._at)
            data = self._file.read(size if self._end is None else max(0, min(size, self._end - self._at)))
            if self._at <= self._known < self._at + len(data):
                self._look(data[self._known - self._at :])
                data = data if self._end is None else data[: max(0, self._end - self._at)]
            elif self._at > self._known:  # FFmpeg looks at the end for how long all is: that may be another part's
                tables = self._tables.elsewhere()
                data = data[: next((max(0, at) for at in tables.news(data) if _is_left(self._own, tables)), None)]
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._at = offset + (self._path.stat().st_size - self._begin if self._end is None else self._end)
        else:
            self._at = offset + (self._at if whence == io.SEEK_CUR else -len(self._before))
        return self.tell()

    def tell(self) -> int:
        return self._at + len(self._before)

    def following(self) -> TransportPart | None:
        """What comes behind this part, once that was read to its end. This one is let go of."""
        self._file.close()
        if self._end is None:
            return None
        begin, list_packet = self._begin + self._end, self._tables.list_packet
        return TransportPart(self._path, pictures_only=self._pictures_only, begin=begin, list_packet=list_packet)

    def close(self) -> None:
        self._file.close()

    def _look(self, data: bytes) -> None:
        for at in self._tables.news(data):
            if self._own and _is_left(self._own, self._tables):
                self._end = max(self._known + at, PACKET)
                return
            self._own = self._own or _of_interest(self._tables, pictures_only=self._pictures_only)
        self._known += len(data)


class PipedPart:
    """The same of what comes through a pipe: a transport stream, or anything else, which is one part."""

    seek = tell = None

    def __init__(self, pipe: Reader, ahead: bytes = b"") -> None:
        """
        Args:
            ahead: what has come of it already.
        """
        self.name = pipe.name
        self._pipe, self._ahead = pipe, ahead
        self._tables = Tables()
        self._own: Codecs = {}
        self._last = b""
        """The newest bytes: a table may have begun in them."""
        self._rest: bytes | None = None
        """What has come of the next part."""

    def read(self, size: int) -> bytes:
        if self._rest is not None:
            return b""
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        data = data or self._pipe.read(size)
        for at in self._tables.news(data):
            if self._own and _is_left(self._own, self._tables):
                self._rest = self._tables.list_packet + (self._last + data)[len(self._last) + at :] + self._ahead
                return data[: max(0, at)]
            self._own = self._own or _of_interest(self._tables, pictures_only=True)
        self._last = (self._last + data)[-MOST_BEFORE:]
        return data

    def following(self) -> PipedPart | None:
        return None if self._rest is None else PipedPart(self._pipe, self._rest)

    def close(self) -> None:
        """Whoever made the pipe puts it down."""


def _of_interest(tables: Tables, *, pictures_only: bool) -> Codecs:
    codecs = tables.codecs()
    pictures = {number: codec for number, codec in codecs.items() if codec[0] in VIDEO}
    return pictures if pictures and pictures_only else codecs


def _is_left(own: Codecs, tables: Tables) -> bool:
    """The part's own streams do not go on, but there are pictures."""
    codecs = tables.codecs()
    there_are_pictures = any(kind in VIDEO for kind, _ in codecs.values())
    return there_are_pictures and any(codecs.get(number) != codec for number, codec in own.items())
