"""One program at a time changes a folder of people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models import locks
from models.errors import PeopleError

LONGEST_WAIT_S = 10.0
"""A change takes milliseconds: who waits longer waits for a program that was stopped."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """
    Raises:
        PeopleError: another program has not ended its change.
        OSError: it cannot be opened.
    """
    try:
        with locks.locked(folder, LONGEST_WAIT_S):
            yield
    except locks.Locked:
        raise PeopleError(f"{folder}: another program is changing it and does not end; try again once it has.") from None
