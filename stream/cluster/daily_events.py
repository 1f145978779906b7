"""Events of a group: a file for each day (UTC) and run, each line with the run and the node that looked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from stream.deadline import NEVER, Deadline
from stream.monitoring.health import Health
from stream.sinks.events import EventsSink
from stream.sinks.result import Result


def today() -> date:
    return datetime.now(UTC).date()


class DailyEvents:
    """A sink for events: `SITE-g01-20261125-abcd.jsonl`. No two runs write into one file, and nothing is replaced."""

    def __init__(
        self,
        folder: Path,
        group: str,
        run: str,
        node: str,
        *,
        health: Health | None = None,
        tracks_over_after_s: float | None = None,
        day: Callable[[], date] = today,
    ) -> None:
        """
        Args:
            group: the site's name and the group's.
            tracks_over_after_s: as `EventsSink` has it; at the end of a day its tracks are over.

        Raises:
            SinkError: nothing can be written there.
        """
        self.notes: list[str] = []
        self._folder, self._group, self._run, self._node = folder, group, run, node
        self._health, self._over_after_s, self._today = health, tracks_over_after_s, day
        self._deadline = NEVER
        self._day = day()
        self._sink = self._begin()

    @property
    def full(self) -> bool:
        return self._sink.full

    def hurry(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._sink.hurry(deadline)

    def write(self, result: Result) -> None:
        """Raises `SinkError` as `EventsSink.write` does."""
        if (day := self._today()) > self._day:  # a clock that is set back goes on with the file that is open
            self._end()
            self._day = day
            self._sink = self._begin()
            if self._deadline.asked:
                self._sink.hurry(self._deadline)
        self._sink.write(result)

    def close(self) -> None:
        self._end()

    def _begin(self) -> EventsSink:
        path = self._folder / f"{self._group}-{self._day:%Y%m%d}-{self._run}.jsonl"
        more = {"run": self._run, "node": self._node}
        return EventsSink(path, health=self._health, tracks_over_after_s=self._over_after_s, more=more)

    def _end(self) -> None:
        self._sink.close()
        self.notes += [note for note in self._sink.notes if note not in self.notes]
