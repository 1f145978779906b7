"""A lane while it runs: the feeds where its threads meet, and what each of them does."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from stream.analysis.track_manager import TrackManager
from stream.deadline import Deadline
from stream.faces import Analysis
from stream.frame import Frame
from stream.monitoring.health import Health
from stream.monitoring.observer import DropReason, Ending, Observers, SourceState
from stream.pipeline.capture import Capture
from stream.pipeline.feeds import LatestFeed, LosslessFeed
from stream.pipeline.file_presenter import FilePresenter
from stream.pipeline.lane import Lane
from stream.pipeline.lane_output import LaneOutput
from stream.pipeline.live_presenter import LOOKS_WAITING, LivePresenter
from stream.pipeline.presenter import Presenter
from stream.settings.schema import PipelineSettings

WAITING_PIXELS = 1e8
"""Pixels that may wait before a stage, whatever `queue_size` says: a folder of huge photos must not fill the memory."""


class RunningLane:
    """One lane of a run. `capture` is the capture thread's, `presenter` and `output` the renderer's, `take` and `hand_on` the worker's."""

    def __init__(
        self,
        lane: Lane,
        tracks: TrackManager,
        observers: Observers,
        health: Health,
        to_worker: threading.Condition,
        to_renderer: threading.Condition,
        settings: PipelineSettings,
        max_frames: int | None,
    ) -> None:
        """
        Args:
            tracks: of its source; the worker's.
            to_worker: that of all feeds that the worker reads.
            to_renderer: the same for the renderer.
            max_frames: the source is read no further.
        """
        info = lane.source.info
        self.lane, self.tracks = lane, tracks
        self.name, self.live = info.name, info.live
        self._observers = observers
        self._batch_size = settings.batch_size
        self.frames: LatestFeed[Frame] | LosslessFeed[Frame]
        """To the worker."""
        self.looks: LosslessFeed[tuple[Frame, Analysis]]
        """From the worker to the renderer."""
        self._lossless: LosslessFeed[Frame] | None = None
        """The same, of files on this machine: their batches are full, so that each run of a file looks at the same ones."""
        self.newest: LatestFeed[Frame] | None = None
        """From the source straight to the renderer; live only."""
        self.leaves = False
        """It was removed: it goes as soon as nothing more comes of it."""
        self._held = 0
        """Frames that were looked at and wait for what comes next."""
        self.looked_through = False
        """The worker has told the renderer that no more will come."""
        self.output = LaneOutput(lane, self, observers)
        self.presenter: Presenter
        if self.live:
            self.frames = LatestFeed(to_worker, lambda frame: observers.dropped(self, "newer"))
            self.newest = LatestFeed(to_renderer, lambda frame: observers.dropped(self, "unshown"))
            self.looks = LosslessFeed(LOOKS_WAITING, to_renderer)
            self.presenter = LivePresenter(
                lane, self.newest, self.looks, self.output, observers.timed, health, hides=tracks.settings.hide.on
            )
        else:
            size = max(settings.queue_size, settings.batch_size)
            self.frames = feed = LosslessFeed(size, to_worker, weigh=_pixels, capacity=WAITING_PIXELS)
            self._lossless = feed if info.path is not None else None
            self.looks = LosslessFeed(
                size, to_renderer, weigh=lambda look: _pixels(look[0]), capacity=WAITING_PIXELS, on_room=lambda: _wake(to_worker)
            )
            self.presenter = FilePresenter(lane, self.looks, self.output, observers.timed, health)
        self.capture = Capture(
            lane.source, self.frames, self.newest, told_as=self, observers=observers, health=health, max_frames=max_frames
        )
        observers.began(self)

    @property
    def waiting(self) -> int:
        """How many frames may be looked at now: none while the renderer does not keep up, so that the worker never waits for one lane."""
        return self.frames.waiting if self._may_take else 0

    @property
    def ended(self) -> bool:
        """No frame will come any more."""
        return self.frames.ended

    def take(self, *, one: bool) -> list[Frame]:
        """What is there to look at now. The worker's thread.

        Args:
            one: no more than one frame, so that the round is soon over.
        """
        return self.frames.take(1 if one else self._batch_size) if self._may_take else []

    @property
    def _may_take(self) -> bool:
        return self.looks.has_room and (self._lossless is None or self._lossless.holds(self._batch_size))

    def hand_on(self, frame: Frame, analysis: Analysis) -> None:
        """Give a look, or what is final now of earlier ones, to the renderer. The worker's thread."""
        self._held += 1
        self._hand_on(self.tracks.settle(frame, analysis))

    def hand_on_the_rest(self) -> None:
        """The same for what was held back: no frame will come any more."""
        if self._held:
            self._hand_on(self.tracks.flush())

    def drop_held(self, reason: DropReason) -> None:
        """What was held back is lost. Once the worker does nothing any more."""
        for _ in range(self._held):
            self._observers.dropped(self, reason)
        self._held = 0

    def _hand_on(self, settled: Sequence[tuple[Frame, Analysis]]) -> None:
        self._held -= len(settled)
        for frame, analysis in settled:
            self._observers.analysed(self, frame, analysis, time.monotonic() - frame.captured_at)
            self.looks.give((frame, analysis), wait=self.live)

    @property
    def has_live_view(self) -> bool:
        """There is a live picture that looks must not make late."""
        return self.live and self.output.shows

    @property
    def over(self) -> bool:
        """Nothing more will come of it: it can be finished."""
        return self.presenter.done and not self.capture.running

    def state(self) -> SourceState:
        """How it is now. Any thread."""
        status, last = self.lane.source.status, self.output.last
        return SourceState(
            up=status.state == "up",
            waiting={
                "look": self.frames.waiting,
                "show": self.looks.waiting + (self.newest.waiting if self.newest is not None else 0),
                "write": self.output.waiting,
            },
            shown_at=last.frame.captured_at if last is not None else None,
            reconnects=status.reconnects,
            decode_errors=status.decode_errors,
            unwritten=self.output.unwritten,
        )

    def must_hide(self, hides: bool) -> None:
        """Whether faces are to be hidden from now on. Any thread."""
        if isinstance(self.presenter, LivePresenter):
            self.presenter.must_hide = hides

    def halt(self) -> None:
        """Close the source, and drop what nobody has looked at; what was analysed can still be shown. Any thread."""
        self.capture.halt()
        for _ in self.frames.abandon():
            self._observers.dropped(self, "stopped")
        if self.newest is not None:
            self.newest.abandon()
        self.presenter.hurry()

    def hurry(self, deadline: Deadline) -> None:
        """The user wants to end."""
        self.output.hurry(deadline)

    def finish(self) -> list[BaseException]:
        """Wait for the capture thread, close the outputs, and tell what there is to tell. The errors of the source and of closing."""
        self.capture.join()
        errors, notes = self.output.close()
        status, error = self.lane.source.status, self.capture.error
        told = error or (errors[0] if errors and self.lane.guest else None)
        self._observers.ended(self, Ending(tuple(status.failures), (*status.notes, *notes), str(told) if told else None))
        if self.lane.guest:
            return []
        return [error, *errors] if error is not None else errors


def _wake(condition: threading.Condition) -> None:
    with condition:
        condition.notify_all()


def _pixels(frame: Frame) -> float:
    return frame.width * frame.height
