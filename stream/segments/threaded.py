"""The second pass: what was found in all segments, put in order as one run would have found it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from stream.analysis.analyser import Analyser
from stream.analysis.expected_sizes import ExpectedSizes
from stream.analysis.requests import Alike, Ask, Check, Search, Who
from stream.analysis.track_manager import TrackManager
from stream.errors import SourceError
from stream.faces import Analysis
from stream.frame import Frame
from stream.segments.again import Again
from stream.segments.cut import Cut, no_matter
from stream.segments.notes import marks_of
from stream.segments.records import Records
from stream.segments.written import sync
from stream.settings.schema import Settings
from stream.sinks.events import EventsSink
from stream.sinks.result import Result
from stream.sources.video_part import Stretch, times_mark

Request = TypeVar("Request", Search, Check, Alike, Ask, Who)
ANSWERS = ("found", "same", "rows", "crops", "vectors", "scores", "gallery")
"""What requests are answered in."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file of events those of a segment begin."""

    offset: int
    """Bytes before it."""
    line: int
    """Of its first line, from 1."""
    marks: int
    """`notes.marks_of` its pictures, as they were looked at."""


@dataclass(frozen=True, slots=True)
class Threaded:
    """What putting in order came to."""

    places: tuple[Place, ...]
    """Of each segment."""
    frames: int
    with_faces: int
    tracks: int
    """Faces that were followed."""
    asked: dict[str, int]
    """Questions to the models, by kind."""
    anew: dict[str, int]
    """Those of them that the notes do not answer."""
    decoded: int
    """Frames that were decoded once more for these."""


def thread(
    cut: Cut, settings: Settings, notes: Sequence[Path], analyser: Analyser, events: Path, *, done: Callable[[int], None] = no_matter
) -> Threaded:
    """Follow the faces from the first frame to the last as one run does, with what was noted in the segments for the models' answers. What
    nobody has asked there, near where they meet, is asked now.

    Args:
        notes: those of each segment, as `look` wrote them.
        analyser: has the models that the settings name.
        events: is written: what `facestream run --events` writes.
        done: is told how many frames more are done; what it raises ends the pass.

    Raises:
        SourceError: notes are missing or damaged, or the video must be worked on in one piece: parts of it are not decoded alike from
            every key frame.
        SinkError: the events cannot be written.
    """
    records = Records(notes)
    _check(cut, records)
    over_after_s = settings.tracker.forget_after_s if settings.output.track_events else None
    sink = EventsSink(events, overwrite=True, tracks_over_after_s=over_after_s)
    with closing(Again(cut, records)) as again:
        asked = _FromRecords(analyser, records, again, settings)
        try:
            writer = _Writer(cut, records, events, sink)
            for frame, analysis in _analyses(cut, settings, asked, records, again):
                writer.write(frame, analysis)
                done(1)
        finally:
            sink.close()
        sync(events)
        return Threaded(
            tuple(writer.places), cut.frames, writer.with_faces, len(writer.tracks), dict(asked.asked), dict(asked.anew), again.decoded
        )


def _check(cut: Cut, records: Records) -> None:
    """Whether there are notes of every frame, and of the same ones."""
    if records.differs is not None:
        at_s = float(records.differs * cut.time_base)
        raise SourceError(f"{cut.info.name}: its picture at {at_s:.2f} s is another one when it is decoded from another key frame.")
    for one in cut.segments:
        mine = np.array(records.times[one.own.first : one.own.first + one.own.count], np.int64)
        if times_mark(mine) != one.own.times:
            raise SourceError(f"{cut.info.name}: the notes are not of this cut of it.")


def _analyses(cut: Cut, settings: Settings, asked: _FromRecords, records: Records, again: Again) -> Iterator[tuple[Frame, Analysis]]:
    manager = asked.manager = asked.follow(cut.info, settings)
    frames = (_frame(cut, index, pts, records, again) for index, pts in enumerate(records.times))
    while batch := list(itertools.islice(frames, settings.pipeline.batch_size)):
        for frame, analysis in zip(batch, asked.look(batch, [manager] * len(batch)), strict=True):
            yield from manager.settle(frame, analysis)
    yield from manager.flush()


