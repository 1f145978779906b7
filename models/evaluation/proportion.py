"""So many of so many, with what chance leaves open."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with what chance leaves open."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """0..1; of nothing, 0."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval: the true share lies in it 19 times out of 20."""
        if not self.of:
            return 0.0, 1.0
        z2 = 1.96**2
        centre = (self.count + z2 / 2) / (self.of + z2)
        half = 1.96 / (self.of + z2) * math.sqrt(self.count * (self.of - self.count) / self.of + z2 / 4)
        return max(centre - half, 0.0), min(centre + half, 1.0)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({self.count} of {self.of}; 95 % interval {low:.1%} to {high:.1%})"
