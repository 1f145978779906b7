"""The status line of a live picture."""

from __future__ import annotations

import time
from collections import deque

from stream.frame import Frame
from stream.sources.source import Source

RATE_OVER_S = 2.0
"""The rate is that of so long."""


class StatusLine:
    """Rate and place in the file; or rate, age, age of the last look and state of the camera."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._shown_at: deque[float] = deque()

    def shown(self) -> None:
        """A picture was shown."""
        now = time.monotonic()
        self._shown_at.append(now)
        while now - self._shown_at[0] > RATE_OVER_S:
            self._shown_at.popleft()

    def words(self, frame: Frame, looked_at: float | None = None) -> str:
        """The line for a frame.

        Args:
            looked_at: `time.monotonic()` at which the frame of the last look had arrived; None: there was none.
        """
        parts = [f"{self._rate:.0f} frames/s"]
        if self._source.info.live:
            now = time.monotonic()
            parts.append(f"latency {1000 * (now - frame.captured_at):.0f} ms")
            parts.append("no look yet" if looked_at is None else f"last look {1000 * (now - looked_at):.0f} ms ago")
            parts.append(self._source.status.state)
        else:
            parts.append(f"at {frame.time_s:.1f} s")
        return " · ".join(parts)

    @property
    def _rate(self) -> float:
        span = self._shown_at[-1] - self._shown_at[0] if self._shown_at else 0.0
        return (len(self._shown_at) - 1) / span if span else 0.0
