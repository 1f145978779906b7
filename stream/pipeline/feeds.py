"""Where threads meet: two ways to hand things on, and nothing else is shared.

`LatestFeed` is for what happens now: only the newest item is kept. `LosslessFeed` is for files: everything in order, and
the giver waits while it is full. Feeds that one thread reads together share one condition, so that it can wait for all.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Watched(Protocol):
    """What one needs to know of a feed in order to wait for it."""

    @property
    def waiting(self) -> int:
        """How many items are there to take."""
        ...

    @property
    def ended(self) -> bool:
        """Nothing is there and nothing will come."""
        ...


class _Feed(Generic[T]):
    """What both kinds share: items under one condition, and an end."""

    def __init__(self, condition: threading.Condition | None) -> None:
        self._condition = condition or threading.Condition()
        self._items: deque[T] = deque()
        self._open = True

    def take(self, most: int = 1) -> list[T]:
        """Up to `most` items, oldest first; none when there is nothing now. Never waits."""
        with self._condition:
            taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            if taken:
                self._condition.notify_all()
            return taken

    @property
    def waiting(self) -> int:
        return len(self._items)

    @property
    def ended(self) -> bool:
        with self._condition:
            return not self._open and not self._items

    def end(self) -> None:
        """No more will be given, and a giver that waits is let go; what is there can still be taken."""
        with self._condition:
            self._open = False
            self._condition.notify_all()

    def abandon(self) -> list[T]:
        """End the feed and empty it: what nobody will take any more."""
        with self._condition:
            self.end()
            return self.take(len(self._items))


class LatestFeed(_Feed[T]):
    """Keeps the newest item; an older one that nobody took is dropped and told to `on_drop`. Giving never waits."""

    def __init__(self, condition: threading.Condition | None = None, on_drop: Callable[[T], None] = lambda item: None) -> None:
        super().__init__(condition)
        self._on_drop = on_drop

    def give(self, item: T) -> bool:
        """Offer an item. False, and the item is not taken, once the feed was ended."""
        with self._condition:
            if not self._open:
                return False
            older = list(self._items)
            self._items = deque([item])
            self._condition.notify_all()
        for one in older:
            self._on_drop(one)
        return True


class LosslessFeed(_Feed[T]):
    """Keeps everything in order. Giving waits while it is full: `size` items, or items that weigh `capacity` together."""

    def __init__(
        self,
        size: int,
        condition: threading.Condition | None = None,
        *,
        weigh: Callable[[T], float] = lambda item: 0.0,
        capacity: float = 1.0,
        on_room: Callable[[], None] = lambda: None,
    ) -> None:
        """
        Args:
            on_room: is told, without the condition, that something was taken.
        """
        super().__init__(condition)
        self._on_room = on_room
        self._size = size
        self._weigh = weigh
        self._capacity = capacity
        self._held_up = 0
        """Givers that wait."""

    def take(self, most: int = 1) -> list[T]:
        taken = super().take(most)
        if taken:
            self._on_room()
        return taken

    def holds(self, count: int) -> bool:
        """Whether so many items are there, or as many as there will be before some are taken."""
        with self._condition:
            return len(self._items) >= count or not self._open or self._held_up > 0

    @property
    def has_room(self) -> bool:
        """It is not full."""
        with self._condition:
            return self._has_room(1.0)

    def give(self, item: T, *, wait: bool = True) -> bool:
        """Add an item, after a wait where needed. False, and the item is not taken, once the feed was ended.

        Args:
            wait: or else it is added at once, however full the feed is: for who asks for room before making one.
        """
        weight = self._weigh(item)
        with self._condition:
            if wait and self._open and not self._has_room(weight):
                self._held_up += 1
                self._condition.notify_all()  # whoever waits for more than fits in
                try:
                    self._condition.wait_for(lambda: not self._open or self._has_room(weight))
                finally:
                    self._held_up -= 1
            if not self._open:
                return False
            self._items.append(item)
            self._condition.notify_all()
            return True

    def _has_room(self, weight: float) -> bool:
        if not self._items:
            return True  # what is heavier than all that is allowed must get through as well
        return len(self._items) < self._size and sum(map(self._weigh, self._items)) + weight <= self._capacity


def wait_for_any(condition: threading.Condition, feeds: Callable[[], Iterable[Watched]], timeout_s: float | None = None) -> bool:
    """Wait until one of the feeds has something or has ended. False after the timeout.

    Args:
        condition: all feeds were made with it.
        feeds: those that there are now; whoever changes that notifies the condition.
    """

    def something() -> bool:
        watched = list(feeds())
        return any(feed.waiting or feed.ended for feed in watched) or not watched

    with condition:
        return condition.wait_for(something, timeout_s)
