"""The files of a store, on a disk."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from models.atomic import file_written_whole, prefix_of
from models.locks import Locked, locked
from models.places import exists
from stream.errors import SinkError, UsageError
from stream.sinks.files import make_folder, unwritable

_LEFT = re.compile(r"(\..*-)[0-9a-f]{16}(\.part\.\w+)?")
"""A file that a killed process was writing: `prefix_of` what it was to become, and the rest."""


def part_of(output: Path, *, video: bool = False) -> Path:
    """Where an output is while it is written; `sweep` knows it. A video's ending says what it is."""
    return output.with_name(f"{prefix_of(output)}{secrets.token_hex(8)}{f'.part{output.suffix}' if video else ''}")


def sweep(outputs: Sequence[Path], *, parts: bool = False) -> None:
    """Remove what a killed process had begun to write for these outputs.

    Args:
        parts: they are videos, whose names while they are written tell: a photo IMG_1.jpg must not cost an IMG_1.mp4 that somebody is at.
    """
    for folder in {path.parent for path in outputs}:
        begun = {(prefix_of(path), f".part{path.suffix}" if parts else None) for path in outputs if path.parent == folder}
        for name in os.listdir(folder) if folder.is_dir() else []:  # noqa: PTH208 - names alone
            found = _LEFT.fullmatch(name)
            if found is not None and (found[1], found[2]) in begun:
                (folder / name).unlink(missing_ok=True)


class Files:
    """Files by their names, such as `done/0a/UNIT.json`. Each is written whole or not at all."""

    def __init__(self, place: Path) -> None:
        self.place = place
        """The folder in which they are."""
        self.name = str(place)
        """The same for people."""
        self.around = str(place.parent)
        """The folder in which that is, for people."""

    @contextmanager
    def mine(self) -> Iterator[None]:
        """Nobody else runs this archive until the block has ended.

        Raises:
            UsageError: somebody does.
            SinkError: the place cannot be written.
        """
        is_new = not exists(self.place.parent)
        with ExitStack() as stack:
            try:
                make_folder(self.place)
                stack.enter_context(locked(self.place, 0.0))
            except Locked:
                raise UsageError(f"{self.around}: another command is at work here; wait for its end, or name another output.") from None
            except OSError as error:
                raise SinkError(unwritable(self.place, error)) from error
            try:
                yield
            finally:
                with suppress(OSError):  # where nothing came of it nothing is left
                    self.place.rmdir()
                    if is_new:
                        self.place.parent.rmdir()

    def begin(self, folders: Sequence[str]) -> None:
        """Make these folders."""
        for folder in folders:
            make_folder(self.place / folder)

    def forget(self, folder: str = "") -> None:
        """Remove a folder and all in it; "" is all there is."""
        if folder:
            shutil.rmtree(self.place / folder, ignore_errors=True)
            return
        for path in self.place.iterdir() if self.place.is_dir() else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        return (self.place / name).exists()

    def names(self, folder: str) -> Iterator[str]:
        """The names in a folder and those below it, without their folders'."""
        for _, _, names in os.walk(self.place / folder):
            yield from names

    def names_beginning(self, start: str) -> list[str]:
        """The names, outside of all folders, that begin so."""
        return [path.name for path in self.place.glob(f"{start}*")]

    def read(self, name: str) -> bytes:
        """
        Raises:
            FileNotFoundError: there is none of this name.
            OSError: it cannot be read.
        """
        return (self.place / name).read_bytes()

    def near(self, names: Iterable[str]) -> Iterator[Path]:
        """Each, in this order, where it can be read until the next one is asked for."""
        yield from (self.place / name for name in names)

    def kept(self, name: str) -> Path:
        """One that never changes, where it can be read from now on."""
        return self.place / name

    @contextmanager
    def written(self, name: str) -> Iterator[BinaryIO]:
        """Gives a file to write to, which is there once the block has ended well."""
        place = self.place / name
        place.parent.mkdir(exist_ok=True)
        with file_written_whole(place) as file:
            yield file

    def add(self, name: str, line: str) -> None:
        """Add a line."""
        with (self.place / name).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def remove(self, name: str) -> None:
        """Also where there is none."""
        (self.place / name).unlink(missing_ok=True)

    def put(self, name: str) -> None:
        """What was written in its place on this machine is whole."""
