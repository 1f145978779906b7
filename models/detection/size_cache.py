"""Things that cost much to make and are worth it for sizes of pictures that come again and again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

SIZES_REMEMBERED = 256

Size = tuple[int, int, int]
"""Height, width and smallest face, px."""
T = TypeVar("T")


class SizeCache(Generic[T]):
    """One thing for each size that came often enough; the few that were asked for last are kept."""

    def __init__(self, pictures_before: int, kept: int) -> None:
        """
        Args:
            pictures_before: of one size, that do without.
            kept: things at a time. A size whose thing had to go must prove itself again.
        """
        self.pictures_before = pictures_before
        self._kept = kept
        self._seen: OrderedDict[Size, int] = OrderedDict()
        self.made: OrderedDict[Size, T] = OrderedDict()

    def get(self, size: Size, count: int, make: Callable[[], T]) -> T | None:
        """The thing for pictures of a size of which so many more came, made now if this is the time; None if it is too early."""
        self._seen[size] = self._seen.pop(size, 0) + count
        if len(self._seen) > SIZES_REMEMBERED:
            self._seen.popitem(last=False)
        return self.expect(size, make) if self._seen[size] > self.pictures_before else None

    def expect(self, size: Size, make: Callable[[], T]) -> T:
        """The thing for pictures of a size that is known to come often."""
        one = self.made.pop(size) if size in self.made else make()
        self.made[size] = one
        self._seen[size] = max(self._seen.get(size, 0), self.pictures_before)
        if len(self.made) > self._kept:
            gone, _ = self.made.popitem(last=False)
            self._seen.pop(gone, None)
        return one
