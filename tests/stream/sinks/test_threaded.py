"""A slow output never ages the picture."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from stream.errors import SinkError
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.sinks.result import Result
from stream.sinks.threaded import Threaded


class SlowSink:
    """Really a sink; each write waits for leave."""

    def __init__(self, error: Exception | None = None) -> None:
        self.notes: list[str] = []
        self.leave = threading.Event()
        self.begun = threading.Event()
        self.written: list[int] = []
        self.closed = 0
        self.error = error

    def write(self, result: Result) -> None:
        self.begun.set()
        assert self.leave.wait(10)
        if self.error:
            raise self.error
        self.written.append(result.frame.index)

    def close(self) -> None:
        self.closed += 1


def result(index: int) -> Result:
    frame = Frame.of_image(np.zeros((4, 4, 3), np.uint8), source="cam", captured_at=0.0, index=index)
    return Result(frame, Analysis("cam", index, 0.0), SourceInfo("cam", live=True))


def test_what_comes_too_fast_is_dropped_and_counted_and_the_rest_is_written_in_order():
    slow = SlowSink()
    sink = Threaded(slow, waiting=3)
    sink.write(result(0))
    assert slow.begun.wait(10)
    for index in range(1, 11):
        sink.write(result(index))
    assert sink.dropped == 7
    slow.leave.set()
    sink.close()
    sink.close()
    assert slow.written == [0, 1, 2, 3]
    assert slow.closed == 1


def test_an_error_reaches_the_thread_that_writes_and_closing_does_not_hang():
    slow = SlowSink(SinkError("disk full"))
    sink = Threaded(slow, waiting=1)
    sink.write(result(0))
    assert slow.begun.wait(10)
    sink.write(result(1))
    slow.leave.set()
    with pytest.raises(SinkError, match="disk full"):
        sink.close()
    sink.close()
    assert slow.closed == 1


def test_what_a_failed_output_did_not_get_is_counted() -> None:
    slow, failures = SlowSink(SinkError("disk full")), list[str]()
    slow.leave.set()
    sink = Threaded(slow, waiting=100)
    for index in range(10):
        try:
            sink.write(result(index))
        except SinkError as error:
            failures.append(str(error))
    try:
        sink.close()
    except SinkError as error:
        failures.append(str(error))
    assert failures == ["disk full"], "told once"
    assert (sink.dropped, sink.lost, sink.unwritten) == (0, 10, 10)
