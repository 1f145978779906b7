"""Events that a run wrote, in their file: what sources there are, and where those of each begin."""

from __future__ import annotations

import json
import stat
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from stream.errors import SourceError, UsageError
from stream.faces import HideStyle
from stream.replay.event import Event, event_in, style_in

NAMES_TOLD = 3
"""Of the sources that there are events of, so many are named in a message."""

LONGEST_LINE = 1 << 26
"""Bytes: no event has so many."""
DAMAGED = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError)
"""What reading a line that is no event raises."""


@dataclass(frozen=True, slots=True, eq=False)
class Begin:
    """Where the events of a source begin."""

    offset: int
    """Bytes before its first line."""
    line: int
    """The number of that, from 1."""
    name: str
    """The source's."""
    fingerprint: str | None
    """Of its file; None where they do not say."""
    live: bool
    """It was a camera."""
    hides: HideStyle | None
    """How faces were hidden in it; None: they were not."""


class SavedEvents:
    """A file of events. It is read line by line, never kept."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            UsageError: there is no such file, or it holds no events.
            SourceError: it is damaged, or cannot be read.
        """
        self.path = path
        self.notes: list[str] = []
        """One sentence for each thing the user should know."""
        self.people: set[str] = set()
        """Everybody whom they name."""
        self.labels: set[str] = set()
        """All that a classifier could have called a face."""
        self._by_name: dict[str, list[Begin]] = defaultdict(list)
        self._by_fingerprint: dict[str, Begin] = {}
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise UsageError(f"{path}: events are read from a file, more than once; this is none. Save them first.")
            with path.open("rb") as file:
                self._find_sources(file)
        except FileNotFoundError:
            raise UsageError(f"{path}: there is no such file; facestream run SOURCE --events {path} makes it.") from None
        except OSError as error:
            raise SourceError(f"{path}: cannot be read ({error.strerror}).") from error
        if not self._by_name:
            raise UsageError(f"{path}: holds no events; facestream run SOURCE --events FILE writes some.")

    def find(self, name: str, fingerprint: str | None) -> Begin | None:
        """Where the events of a file begin; None where there are none.

        Args:
            fingerprint: the file's; None where it has none, and its name must do.

        Raises:
            UsageError: those of that name are of another file, or of a camera.
        """
        named = self._by_name.get(name, [])
        same = [one for one in named if one.fingerprint == fingerprint]
        found = same[0] if same else self._by_fingerprint.get(fingerprint or "")
        if found is None and named:
            if fingerprint is not None and named[0].fingerprint is not None:
                raise UsageError(
                    f"{name}: is not the file that the events in {self.path} are of (its fingerprint is another); name that, or run this."
                )
            found = named[0]
        if found is not None and found.live:
            raise UsageError(f"{name}: the events in {self.path} are of a camera, of which there is no file that they fit.")
        return found

    @property
    def names(self) -> str:
        """The sources that there are events of, for people."""
        told = list(self._by_name)
        more = f" and {len(told) - NAMES_TOLD} more" if len(told) > NAMES_TOLD else ""
        return ", ".join(told[:NAMES_TOLD]) + more

    def _find_sources(self, file: BinaryIO) -> None:
        newest: dict[str, int] = {}
        """The number of the newest frame of each source."""
        damaged, offset = False, 0
        for number, line in enumerate(_lines(file), 1):
            if damaged:  # and it was not the last line
                if not newest:
                    break
                raise SourceError(f"{self.path}: line {number - 1} is no event; the file is damaged.")
            begin, offset = offset, offset + len(line)
            try:
                said = _said_in(line)
                if said is None:
                    continue
                name, index, hides = said["source"], said["frame"], style_in(said)
                if not isinstance(name, str) or not isinstance(index, int):
                    raise TypeError
                for face in said["faces"]:
                    self.labels.update(face.get("probabilities", ()))
                    if (person := face.get("person")) is not None and person["name"] is not None:
                        self.people.add(person["name"])
            except DAMAGED:
                damaged = True
                continue
            mark = said.get("fingerprint")
            if name not in newest or index <= newest[name] or mark is not None:
                mark = mark if isinstance(mark, str) else None
                found = Begin(begin, number, name, mark, live="utc" in said, hides=hides)
                self._by_name[name].append(found)
                if mark is not None:
                    self._by_fingerprint.setdefault(mark, found)
            newest[name] = index
        if damaged and not newest:
            raise UsageError(f"{self.path}: holds no events of a run; they are named first: facestream draw EVENTS SOURCE -o PATH.")
        if damaged:
            self.notes.append(f"{self.path}: its last line is cut off; the events before it are used.")


class Reading:
    """The events of one source, read in step with its frames."""

    def __init__(self, path: Path, begin: Begin) -> None:
        self._path, self._begin = path, begin
        self._events = self._read()
        self._next = next(self._events, None)

    def of(self, index: int) -> Event | None:
        """What was found in that frame; None where no event tells. Frames come in order.

        Raises:
            SourceError: the event is damaged, or the file cannot be read any more.
        """
        while self._next is not None and self._next.index < index:
            self._next = next(self._events, None)
        return self._next if self._next is not None and self._next.index == index else None

    def _read(self) -> Iterator[Event]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._begin.offset)
                yield from self._read_from(file)
        except OSError as error:
            raise SourceError(f"{self._path}: cannot be read ({error.strerror}).") from error

    def _read_from(self, file: BinaryIO) -> Iterator[Event]:
        before = -1
        for number, line in enumerate(_lines(file), self._begin.line):
            try:
                said = _said_in(line)
            except DAMAGED:
                return  # the last line, cut off
            if said is None or said.get("source") != self._begin.name:
                continue
            try:
                event = event_in(said)
            except DAMAGED as error:
                raise SourceError(f"{self._path}: line {number} is no event that a run wrote.") from error
            if event.index <= before:  # the same source, run once more
                return
            before = event.index
            yield event


def _lines(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.readline(LONGEST_LINE), b"")


def _said_in(line: bytes) -> dict[str, Any] | None:
    """What a line says of a frame; None for one of another kind, or an empty one."""
    if line.isspace():
        return None
    said = json.loads(line)
    if not isinstance(said, dict):
        raise TypeError("not an object")
    return None if "kind" in said else said
