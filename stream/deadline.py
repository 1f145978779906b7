"""Until when what was asked to stop may still work: a deadline is made when somebody asks, and handed down to whoever has work left."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

STOP_S = 2.0
"""From the wish to its end a run takes no longer: promised to users. The parts below fit into it, side by side or one after another."""
SHOW_S = 0.7
"""What was analysed is still shown, and lines that wait are still read by who reads them."""
WRITE_S = 0.8
"""What waits for a recording is still written; the rest is dropped and counted."""
LOOK_S = 1.2
"""A look may still take so long: nobody can interrupt one at a photo of 24 megapixels. Its thread ends by itself."""
ENCODE_S = 1.2
"""An encoder may go on with the pictures that it holds."""
LEAVE_S = 1.6
"""Then the thread of an output that is not finished is left behind."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which a run was asked to end, and what is left of each part's time from there."""

    asked_at: float = math.inf
    """`time.monotonic()`; infinity while nobody has asked."""

    @classmethod
    def now(cls) -> Deadline:
        """Somebody asks at this moment."""
        return cls(time.monotonic())

    @property
    def asked(self) -> bool:
        return self.asked_at < math.inf

    def left_s(self, part_s: float) -> float:
        """How much is left of a part's time; infinity while nobody has asked, 0 once it is over."""
        return max(0.0, self.asked_at + part_s - time.monotonic())


NEVER = Deadline()
"""Nobody has asked."""
