"""The first pass: each segment is looked at by itself, and what the models say is taken down."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from stream.analysis.analyser import Analyser
from stream.analysis.expected_sizes import ExpectedSizes
from stream.analysis.requests import Alike, Check
from stream.segments.cut import Cut, no_matter
from stream.segments.notes import Notes
from stream.segments.written import written
from stream.settings.schema import Settings
from stream.sources.video_part import frames_of


@dataclass(frozen=True, slots=True)
class Looked:
    """What looking at a segment came to."""

    number: int
    frames: int
    """That were looked at: its own and some before and behind."""


def look(cut: Cut, number: int, settings: Settings, analyser: Analyser, path: Path, *, done: Callable[[int], None] = no_matter) -> Looked:
    """Follow the faces of a segment, begun some seconds before it, and write down all that was asked of the models, and their answers.

    Args:
        number: of the segment.
        analyser: has the models that the settings name. One thread at a time.
        path: is written; `thread` reads it.
        done: is told how many frames more are done; what it raises ends the pass.

    Raises:
        SourceError: the video must be worked on in one piece: something in it is not as its packets promise.
        SinkError: the file cannot be written.
    """
    part = cut.segments[number].looked_at
    taker = _NoteTaker(analyser)
    manager, sizes = taker.follow(cut.info, settings), ExpectedSizes(analyser.detector, settings.pipeline.batch_size)
    sizes.keep([manager])
    with closing(frames_of(cut.path, cut.info.name, part)) as frames:
        while batch := list(itertools.islice(frames, settings.pipeline.batch_size)):
            for frame in batch:
                sizes.expect(frame, manager)
                taker.notes.frame(frame)
            for frame, analysis in zip(batch, taker.look(batch, [manager] * len(batch)), strict=True):
                manager.settle(frame, analysis)
            done(len(batch))
    with written(path) as file:
        taker.notes.save(file)
    return Looked(number, part.count)


class _NoteTaker(Analyser):
    """Answers as another one does, and takes it down."""

    def __init__(self, analyser: Analyser) -> None:
        super().__init__(analyser.detector, analyser.model, analyser.identifier)
        self.notes = Notes()

    def _search(self, requests: Sequence[object]) -> None:
        super()._search(requests)
        self.notes.answered(requests)

    def _check(self, checks: Sequence[Check]) -> None:
        super()._check(checks)
        self.notes.answered(checks)

    def _compare(self, requests: Sequence[Alike]) -> None:
        super()._compare(requests)
        self.notes.answered(requests)

    def _ask(self, requests: Sequence[object]) -> None:
        super()._ask(requests)
        self.notes.answered(requests)

    def _identify(self, requests: Sequence[object]) -> None:
        super()._identify(requests)
        self.notes.answered(requests)
