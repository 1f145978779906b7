"""Faces of a camera are hidden from the moment when that is asked for, however long the look takes that goes on then."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from stream.frame import Frame
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.settings.loading import load_settings
from stream.sinks.result import Result
from tests.scripted import Kept, Scripted, Slow

ASKED_AT, LOOK_ENDS_AT, ALL = 30, 60, 120


def test_no_picture_is_shown_that_was_not_looked_at_for_it() -> None:
    asked, goes_on = threading.Event(), threading.Event()
    pipelines: list[Pipeline] = []

    def gate(index: int) -> None:
        time.sleep(0.005)  # a camera's pace
        if index == ASKED_AT:
            pipelines[0].replace_settings(load_settings(None, ["hide.style=fill"]))
            asked.set()
        if index == LOOK_ENDS_AT:
            goes_on.set()

    def before(frames: Sequence[Frame]) -> None:
        if frames[0].index >= ASKED_AT - 5:
            goes_on.wait(20)

    def note(result: Result) -> None:
        if asked.is_set() and result.frame.index > ASKED_AT:
            late.append(result)

    late: list[Result] = []
    sink = Kept(note)
    pipelines.append(Pipeline([Lane(Scripted(ALL, live=True, gate=gate), [sink])], Slow(before)))
    pipelines[0].run()
    assert sink.results[0].analysis.hidden is None
    assert len(late) > 5
    assert all(one.analysis.hidden is not None and one.analysis.hidden.whole for one in late), "and without a detector all is hidden"
