"""The capture thread: reads one source to its end and gives its frames to whoever is next."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from stream.frame import Frame
from stream.monitoring.health import Health, ThreadActivity
from stream.monitoring.observer import Observed, Observers
from stream.pipeline.feeds import LatestFeed, LosslessFeed
from stream.sources.source import Source


class Capture:
    """Reads one source. Everything but `run` may be called from any thread."""

    def __init__(
        self,
        source: Source,
        to_worker: LatestFeed[Frame] | LosslessFeed[Frame],
        to_renderer: LatestFeed[Frame] | None,
        *,
        told_as: Observed,
        observers: Observers,
        health: Health,
        max_frames: int | None,
    ) -> None:
        """
        Args:
            to_worker: gets every frame.
            to_renderer: gets every frame, too, straight from here; live only.
            told_as: who the observers are told about.
            max_frames: it ends after so many.
        """
        self.error: BaseException | None = None
        """Why it ended before the source did."""
        self._source, self._to_worker, self._to_renderer, self._told_as = source, to_worker, to_renderer, told_as
        self._observers, self._health, self._max_frames = observers, health, max_frames
        self._halted = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"capture {told_as.name}")

    def start(self) -> None:
        self._thread.start()

    def halt(self) -> None:
        """Ask it to end, within a second."""
        self._halted.set()
        self._source.close()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        """Wait for its end; one that was never started has ended."""
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        with self._health.thread("capture", self._told_as.name, lambda: self._source.status.seen_at) as activity:
            try:
                for count, frame in enumerate(self._frames(activity), 1):
                    if self._halted.is_set():
                        break  # it counts as never read: nobody was given it
                    self._observers.read(self._told_as, frame)
                    if self._to_renderer is not None:
                        self._to_renderer.give(frame)
                    if not self._to_worker.give(frame):
                        self._observers.dropped(self._told_as, "stopped")
                    if count == self._max_frames:
                        break
            except BaseException as error:  # noqa: BLE001 - a thread's edge: handed over to the renderer's
                self.error = error
            finally:
                self._source.close()
                self._to_worker.end()
                if self._to_renderer is not None:
                    self._to_renderer.end()

    def _frames(self, activity: ThreadActivity) -> Iterator[Frame]:
        frames = iter(self._source)
        while True:
            activity.busy("read")
            begin = time.perf_counter()
            frame = next(frames, None)
            activity.idle()
            if frame is None:
                return
            if not self._told_as.live:  # a camera's own pace is no work
                self._observers.stage("decode", time.perf_counter() - begin)
            yield frame
