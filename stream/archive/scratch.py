"""A folder of this machine that stands for object stores: what is at s3://BUCKET/KEY is at FOLDER/s3/BUCKET/KEY, while it is worked on."""

from __future__ import annotations

import itertools
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeVar

from models.atomic import file_written_whole
from models.places import resolved
from stream.archive.files import Files
from stream.archive.here import Here
from stream.archive.object_store import AccessError, ObjectStore, at_once
from stream.archive.unit import Record, Unit
from stream.console import logs
from stream.private_folder import PrivateFolder
from stream.sinks.picture import rivals
from stream.sources.addresses import ANIMATED_SUFFIXES, in_object_store

START_BYTES = 1 << 16
"""Of a picture: with its colour profile and remarks, and then it has said whether it moves."""
BATCH = 256
"""So many files at a time: what they are made of has room in memory and on the disk."""
HIDDEN = re.compile(r"/\.(?!\.?(?:/|$))")
"""In an address."""

T = TypeVar("T")


class Scratch(Here):
    """Brings files from object stores, and back. One unit at a time."""

    def __init__(self, address: str) -> None:
        """
        Args:
            address: one in the object store.
        """
        self.elsewhere = address
        self._store = ObjectStore(address)
        self._private = PrivateFolder("archive")
        self._folder = resolved(self._private.path)
        roots = [str(self._folder / "s3") + os.sep, json.dumps(str(self._folder / "s3") + os.sep)[1:-1]]
        self._roots = list(dict.fromkeys(roots))
        self._denied: dict[str, str] = {}
        """By address, of the unit in hand: why it could not be fetched."""
        self._folders: set[str] = set()
        """Those that `listed` has made."""

    def path(self, address: str) -> str:
        found = in_object_store(address)
        return address if found is None else str(self._folder / "s3" / found.partition("://")[2])

    def told(self, text: str) -> str:
        for root in self._roots:
            text = text.replace(root, "s3://")
        return text

    def files(self, place: str) -> Files:
        address = in_object_store(self.told(place))
        return Files(Path(place)) if address is None else FilesElsewhere(self._store, address, self._folder / "known")

    # to plan with

    @contextmanager
    def listed(self, addresses: Iterable[str]) -> Iterator[None]:
        odd: list[str] = []
        try:
            for address in filter(None, map(in_object_store, addresses)):
                for some in _batches(self._below(address)):
                    shown = [one for one in some if self._show(*one)]
                    odd += [name for name, _ in some if len(shown) < len(some) and name not in dict(shown)]
                    at_once(self._look, [name for name, size in shown if size and name.lower().endswith(tuple(ANIMATED_SUFFIXES))])
            if odd:
                others = f", and so are {len(odd) - 1} others" if odd[1:] else ""
                logs.say(f"{odd[0]}: is no name that a file can have; left out{others}", level=logging.WARNING)
            yield
        finally:
            self._clear()

    def _below(self, address: str) -> Iterator[tuple[str, int]]:
        """All files that an address or a pattern may mean. Hidden ones, such as those of a store, do not count."""
        fixed = re.split(r"[*?\[]", address, maxsplit=1)[0]
        start = address.rstrip("/") + "/" if fixed == address else fixed
        itself = [] if fixed != address else itertools.takewhile(lambda one: one[0] == address, self._store.below(address, most=1))
        yield from itself
        yield from (one for one in self._store.below(start) if not HIDDEN.search(one[0], len(start) - 1))

    def _show(self, address: str, size: int) -> bool:
        """A file of this size at its path; False where there can be none."""
        if address.endswith("/") and not size:  # how some programs make a folder
            return True
        path = self.path(address)
        try:
            if self.told(os.path.normpath(path)) != address:
                return False
            folder = os.path.dirname(path)  # noqa: PTH120 - Path takes several times as long, for each of half a million
            if folder not in self._folders:
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103
                self._folders.add(folder)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.ftruncate(handle, size)
            finally:
                os.close(handle)
        except (OSError, ValueError):
            return False
        return True

    def _look(self, address: str) -> None:
        """In a picture that may move it can be seen then whether it does."""
        with suppress(AccessError, FileNotFoundError):
            if _may_move(self._store.read(address, START_BYTES)):
                self._store.get(address, Path(self.path(address)))

    def see(self, path: str) -> None:
        address = self.told(path)
        if address != path and Path(path).is_file():
            with suppress(FileNotFoundError):
                self._store.get(address, Path(path))

    def beside(self, paths: Iterable[Path]) -> list[str]:
        mine = [*paths]
        return [self.told(str(rival)) for path in mine for rival in rivals(path) if rival not in mine]

    # to work with

    @contextmanager
    def brought(self, unit: Unit, left_out: Collection[str], moved: Callable[[], None]) -> Iterator[Unit]:
        path = self.path
        self._denied = {}
        try:
            at_once(lambda address: self._fetch(address, moved), [one for one in unit.paths if one not in left_out])
            for rival in unit.beside:
                Path(path(rival)).parent.mkdir(parents=True, exist_ok=True)
                Path(path(rival)).touch()
            yield replace(
                unit,
                source=path(unit.source),
                paths=[*map(path, unit.paths)],
                root=None if unit.root is None else path(unit.root),
                output=None if unit.output is None else path(unit.output),
            )
        finally:
            self._clear()

    def _fetch(self, address: str, moved: Callable[[], None]) -> None:
        if in_object_store(address) is None:
            return
        place = Path(self.path(address))
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._store.get(address, place, moved)
        except FileNotFoundError:  # whoever reads it will say so
            place.unlink(missing_ok=True)
        except AccessError as error:
            place.unlink(missing_ok=True)
            self._denied[address] = str(error)

    def publish(self, record: Record, events: Path | None, moved: Callable[[], None]) -> Record:
        at_once(lambda output: self.put(Path(output[0]), moved), record.outputs)
        if events is not None:
            with events.open(encoding="utf-8") as lines, file_written_whole(events) as file:
                file.writelines(self.told(line).encode() for line in lines)
        told = Record.from_json(self.told(record.as_json()))
        for failure in told.failures:
            failure["reason"] = self._denied.get(failure["source"], failure["reason"])
        return told

    def put(self, path: Path, moved: Callable[[], None] = lambda: None) -> None:
        address = self.told(str(path))
        if address != str(path):
            self._store.put(path, address, moved)

    def _clear(self) -> None:
        self._folders = set()
        shutil.rmtree(self._folder / "s3", ignore_errors=True)

    def close(self) -> None:
        self._private.close()


