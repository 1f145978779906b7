"""Who does the units: this process alone, or the workers of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from stream.archive.store import Deaths, Planned, Store

Told = Callable[[str, float, int], None]
"""What is being done, how many items of it are done, and of how many."""


DEATHS_ALONE = 2
"""A file at which so many died who were at nothing else is left out."""


def left_out(deaths: Deaths) -> list[str]:
    """The files of a unit that nobody tries any more."""
    return [path for path, number in deaths.of.items() if number >= DEATHS_ALONE]


class Crew(Protocol):
    """Does units until all are done or it is asked to stop."""

    def do(self, store: Store, todo: Sequence[Planned], done_items: int, all_items: int, told: Told) -> bool:
        """
        Args:
            done_items, all_items: pictures and videos: those of units that are done already, and of all units.

        Returns:
            Whether all of it is done; else it was asked to stop.

        Raises:
            FacestreamError: it cannot go on.
        """
        ...

    def stop(self) -> None:
        """Ask it to end within seconds; what is done stays. Any thread, or a signal's handler."""
        ...
