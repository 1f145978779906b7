"""How much of one camera a page gets: as much as it can draw at once, so that its delay cannot grow."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_ON_THEIR_WAY = 4
"""Pictures of one camera: more would only be older when they are drawn."""
LEVELS = ((1.0, 80), (1.0, 60), (0.5, 60), (0.5, 40), (0.25, 40))
"""Share of the wanted width, and JPEG's quality, from a good line to a thin one (guesses, looked at)."""
SLOW_S, QUICK_S = 0.35, 0.15
"""A page that needs longer for a picture gets smaller ones; one that needs less may have larger ones again."""
PATIENCE_S = 3.0
"""For so long it is quick before it gets larger ones; twice as long each time that was a mistake."""
SILENT_S = 10.0
"""A page that has drawn nothing for so long is gone."""


@dataclass(slots=True)
class Pace:
    """What is on its way to one page from one camera."""

    clock: Callable[[], float] = time.monotonic
    sent: int = 0
    """The number of the newest picture that was sent."""
    level: int = 0
    _on_the_way: deque[tuple[int, float, float]] = field(default_factory=deque)
    """Number, when it was sent, when it had arrived here."""
    _took: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=50))
    """When a picture was drawn, and how long after it was sent."""
    _sent_at: deque[float] = field(default_factory=lambda: deque(maxlen=20))
    _changed_at: float = -math.inf
    """When the level changed last."""
    _improved_at: float = -math.inf
    """When it last got larger pictures again."""
    _slow_at: float = -math.inf
    """When a picture last took longer than `QUICK_S`."""
    _patience_s: float = PATIENCE_S

    @property
    def may_send(self) -> bool:
        return len(self._on_the_way) < self.window

    @property
    def window(self) -> int:
        """How many pictures may be on their way: as many as come while one is."""
        if len(self._took) < 2 or len(self._sent_at) < 2:
            return 1 + bool(self._took)
        span = self._sent_at[-1] - self._sent_at[0]
        rate = (len(self._sent_at) - 1) / span if span else 0.0
        return max(1, min(MOST_ON_THEIR_WAY, 1 + math.ceil(rate * min(took for _, took in self._took))))

    @property
    def scale(self) -> float:
        return LEVELS[self.level][0]

    @property
    def quality(self) -> int:
        return LEVELS[self.level][1]

    @property
    def silent(self) -> bool:
        """Something was sent, and nothing came back."""
        return bool(self._on_the_way) and self.clock() - self._on_the_way[0][1] > SILENT_S

    def send(self, number: int, captured_at: float) -> None:
        """A picture goes out that had arrived then."""
        now = self.clock()
        self.sent = number
        self._on_the_way.append((number, now, captured_at))
        self._sent_at.append(now)

    def drawn(self, number: int) -> float | None:
        """The page has drawn that one, and passed over all before it. The picture's age, s; None: nothing of the kind was on its way."""
        now, last = self.clock(), None
        while self._on_the_way and self._on_the_way[0][0] <= number:
            last = self._on_the_way.popleft()
        if last is None:
            return None
        _, sent_at, captured_at = last
        self._took.append((now, now - sent_at))
        self._adapt(now - sent_at)
        return now - captured_at

    def _adapt(self, took: float) -> None:
        now = self.clock()
        if took > QUICK_S:
            self._slow_at = now
        recent = sorted([took for when, took in self._took if when > self._changed_at][-5:])
        if len(recent) >= 3 and recent[len(recent) // 2] > SLOW_S and self.level < len(LEVELS) - 1:
            if now - self._improved_at < self._patience_s:
                self._patience_s = min(60.0, 2 * self._patience_s)
            self.level, self._changed_at = self.level + 1, now
        elif self.level and now - max(self._slow_at, self._changed_at) > self._patience_s:
            self.level, self._changed_at, self._improved_at = self.level - 1, now, now
