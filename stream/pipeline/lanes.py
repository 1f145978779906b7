"""The lanes that run at this moment: they may come and go while worker and renderer are at work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from stream.pipeline.running_lane import RunningLane


class Lanes:
    """All lanes of a run. Whoever iterates has those of one moment. Any thread."""

    def __init__(self, lanes: Sequence[RunningLane], *, stays: bool = False) -> None:
        """
        Args:
            stays: more may come, also when all are done: only `close` ends it.
        """
        self._lanes = tuple(lanes)
        self._stays = stays
        self._changing = threading.Lock()
        self._closed = False

    @property
    def door(self) -> list[Door]:
        """What to wait on beside the feeds of the lanes that are here: nothing where no more may come."""
        return [Door(self)] if self._stays else []

    @property
    def closed(self) -> bool:
        return self._closed

    def __iter__(self) -> Iterator[RunningLane]:
        return iter(self._lanes)

    def add(self, lane: RunningLane) -> bool:
        """One more; False once the run is about to end."""
        with self._changing:
            if not self._closed:
                self._lanes = (*self._lanes, lane)
            return not self._closed

    def remove(self, lane: RunningLane) -> None:
        """One less."""
        with self._changing:
            self._lanes = tuple(one for one in self._lanes if one is not lane)

    def close(self) -> None:
        """Take no more: the run is about to end."""
        with self._changing:
            self._closed = True

    def close_if(self, all_done: Callable[[RunningLane], bool]) -> bool:
        """Whether all lanes are done: then none is taken any more."""
        with self._changing:
            done = all(map(all_done, self._lanes)) and (self._closed or not self._stays)
            self._closed = self._closed or done
            return done


class Door:
    """A feed of lanes, for who waits: it has nothing of its own, and is open until no lane may come any more."""

    waiting = 0

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes

    @property
    def ended(self) -> bool:
        return self._lanes.closed
