"""The status line of a live picture."""

from __future__ import annotations

import time
from collections import deque

from stream.faces import Analysis
from stream.frame import Frame
from stream.sinks.result import Measured
from stream.sources.source import Source

RATE_OVER_S = 2.0
"""The rate is that of so long."""


class StatusLine:
    """Rate and place in the file; or rate, age, age of the last look and state of the camera. And how much is looked and searched."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._shown_at: deque[float] = deque()
        self._looked_at: deque[float] = deque()
        self._searched_at: deque[float] = deque()

    def shown(self) -> None:
        """A picture was shown."""
        _count(self._shown_at)

    def looked(self, analysis: Analysis) -> None:
        """What was found in a frame is there."""
        if analysis.searched_s is not None:
            _count(self._looked_at)
            if analysis.searched_s == analysis.time_s:
                _count(self._searched_at)

    def measure(self, frame: Frame, looked_at: float | None = None) -> Measured:
        """What is to be said of a frame, as numbers.

        Args:
            looked_at: `time.monotonic()` at which the frame of the last look had arrived; None: there was none.
        """
        rate, now = _rate(self._shown_at), time.monotonic()
        if not self._source.info.live:
            return Measured(rate, None, None)
        return Measured(rate, now - frame.captured_at, None if looked_at is None else now - looked_at)

    def words(self, frame: Frame, measured: Measured) -> str:
        """The line for a frame."""
        parts = [f"{measured.rate:.0f} frames/s"]
        if measured.latency_s is not None:
            parts.append(f"latency {1000 * measured.latency_s:.0f} ms")
            parts.append("no look yet" if measured.last_look_s is None else f"last look {1000 * measured.last_look_s:.0f} ms ago")
            parts.append(self._source.status.state)
        else:
            parts.append(f"at {frame.time_s:.1f} s")
        _forget(self._looked_at)
        _forget(self._searched_at)
        if self._looked_at:
            parts.append(f"{_rate(self._looked_at):.0f} looks/s, {_rate(self._searched_at):.0f} of them searches")
        return " · ".join(parts)


def _count(moments: deque[float]) -> None:
    moments.append(time.monotonic())
    _forget(moments)


def _forget(moments: deque[float]) -> None:
    now = time.monotonic()
    while moments and now - moments[0] > RATE_OVER_S:
        moments.popleft()


def _rate(moments: deque[float]) -> float:
    span = moments[-1] - moments[0] if moments else 0.0
    return (len(moments) - 1) / span if span else 0.0
