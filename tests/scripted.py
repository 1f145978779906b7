"""Sources, sinks and analysers that do as a test says: for what no real one can be made to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction

import numpy as np

from stream.analysis.analyser import Analyser
from stream.analysis.track_manager import TrackManager
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.monitoring.timing import Stage, untimed
from stream.pipeline.pipeline import Pipeline
from stream.pipeline.report import Report
from stream.sinks.result import Result
from stream.sources.source import SourceStatus

IMAGE = np.zeros((48, 64, 3), np.uint8)


class Scripted:
    """A source that gives `count` frames; before each one it waits for `gate`, where there is one."""

    def __init__(
        self,
        count: int,
        *,
        live: bool = False,
        gate: Callable[[int], object] | None = None,
        error: Exception | None = None,
        name: str = "script",
    ) -> None:
        self.info = SourceInfo(name, 64, 48, live=live)
        self.status = SourceStatus()
        self._count, self._gate, self._error = count, gate, error
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        self.status.state = "up"
        try:
            for index in range(self._count):
                if self._gate is not None:
                    self._gate(index)
                if self.closed.is_set():
                    return
                yield Frame.of_image(
                    IMAGE.copy(), source=self.info.name, captured_at=time.monotonic(), index=index, pts=index, time_base=Fraction(1, 25)
                )
            if self._error is not None:
                raise self._error
        finally:
            self.status.state = "ended"

    def close(self) -> None:
        self.closed.set()


class Endless(Scripted):
    """A camera that goes on until it is closed."""

    def __init__(self, **options: object) -> None:
        super().__init__(10**9, gate=lambda index: self.closed.wait(0.005), **options)  # type: ignore[arg-type]


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self, on_write: Callable[[Result], None] = lambda result: None) -> None:
        self.notes: list[str] = []
        self.results: list[Result] = []
        self.closed = 0
        self.on_write = on_write

    def write(self, result: Result) -> None:
        self.on_write(result)
        self.results.append(result)

    def close(self) -> None:
        self.closed += 1

    @property
    def frames(self) -> list[int]:
        return [result.frame.index for result in self.results]


class Slow(Analyser):
    """An analyser that calls back before each look."""

    def __init__(self, before: Callable[[Sequence[Frame]], None]) -> None:
        super().__init__(None, None)
        self._before = before

    def look(self, frames: Sequence[Frame], managers: Sequence[TrackManager], stage: Stage = untimed) -> list[Analysis]:
        self._before(frames)
        return super().look(frames, managers, stage)


def nothing() -> Analyser:
    """An analyser that finds nothing, at once."""
    return Analyser(None, None)


def adds_up(report: Report) -> bool:
    """Whether each picture that was read was analysed or is counted as left out."""
    return all(source.read == source.analysed + source.dropped for source in report.sources)


def camera_results(count: int, *, size: tuple[int, int] = (120, 160), pts: int = 90_000_000) -> Iterator[Result]:
    """What a camera gives: noise that moves, at 30 frames/s, from an arbitrary time on."""
    info = SourceInfo("camera", live=True)
    noise = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    for index in range(count):
        image = np.roll(noise, index, axis=1)
        frame = Frame.of_image(image, source="camera", captured_at=0.0, index=index, pts=pts + 3000 * index, time_base=Fraction(1, 90000))
        yield Result(frame, Analysis("camera", index, frame.time_s), info)


@contextmanager
def running(pipeline: Pipeline) -> Iterator[None]:
    """The run on a thread of its own, until it is stopped."""
    thread = threading.Thread(target=pipeline.run)
    thread.start()
    try:
        yield
    finally:
        pipeline.stop()
        thread.join(10)
        assert not thread.is_alive()
