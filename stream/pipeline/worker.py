"""The worker thread: takes what is there from every lane, looks at all of it together, and hands on what was found."""

from __future__ import annotations

import threading
from collections import deque

from models.classification.face_model import FaceModel
from models.inference.priority import stand_back
from stream.analysis.analyser import Analyser
from stream.analysis.expected_sizes import ExpectedSizes
from stream.frame import Frame
from stream.monitoring.health import Health
from stream.monitoring.observer import DropReason, Observers
from stream.pipeline.feeds import wait_for_any
from stream.pipeline.lanes import Lanes
from stream.pipeline.priority import LOOKS
from stream.pipeline.running_lane import RunningLane
from stream.settings.schema import Settings


class Worker:
    """Owns the models while it runs. Everything but `_run` may be called from any thread."""

    def __init__(
        self, lanes: Lanes, analyser: Analyser, settings: Settings, frames_came: threading.Condition, observers: Observers, health: Health
    ) -> None:
        """
        Args:
            frames_came: the condition of all lanes' `frames`.
        """
        self.failed = threading.Event()
        self.error: BaseException | None = None
        """Why it failed."""
        self._lanes, self._analyser, self._frames_came, self._observers, self._health = lanes, analyser, frames_came, observers, health
        self._sizes = ExpectedSizes(analyser.detector, settings.pipeline.batch_size)
        self._settings = settings
        self._wanted = settings, analyser.model
        self._denied: deque[tuple[str, int, str]] = deque()
        self._in_hand: list[tuple[RunningLane, Frame]] = []
        """What is looked at now."""
        self._handing_on = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="worker")

    def start(self) -> None:
        self._thread.start()

    def replace_settings(self, settings: Settings, model: FaceModel | None) -> None:
        """Look with these, and with that model, from the next round on."""
        self._wanted = settings, model

    def deny(self, source: str, track: int, name: str) -> None:
        """That track is not that person, from the next round on."""
        self._denied.append((source, track, name))

    @property
    def wanted_model(self) -> FaceModel | None:
        """That of the next round."""
        return self._wanted[1]

    def join(self, timeout_s: float | None) -> None:
        """Wait for its end, so long at most; a look that goes on then is lost."""
        self._thread.join(timeout_s)
        self._drop_in_hand("stopped")
        with self._handing_on:
            for lane in self._lanes:
                lane.drop_held("stopped")

    def _run(self) -> None:
        if self._lanes.door or all(lane.has_live_view for lane in self._lanes):
            stand_back(LOOKS)
        try:
            with self._health.thread("worker") as activity:
                while self._wait():
                    self._begin_round()
                    activity.busy("look")
                    self._look()
                    activity.idle()
                    self._hand_on()
        except BaseException as error:  # noqa: BLE001 - a thread's edge: handed over to the renderer's
            self.error = error
            self.failed.set()
        finally:
            for lane in self._lanes:
                self._end(lane)

    def _wait(self) -> bool:
        """Until there is something to look at. False once nothing will come any more."""
        wait_for_any(self._frames_came, lambda: [*(lane for lane in self._lanes if not lane.looked_through), *self._lanes.door])
        for lane in self._lanes:
            if lane.ended and not lane.looked_through:
                self._end(lane)
        return not self._lanes.close_if(lambda lane: lane.ended)

    def _end(self, lane: RunningLane) -> None:
        """Nothing more is looked at: what was held back of it is handed on."""
        with self._handing_on:
            lane.hand_on_the_rest()
        lane.looks.end()
        lane.looked_through = True

    def _begin_round(self) -> None:
        settings, self._analyser.model = self._wanted
        if settings is not self._settings:
            self._settings = settings
            for lane in self._lanes:
                lane.tracks.settings = settings.of_name(lane.name)
        for lane in self._lanes:
            if lane.tracks.model is not self._analyser.model:  # also one that came while the model was being replaced
                lane.tracks.model = self._analyser.model
        while self._denied:
            source, track, name = self._denied.popleft()
            for lane in self._lanes:
                if lane.name == source:
                    lane.tracks.deny(track, name)
        self._sizes.keep([lane.tracks for lane in self._lanes])
        beside_live = any(lane.live for lane in self._lanes)  # which a batch of a file's frames would make late
        self._in_hand = [(lane, frame) for lane in self._lanes for frame in lane.take(one=beside_live)]

    def _look(self) -> None:
        frames, tracks = [frame for _, frame in self._in_hand], [lane.tracks for lane, _ in self._in_hand]
        try:
            for frame, mine in zip(frames, tracks, strict=True):
                self._sizes.expect(frame, mine)
            self._analyses = self._analyser.look(frames, tracks, self._observers.timed)
        except BaseException:
            self._drop_in_hand("failed")
            raise
        self._observers.candidates_dropped(self._analyser.candidates_dropped)

    def _hand_on(self) -> None:
        with self._handing_on:
            for (lane, frame), analysis in zip(self._in_hand, self._analyses, strict=False):  # nothing is in hand once it was left
                lane.hand_on(frame, analysis)
            self._in_hand = []

    def _drop_in_hand(self, reason: DropReason) -> None:
        """What is looked at now is lost, and nothing of it is handed on any more."""
        with self._handing_on:
            for lane, _ in self._in_hand:
                self._observers.dropped(lane, reason)
            self._in_hand = []
