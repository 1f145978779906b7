"""Files and pictures: every frame with its own faces, as fast as the outputs take them or at the file's own pace."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from stream.faces import Analysis
from stream.frame import Frame
from stream.monitoring.health import Health
from stream.monitoring.timing import Stage
from stream.pipeline.feeds import LosslessFeed, Watched
from stream.pipeline.lane import Lane
from stream.pipeline.lane_output import LaneOutput
from stream.pipeline.presenter import IDLE_S
from stream.pipeline.status_line import StatusLine
from stream.sinks.result import Result

BEHIND_S = 1.0
"""A file in a window that is later than this goes on from where it is."""


class FilePresenter:
    """Shows a file's looks in order. The renderer's thread."""

    def __init__(self, lane: Lane, looks: LosslessFeed[tuple[Frame, Analysis]], output: LaneOutput, stage: Stage, health: Health) -> None:
        self._lane, self._looks, self._output, self._stage, self._health = lane, looks, output, stage, health
        self._status_line = StatusLine(lane.source)
        self._held: Result | None = None
        """The next result, before its time."""
        self._starts_at: float | None = None
        """Paced only: the moment of the source's time 0."""
        self._stays = False
        """The picture on screen waits for the user to turn to the next."""
        self._hurried = False
        self._idle_at = 0.0

    @property
    def done(self) -> bool:
        return self._looks.ended and self._held is None and not self._stays

    @property
    def wait_on(self) -> Sequence[Watched]:
        return [] if self._held is not None or self._stays or self._output.full else [self._looks]

    @property
    def due_in_s(self) -> float:
        if self._held is None or self._stays or self._output.full:
            return math.inf
        if not self._lane.paced or self._lane.source.info.still or self._hurried:
            return 0.0
        now, time_s = time.monotonic(), self._held.frame.time_s
        if self._starts_at is None or now - self._starts_at - time_s > BEHIND_S:  # too slow to keep up: begin anew from here
            self._starts_at = now - time_s
        return max(self._starts_at + time_s - now, 0.0)

    def hurry(self) -> None:
        self._hurried = True

    def show(self) -> list[Result]:
        if self._stays:
            self._stays = self._lane.turn is not None and not (self._lane.turn() or self._hurried)
            return []
        if self._output.full:  # it waits for whoever would lose a result
            return []
        if self._held is None:
            for frame, analysis in self._looks.take():
                self._status_line.looked(analysis)
                self._held = self._result(frame, analysis)
        if self._held is None or self.due_in_s > 0:
            return []
        result, self._held = self._held, None
        self._output.write_analysed(result)
        self._output.write(result)
        self._status_line.shown()
        self._health.ready = True
        self._idle_at = time.monotonic()
        self._stays = result.info.still and self._lane.turn is not None
        return [result]

    def idle(self) -> None:
        now = time.monotonic()
        if now - self._idle_at >= IDLE_S:
            self._idle_at = now
            self._output.idle(None)

    def _result(self, frame: Frame, analysis: Analysis) -> Result:
        measured = self._status_line.measure(frame)
        words = self._status_line.words(frame, measured) if self._lane.status_line else ""
        return Result(frame, analysis, self._lane.source.info, words, self._lane.style, self._stage, measured)
