"""Live: every newest frame at the camera's rate, with the last look's faces moved to its time."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from stream.faces import Analysis
from stream.frame import Frame
from stream.monitoring.health import Health
from stream.monitoring.timing import Stage
from stream.pipeline.feeds import LatestFeed, LosslessFeed, Watched
from stream.pipeline.lane import Lane
from stream.pipeline.lane_output import LaneOutput
from stream.pipeline.presenter import IDLE_S
from stream.pipeline.silence import Silence
from stream.pipeline.status_line import StatusLine
from stream.sinks.result import Result

LOOK_LATE_S = 0.25
"""A picture that stays for longer (the camera is slow) is shown once more when its own faces are known."""
LOOKS_WAITING = 32
"""Looks that may wait for the renderer."""


class LivePresenter:
    """Shows a camera's pictures. The renderer's thread."""

    def __init__(
        self,
        lane: Lane,
        newest: LatestFeed[Frame],
        looks: LosslessFeed[tuple[Frame, Analysis]],
        output: LaneOutput,
        stage: Stage,
        health: Health,
        *,
        hides: bool,
    ) -> None:
        """
        Args:
            hides: faces are to be hidden from the start.
        """
        self._lane, self._newest, self._looks, self._output, self._stage, self._health = lane, newest, looks, output, stage, health
        self._status_line = StatusLine(lane.source)
        self._silence = Silence(lane.source, time.monotonic())
        self._analysis = self._nobody
        """The newest look, and none from before a gap."""
        self._looked_at: float | None = None
        """When the frame of that look had arrived."""
        self.must_hide = hides
        """As the settings have it now; any thread may replace it. Looks that began before follow."""
        self._hides = hides
        """A frame that nobody has looked at is not shown: there may be a face in it that nobody must see."""
        self._gap_ended_at = 0.0
        self._look_is_late = False
        """The newest look is at the very picture that is on the screen without it."""
        self._idle_at = 0.0

    @property
    def done(self) -> bool:
        return self._looks.ended and self._newest.ended

    @property
    def wait_on(self) -> Sequence[Watched]:
        return [self._looks, self._newest]

    @property
    def due_in_s(self) -> float:
        return math.inf

    def hurry(self) -> None:
        """Nothing is held back as it is."""

    def show(self) -> list[Result]:
        looked_at = self._looks.take(LOOKS_WAITING)
        for frame, analysis in looked_at:
            self._output.write_analysed(Result(frame, analysis, self._lane.source.info))
            self._health.ready = True
            self._status_line.looked(analysis)
            self._learn(frame, analysis)
        newest = self._newest.take()
        if not (self._hides or self.must_hide):
            return [self._show_newest(frame) for frame in newest]
        for frame in newest:
            self._note_gap(frame)
        return [self._show(frame, analysis) for frame, analysis in looked_at if analysis.hidden is not None]

    def idle(self) -> None:
        now = time.monotonic()
        if now - self._idle_at < IDLE_S:
            return
        self._idle_at = now
        stale, last = None, self._output.last
        if self._lane.status_line and not self._newest.ended:
            stale = self._silence.picture(now, last)
            if self._look_is_late and not self.must_hide and last is not None and now - last.frame.captured_at > LOOK_LATE_S:
                self._look_is_late = False
                stale = stale or self._result(last.frame, self._analysis)
        self._output.idle(stale)

    def _learn(self, frame: Frame, analysis: Analysis) -> None:
        self._hides = analysis.hidden is not None
        if frame.captured_at >= self._gap_ended_at:
            self._analysis, self._looked_at = analysis, frame.captured_at
            last = self._output.last
            self._look_is_late = (
                not self._hides and last is not None and frame.index == last.frame.index and bool(analysis.faces or last.analysis.faces)
            )

    def _note_gap(self, frame: Frame) -> None:
        if self._silence.ended_by(frame):
            self._gap_ended_at = frame.captured_at
            if self._analysis.index < frame.index:
                self._analysis, self._looked_at = self._nobody, None

    def _show_newest(self, frame: Frame) -> Result:
        self._note_gap(frame)
        self._look_is_late = False
        return self._show(frame, self._analysis.at(frame.time_s))

    def _show(self, frame: Frame, analysis: Analysis) -> Result:
        result = self._result(frame, analysis)
        self._output.write(result)
        self._status_line.shown()
        self._idle_at = time.monotonic()
        return result

    @property
    def _nobody(self) -> Analysis:
        return Analysis(self._lane.source.info.name, -1, 0.0)

    def _result(self, frame: Frame, analysis: Analysis) -> Result:
        measured = self._status_line.measure(frame, self._looked_at)
        words = self._status_line.words(frame, measured) if self._lane.status_line else ""
        return Result(frame, analysis, self._lane.source.info, words, self._lane.style, self._stage, measured)