def here_for(places: Iterable[str | Path | None]) -> Here:
    """For files at these places.

    Raises:
        UsageError: what object stores need is not installed.
        StorageError: they cannot be used.
    """
    elsewhere = [address for place in places if place is not None and (address := in_object_store(place)) is not None]
    return Scratch(elsewhere[0]) if elsewhere else Here()


class FilesElsewhere(Files):
    """The files of a store that is in an object store. What this machine needs of it more than once is at `place`."""

    def __init__(self, store: ObjectStore, address: str, place: Path) -> None:
        super().__init__(place)
        self.name, self.around = address, address.rpartition("/")[0]
        self._store = store

    def begin(self, folders: Iterable[str]) -> None:
        """There are no folders."""

    def forget(self, folder: str = "") -> None:
        super().forget(folder)
        at_once(self._store.remove, (address for address, _ in self._store.below(f"{self._at(folder)}/")))

    def exists(self, name: str) -> bool:
        return any(address == self._at(name) for address, _ in self._store.below(self._at(name), most=1))

    def names(self, folder: str) -> Iterator[str]:
        return (address.rpartition("/")[2] for address, _ in self._store.below(f"{self._at(folder)}/"))

    def names_beginning(self, start: str) -> list[str]:
        return [address.removeprefix(f"{self.name}/") for address, _ in self._store.below(self._at(start))]

    def read(self, name: str) -> bytes:
        return self._store.read(self._at(name))

    def near(self, names: Iterable[str]) -> Iterator[Path]:
        for some in _batches(names):
            yield from at_once(self._fetched, some)
            for name in some:
                (self.place / name).unlink(missing_ok=True)

    def kept(self, name: str) -> Path:
        return self.place / name if (self.place / name).exists() else self._fetched(name)

    @contextmanager
    def written(self, name: str) -> Iterator[BinaryIO]:
        self._make_room(name)
        with file_written_whole(self.place / name, flush=False) as file:
            yield file
        self.put(name)

    def add(self, name: str, line: str) -> None:
        try:
            before = self.read(name)
        except FileNotFoundError:
            before = b""
        self._store.write(self._at(name), before + f"{line}\n".encode())

    def remove(self, name: str) -> None:
        self._store.remove(self._at(name))

    def put(self, name: str) -> None:
        self._store.put(self.place / name, self._at(name))
        (self.place / name).unlink()

    def _fetched(self, name: str) -> Path:
        self._make_room(name)
        self._store.get(self._at(name), self.place / name)
        return self.place / name

    def _make_room(self, name: str) -> None:
        (self.place / name).parent.mkdir(parents=True, exist_ok=True)

    def _at(self, name: str) -> str:
        return f"{self.name}/{name}" if name else self.name


def _batches(of: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(of)
    while some := [*itertools.islice(rest, BATCH)]:
        yield some


def _may_move(start: bytes) -> bool:
    """Whether a picture that begins so must be looked at as a whole to know whether it is a video."""
    moving_webp = start[:4] == b"RIFF" and start[12:16] == b"VP8X" and len(start) > 20 and bool(start[20] & 2)
    return start.startswith(b"GIF8") or moving_webp or (start.startswith(b"\x89PNG") and b"acTL" in start) or b"avis" in start[:64]