def _frame(cut: Cut, index: int, pts: int, records: Records, again: Again) -> Frame:
    """A frame as far as it was noted; its pixels are decoded once more where somebody wants them."""
    records.reach(index)
    noted = records.of(pts)

    def part(left: int, top: int, right: int, bottom: int, smaller: int) -> np.ndarray | None:
        make = again.at(pts).make_part
        return make(left, top, right, bottom, smaller) if make is not None else None

    return Frame(
        cut.info.name,
        index,
        pts,
        cut.time_base,
        0.0,
        noted.width,
        noted.height,
        lambda: again.at(pts).image.copy(),
        make_part=part,
        make_luma=partial(records.thumbnail, pts),
    )


class _FromRecords(Analyser):
    """Answers with what was noted; asks the models about the rest."""

    def __init__(self, analyser: Analyser, records: Records, again: Again, settings: Settings) -> None:
        super().__init__(analyser.detector, analyser.model, analyser.identifier)
        self.asked, self.anew = Counter[str](), Counter[str]()
        self._records, self._again = records, again
        self._sizes = ExpectedSizes(analyser.detector, settings.pipeline.batch_size)
        self.manager: TrackManager | None = None
        """That asks."""

    def _search(self, requests: Sequence[object]) -> None:
        self._answer(Search, requests, self._records.search, super()._search)

    def _check(self, checks: Sequence[Check]) -> None:
        self._answer(Check, checks, self._records.check, super()._check)

    def _compare(self, requests: Sequence[Alike]) -> None:
        self._answer(Alike, requests, self._records.alike, super()._compare)

    def _ask(self, requests: Sequence[object]) -> None:
        self._answer(Ask, requests, self._records.ask, super()._ask)

    def _identify(self, requests: Sequence[object]) -> None:
        self._answer(Who, requests, self._who, super()._identify)

    def _who(self, request: Who) -> bool:
        if self.identifier is None or not self._records.who(request):
            return False
        gallery = self.identifier.gallery
        good = np.isfinite(request.vectors).all(axis=1)
        request.scores = np.full((len(request.vectors), len(gallery.names)), np.nan, np.float32)
        request.scores[good] = gallery.scores(request.vectors[good])
        request.gallery = gallery
        return True

    def _answer(
        self,
        kind: type[Request],
        requests: Sequence[object],
        noted: Callable[[Request], bool],
        really: Callable[[Sequence[Request]], None],
    ) -> None:
        """All that is asked together is asked anew where one answer is missing: so it was asked in one run."""
        mine = [one for one in requests if isinstance(one, kind)]
        self.asked[kind.__name__] += len(mine)
        known = [noted(one) for one in mine]
        if all(known):
            return
        self.anew[kind.__name__] += len(mine)
        real = [self._real(one) for one in mine]
        really(real)
        for one, its in zip(mine, real, strict=True):
            for name in ANSWERS:
                if hasattr(one, name):
                    setattr(one, name, getattr(its, name))

    def _real(self, request: Request) -> Request:
        """The same of the pictures themselves."""
        real = replace(request, frame=self._again.at(request.frame.pts))
        if isinstance(real, Search) and self.manager is not None:
            self._sizes.keep([self.manager])
            self._sizes.expect(real.frame, self.manager)
        return replace(real, before=self._again.at(real.before.pts)) if isinstance(real, Alike) else real


class _Writer:
    """Writes the events, and keeps where those of each segment begin."""

    def __init__(self, cut: Cut, records: Records, path: Path, sink: EventsSink) -> None:
        self.places: list[Place] = []
        self.with_faces = 0
        self.tracks: set[int] = set()
        self._cut, self._path, self._sink = cut, path, sink
        self._begins = {one.own.first: one.own for one in cut.segments}
        self._records = records
        self._lines = 0
        self._counted = 0

    def write(self, frame: Frame, analysis: Analysis) -> None:
        if (own := self._begins.get(frame.index)) is not None:
            self.places.append(self._place(own))
        self._sink.write(Result(frame, analysis, self._cut.info))
        self.with_faces += bool(analysis.faces)
        self.tracks |= {face.track for face in analysis.faces}

    def _place(self, own: Stretch) -> Place:
        with self._path.open("rb") as file:
            file.seek(self._counted)
            for line in file:
                self._lines += 1
                self._counted += len(line)
        return Place(self._counted, self._lines + 1, marks_of(self._records.marks(own.first, own.count)))
