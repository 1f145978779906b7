"""A thread that has the folder of known people read anew when it has changed: never the worker, which pictures wait for."""

from __future__ import annotations

import threading
from typing import Protocol


class Refreshed(Protocol):
    """What is kept up to date."""

    @property
    def due_in_s(self) -> float:
        """When `refresh` is worth while again."""
        ...

    def refresh(self) -> bool:
        """Reads what has changed, if anything has."""
        ...


class PeopleWatch:
    """Watches while a run goes on. Without anything to watch there is no thread."""

    def __init__(self, people: Refreshed | None) -> None:
        self._people = people
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        if self._people is not None:
            self._thread = threading.Thread(target=self._run, args=(self._people,), name="people", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """It reads nothing more. One that hangs on a disk which does not answer is not waited for."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(0.2)

    def _run(self, people: Refreshed) -> None:
        while not self._over.wait(max(people.due_in_s, 0.01)):
            people.refresh()
