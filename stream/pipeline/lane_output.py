"""Where the results of one lane go: its sinks and viewers, each with what it needs, and closed whatever the others do."""

from __future__ import annotations

import time
from collections.abc import Sequence

from stream.deadline import Deadline
from stream.errors import SinkError
from stream.monitoring.observer import Observed, Observers
from stream.pipeline.lane import Lane
from stream.sinks.result import Result
from stream.sinks.sink import Queued, Sink, Waits


class LaneOutput:
    """Gives results to a lane's sinks and viewers. The renderer's thread; the counts may be read by any."""

    def __init__(self, lane: Lane, told_as: Observed, observers: Observers) -> None:
        """
        Args:
            told_as: who the observers are told about.
        """
        self.last: Result | None = None
        """The newest that was shown."""
        self._lane, self._told_as, self._observers = lane, told_as, observers
        everything = list(dict.fromkeys([*lane.analysis_sinks, *lane.sinks, *lane.viewers]))
        self._everything: list[Sink] = everything
        self._waits = [sink for sink in everything if isinstance(sink, Waits)]
        self._queued = [sink for sink in everything if isinstance(sink, Queued)]
        self._failed: set[Sink] = set()
        self._closed: set[Sink] = set()

    @property
    def shows(self) -> bool:
        """Somebody gets every shown frame."""
        return bool(self._lane.sinks or self._lane.viewers)

    @property
    def full(self) -> bool:
        """A sink would lose the next result."""
        return any(sink.full for sink in self._waits)

    @property
    def waiting(self) -> int:
        """Results that wait for the slowest sink."""
        return max((sink.waiting for sink in self._queued), default=0)

    @property
    def unwritten(self) -> int:
        """Results that sinks have lost."""
        return sum(sink.unwritten for sink in self._queued)

    def write_analysed(self, result: Result) -> None:
        """A frame was looked at."""
        self._write(self._lane.analysis_sinks, result)

    def write(self, result: Result) -> None:
        """A frame is shown."""
        with self._observers.timed("write"):
            self._write([*self._lane.sinks, *self._lane.viewers], result)
        self.last = result
        self._observers.shown(self._told_as, result.frame, time.monotonic() - result.frame.captured_at)

    def idle(self, stale: Result | None) -> None:
        """Nothing comes: viewers live, and show what stands in for a picture; what a sink met meanwhile is not kept until the next one."""
        for sink in self._queued:
            try:
                sink.check()
            except SinkError as error:
                self._fail(sink, error)
        for viewer in self._lane.viewers:
            if stale is not None:
                viewer.show_stale(stale)
            viewer.poll()

    def hurry(self, deadline: Deadline) -> None:
        """The user wants to end: no sink waits for longer than that."""
        for sink in self._waits:
            sink.hurry(deadline)

    def close(self) -> tuple[list[BaseException], list[str]]:
        """Close everything, each whatever the others do: the errors of it, and what is to be told."""
        errors = self._close(self._everything)
        return errors, [note for sink in self._everything for note in sink.notes]

    def close_viewers(self) -> list[BaseException]:
        """Close what the renderer's thread alone may close."""
        return self._close(self._lane.viewers)

    def _close(self, sinks: Sequence[Sink]) -> list[BaseException]:
        errors: list[BaseException] = []
        for sink in sinks:
            try:
                try:
                    if sink not in self._closed:
                        self._closed.add(sink)
                        sink.close()
                except SinkError as error:
                    self._fail(sink, error)
            except Exception as error:  # noqa: BLE001 - every close runs; the caller raises the first error
                errors.append(error)
        return errors

    def _write(self, sinks: Sequence[Sink], result: Result) -> None:
        for sink in sinks:
            try:
                sink.write(result)
            except SinkError as error:
                self._fail(sink, error)

    def _fail(self, sink: object, error: SinkError) -> None:
        """An output has failed: that is its end, or the run's. It is told once; one with a thread counts on what it loses."""
        if not any(sink is one for one in self._lane.fail_alone):
            raise error
        if sink not in self._failed:
            self._failed.add(sink)  # type: ignore[arg-type]
            self._observers.output_failed(self._told_as, error)
