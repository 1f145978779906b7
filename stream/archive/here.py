"""Where the files of an archive are while they are worked on: where the user has them, on this machine's disks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.archive.files import Files
from stream.archive.unit import Record, Unit


class Here:
    """All of them are at hand. `archive.scratch.Scratch` is for those that are not."""

    elsewhere = ""
    """The address of one that is in an object store."""

    def path(self, address: str) -> str:
        """Where on this machine is what has this address."""
        return address

    def told(self, text: str) -> str:
        """A text as it is for people: with addresses instead of such paths."""
        return text

    def files(self, place: str) -> Files:
        """Those of a store, which is there."""
        return Files(Path(place))

    @contextmanager
    def listed(self, addresses: Iterable[str]) -> Iterator[None]:
        """As long as the block lasts, all that is there can be seen under its name. What is in it, not."""
        yield

    def beside(self, paths: Iterable[Path]) -> list[str]:
        """What `Unit.beside` says."""
        return []

    def see(self, path: str) -> None:
        """Of what is listed, this can also be read."""

    @contextmanager
    def brought(self, unit: Unit, left_out: Collection[str], moved: Callable[[], None]) -> Iterator[Unit]:
        """As long as the block lasts, the files of a unit can be read: but for those that are left out, and those that nobody may read.

        Args:
            moved: called again and again; what it raises ends it.

        Returns:
            The unit with paths of this machine.
        """
        yield unit

    def publish(self, record: Record, events: Path | None, moved: Callable[[], None]) -> Record:
        """A unit is done: its outputs come to where they belong.

        Args:
            events: its events, which get addresses instead of paths.

        Returns:
            The record with addresses.
        """
        return record

    def put(self, path: Path) -> None:
        """A file is written whole: it comes to where it belongs."""

    def close(self) -> None:
        """It is over. Any number of times."""
