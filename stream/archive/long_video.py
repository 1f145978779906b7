"""A long video of an archive: cut into segments, so that several workers are at it, and put together at the end."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from models.atomic import put_in_place
from stream.analysis.analyser import Analyser
from stream.archive.files import part_of
from stream.archive.store import Store
from stream.archive.unit import Record, Unit
from stream.drawing.mark import Style
from stream.errors import SourceError
from stream.pipeline.report import SourceReport
from stream.segments.cut import SEGMENT_S, Cut, probe
from stream.segments.joining import join
from stream.segments.looking import look
from stream.segments.painting import paint
from stream.segments.threaded import Threaded, thread
from stream.settings.schema import Settings
from stream.sinks.recording.video import FORMATS
from stream.sources.opening import open_source
from stream.sources.video import VideoSource

SEGMENTS = 4
"""A video that is just long enough to be cut has so many."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of the work: a pass over one segment, or over all of them."""

    kind: Literal["look", "thread", "paint", "join"]
    number: int = 0
    """Of the segment."""


@dataclass(slots=True, eq=False)
class LongVideo:
    """What is left to do of one."""

    unit: Unit
    cut: Cut
    folder: Path
    """For what the passes hand on."""
    threaded: Threaded | None = None
    _left: set[Step] = field(default_factory=set)

    def begin(self) -> list[Step]:
        """The first steps."""
        return self._steps("look") or self._steps("thread")

    def ended(self, step: Step, answer: object) -> list[Step]:
        """A step is done: those that can be taken now. After `join` there is nothing left."""
        self._left.discard(step)
        if isinstance(answer, Threaded):
            self.threaded = answer
        if self._left or step.kind == "join":
            return []
        if step.kind == "look":
            return self._steps("thread")
        return (self._steps("paint") if step.kind == "thread" and self.unit.output is not None else []) or self._steps("join")

    def _steps(self, kind: Literal["look", "thread", "paint", "join"]) -> list[Step]:
        """Those of a kind that an earlier run has not left done."""
        numbers = range(len(self.cut.segments)) if kind in ("look", "paint") else [0]
        steps = [Step(kind, number) for number in numbers]
        steps = [step for step in steps if kind in ("thread", "join") or not place_of(self.folder, step).exists()]
        self._left = set(steps)
        return steps


def place_of(folder: Path, step: Step) -> Path:
    """What a step leaves behind."""
    return folder / ("events.jsonl" if step.kind == "thread" else f"{step.kind}-{step.number}")


def folder_of(store: Store, unit: Unit, cut: Cut) -> Path:
    """For what the passes over a video hand on: another one where it is cut in another way."""
    segments = hashlib.sha256(str([(one.own.first, one.own.count) for one in cut.segments]).encode()).hexdigest()[:8]
    return store.place / "segments" / f"{unit.id}-{segments}"


def cut_of(unit: Unit, settings: Settings) -> Cut | None:
    """Where a video is cut; None: it is short, or must stay in one piece."""
    longest_s = 60 * settings.cluster.cut_minutes
    if unit.kind != "video" or not longest_s:
        return None
    try:
        source = open_source(unit.source, settings.source, name=unit.name)
        source.close()
        info = source.info
        if not isinstance(source, VideoSource) or not info.rate or (info.frames or 0) / info.rate < longest_s:
            return None
        wanted = unit.output is not None
        return probe(Path(unit.source), settings, segment_s=min(SEGMENT_S, longest_s / SEGMENTS), name=unit.name, pictures=wanted)
    except SourceError:
        return None  # whoever does it whole will say so


def take_step(step: Step, video: LongVideo, settings: Settings, analyser: Analyser, style: Style, done: Callable[[int], None]) -> object:
    """Do one; the answer is for `LongVideo.ended`.

    Args:
        done: is told how many frames more are done; what it raises ends the step.

    Raises:
        SourceError: the video must be done in one piece.
        SinkError: the disk is full or gone.
    """
    cut, folder = video.cut, video.folder
    segments = range(len(cut.segments))
    events = place_of(folder, Step("thread"))
    if step.kind == "look":
        with _whole(place_of(folder, step)) as part:
            look(cut, step.number, settings, analyser, part, done=done)
        return None
    if step.kind == "thread":
        with _whole(events) as part:
            return thread(cut, settings, [place_of(folder, Step("look", number)) for number in segments], analyser, part, done=done)
    assert video.threaded is not None
    if step.kind == "paint":
        place, kind = video.threaded.places[step.number], FORMATS[Path(video.unit.output or "").suffix.lower()]
        with _whole(place_of(folder, step)) as part:
            paint(cut, step.number, settings, events, place, part, kind=kind, style=style, done=done)
    return None


def put_together(video: LongVideo, settings: Settings, store: Store, *, events: bool, done: Callable[[int], None]) -> Record:
    """The last step: the video and its events are in place then.

    Raises:
        SourceError, SinkError: as `take_step`.
        OSError: a file cannot be put in place.
    """
    unit, cut, threaded = video.unit, video.cut, video.threaded
    assert threaded is not None
    report = SourceReport(cut.info.name, threaded.frames, threaded.frames, threaded.frames)
    report.frames_with_faces, report.tracks = threaded.with_faces, threaded.tracks
    record = Record(unit.id)
    if unit.output is not None:
        output = Path(unit.output)
        part = part_of(output, video=True)
        chunks = [place_of(video.folder, Step("paint", number)) for number in range(len(cut.segments))]
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            joined = join(cut, settings, chunks, part, kind=FORMATS[output.suffix.lower()], done=done)
            put_in_place(part, output)
        finally:
            part.unlink(missing_ok=True)
        report.notes = list(joined.notes)
        record.outputs.append((unit.output, joined.bytes))
    if events:
        with _whole(store.events(unit.id)) as fresh:
            shutil.copyfile(place_of(video.folder, Step("thread")), fresh)
    record.reports.append(report.counts())
    return record


def forget(video: LongVideo) -> None:
    """What the passes handed on is of no use any more."""
    shutil.rmtree(video.folder, ignore_errors=True)


@contextmanager
def _whole(place: Path) -> Iterator[Path]:
    """Where a pass may write what will be at `place`, whole."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(place)
    try:
        yield part
        put_in_place(part, place)
    finally:
        part.unlink(missing_ok=True)
