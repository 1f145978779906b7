"""How often live sources are searched: as often as they want, as long as that leaves time for checks of the faces that are known."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

SHARE = 0.5
"""Share of the worker's time that searches may take: the other half keeps known faces in place."""
SAVED_S, OWED_S = 0.25, 0.5
"""Time that nobody searched is kept for later up to the one, and what was searched too long is owed up to the other."""
ABSENT_AFTER_S = 1.0
"""A source that has given no frame for so long waits for nothing (a guess)."""
REMEMBERED = 0.2
"""Share of the newest search in the mean of what one takes."""


class SearchBudget:
    """Shared by the live sources of a worker, whose thread alone uses it.

    A search that takes 5 ms is hardly noticed; on a slow machine, or with twenty cameras, searches would leave no time for anything else.
    Time saved up pays for them, and where several wait, whoever was searched longest ago comes first; not all in one round.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            clock: seconds, as `time.monotonic`.
        """
        self._clock = clock
        self._saved_s, self._takes_s = SAVED_S, 0.0
        self._now, self._step_s = -math.inf, 0.0
        self._granted: set[str] = set()
        """In this round."""
        self._searched_at: dict[str, float] = {}
        self._seen_at: dict[str, float] = {}

    def begin_round(self) -> None:
        """All sources that have a frame are about to be looked at."""
        now = self._clock()
        self._step_s = min(max(now - self._now, 0.0), SAVED_S / SHARE)
        self._now, self._granted = now, set()
        self._saved_s = min(self._saved_s + SHARE * self._step_s, SAVED_S)
        self._seen_at = {one: at for one, at in self._seen_at.items() if now - at <= ABSENT_AFTER_S}
        self._searched_at = {one: at for one, at in self._searched_at.items() if one in self._seen_at}

    def grants(self, source: str, every_s: float, *, forced: bool = False) -> bool:
        """Whether a source may be searched in this round.

        Args:
            every_s: how often it wants to be.
            forced: out of turn, as nothing is known of its picture; if it never was searched, whatever it costs.
        """
        self._seen_at[source] = self._now
        unknown = forced and (self._saved_s > 0 or source not in self._searched_at)
        if unknown or self._has_room(source, every_s):
            self._granted.add(source)
            self._saved_s = max(self._saved_s - self._takes_s, -OWED_S)
            self._searched_at[source] = self._now
            return True
        return False

    def there(self, source: str) -> None:
        """A source has a frame, and does not want to be searched yet."""
        self._seen_at[source] = self._now

    def took(self, seconds: float, searches: int) -> None:
        """So many searches, of all kinds of sources, took so long together."""
        if not self._granted:
            return
        each = seconds / searches
        self._saved_s += (self._takes_s - each) * len(self._granted)  # what was guessed when they were granted
        self._saved_s = max(self._saved_s, -OWED_S)
        self._takes_s = each if self._takes_s == 0 else self._takes_s + REMEMBERED * (each - self._takes_s)

    def _has_room(self, source: str, every_s: float) -> bool:
        """Whether there is room for it beside those that were searched longer ago."""
        if self._saved_s <= 0:
            return False
        there = self._seen_at
        in_turn = math.ceil(len(there) * self._step_s / every_s) + 1
        affordable = math.ceil(self._saved_s / self._takes_s) if self._takes_s else len(there)
        mine = self._searched_at.get(source, -math.inf)
        before = sum(one not in self._granted and self._searched_at.get(one, -math.inf) < mine for one in there)
        return before < min(max(in_turn - len(self._granted), 1 - len(self._granted)), affordable)
