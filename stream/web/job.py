"""A photo or a video from a page, from its first byte to its result, and how it goes through the run like any other source."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from stream.deadline import Deadline
from stream.errors import FacestreamError, SinkError
from stream.frame import Frame, SourceInfo
from stream.names import printable
from stream.pipeline.lane import Lane
from stream.pipeline.priority import RECORDINGS
from stream.settings.schema import Settings
from stream.sinks.files import unwritable
from stream.sinks.recording.hidden_tags import told_without
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sinks.sink import Sink
from stream.sinks.threaded import Threaded
from stream.sources.opening import open_source
from stream.sources.source import Source, SourceStatus
from stream.web.dropped_file import check_file, safe_suffix
from stream.web.encoding import drawn_event, jpeg_of

State = Literal["receiving", "waiting", "running", "done", "failed", "cancelled"]

SHOWN_PX = 2560
"""The longer side of a photo as the page gets it is no longer than this."""
JPEG_QUALITY = 90
SOURCE = "upload"
"""What the source of each is called in the log and the metrics: the file's own name is its owner's."""


@dataclass(eq=False)
class Job:
    """One file. The server's event loop changes it, but for what its sink counts."""

    id: str
    key: str
    """Of the page that it belongs to."""
    name: str
    """As its owner calls it: shown, and never a path."""
    ref: str
    """The page's own word for it."""
    folder: Path
    """Its own, which goes with it."""
    state: State = "receiving"
    kind: Literal["photo", "video", ""] = ""
    why: str = ""
    """It failed, in a sentence."""
    notes: list[str] = field(default_factory=list)
    frames: int = 0
    """Written."""
    of_frames: int | None = None
    """About how many there will be."""
    photo: dict[str, Any] = field(default_factory=dict)
    """What was found in a photo: its event."""

    @property
    def given(self) -> Path:
        """The file as it came."""
        return self.folder / f"given{safe_suffix(self.name)}"

    @property
    def result(self) -> Path:
        """What becomes of it."""
        return self.folder / ("photo.jpg" if self.kind == "photo" else "faces.mp4")

    @property
    def over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    def told(self) -> dict[str, Any]:
        """How it is now, for its page."""
        message: dict[str, Any] = {
            "type": "job",
            "id": self.id,
            "ref": self.ref,
            "name": self.name,
            "state": self.state,
            "kind": self.kind,
            "why": self.why,
        }
        message |= {"notes": self.notes, "frames": self.frames, "of_frames": self.of_frames}
        if self.state == "done" and self.kind == "photo":
            message |= {key: self.photo[key] for key in ("width", "height", "faces")}
        return message

    @property
    def cancelled(self) -> bool:
        return self.state == "cancelled"

    def in_words(self, sentence: str) -> str:
        """A sentence about it with the name that its owner knows; no path of this machine leaves it."""
        for path in (self.given, self.result):
            sentence = sentence.replace(str(path), self.name)
        return sentence.replace(str(self.folder), "this server").replace(f"{SOURCE}: ", "")

    def fail(self, sentence: str) -> None:
        if not self.over:
            self.state, self.why = "failed", self.in_words(sentence)

    def finish(self) -> None:
        """There is a result, unless something else is known already."""
        if not self.over:
            self.state = "done"

    def forget(self) -> None:
        """Nothing of it stays on the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)


def shown_name(name: str) -> str:
    """A file's name as it may be shown and offered for a download: without the folders before it, and what is not printable."""
    return printable(name.replace("\\", "/").rpartition("/")[2]).strip()[:200] or "file"


class JobLane:
    """What the run gets of a job: a lane, whose end is told."""

    def __init__(self, job: Job, settings: Settings, came: Callable[[], None], over: Callable[[], None]) -> None:
        """Opens the file.

        Args:
            came: is told after each frame, at once.
            over: the lane has gone, and the result is whole or the job has an error.

        Raises:
            FacestreamError: it cannot be read.
        """
        check_file(job.given)
        played_once = settings.source.model_copy(update={"loop": False})
        self.source = _Told(open_source(job.given, played_once, name=SOURCE))
        job.kind, job.of_frames = "photo" if self.source.info.still else "video", self.source.info.frames
        info, notes = told_without(self.source.info, settings.hide)
        sink = _Photo(job) if job.kind == "photo" else VideoSink(job.result, info, settings.output)
        sink.notes += notes
        self.sink = _Answer(job, sink, self.source, came, over)
        self.lane = Lane(self.source, [Threaded(self.sink, source=SOURCE, steps_back=RECORDINGS)], guest=True)

    @property
    def error(self) -> str | None:
        """Why there is no result."""
        if self.sink.error or self.source.error:
            return self.sink.error or self.source.error
        if not self.source.ended:
            return "The run ended before this file did."
        return None if self.sink.job.frames else f"{self.sink.job.name}: nothing in it can be read."


class _Told:
    """The source of a job, which keeps its error."""

    def __init__(self, source: Source) -> None:
        self.error: str | None = None
        self.ended = False
        """It was read to its end."""
        self._source, self._closed = source, False

    @property
    def info(self) -> SourceInfo:
        return self._source.info

    @property
    def status(self) -> SourceStatus:
        return self._source.status

    def __iter__(self) -> Iterator[Frame]:
        try:
            yield from self._source
            self.ended = not self._closed
        except FacestreamError as error:
            self.error = str(error)

    def close(self) -> None:
        self._closed = True
        self._source.close()


class _Answer:
    """The sink of a job: another one, whose error ends the job and nothing else. The thread of `Threaded`."""

    def __init__(self, job: Job, sink: Sink, source: _Told, came: Callable[[], None], over: Callable[[], None]) -> None:
        self.job, self.error, self.notes = job, "", sink.notes
        self._sink, self._source, self._came, self._over = sink, source, came, over

    @property
    def full(self) -> bool:
        return False

    def hurry(self, deadline: Deadline) -> None:
        if isinstance(self._sink, VideoSink):
            self._sink.hurry(deadline)

    def write(self, result: Result) -> None:
        if self.error:
            return
        try:
            self._sink.write(result)
        except FacestreamError as error:
            self.error = str(error)
            self._source.close()
            return
        self.job.frames += 1
        self._came()

    def close(self) -> None:
        try:
            self._sink.close()
        except FacestreamError as error:
            self.error = self.error or str(error)
        self._over()


class _Photo:
    """Keeps a photo as a page can show it, upright, and what was found in it."""

    def __init__(self, job: Job) -> None:
        self.notes: list[str] = []
        self._job = job

    def write(self, result: Result) -> None:
        """
        Raises:
            SinkError: the disk is full.
        """
        frame = result.frame
        width = max(1, int(frame.width * min(1.0, SHOWN_PX / max(frame.width, frame.height))))
        try:
            self._job.result.write_bytes(jpeg_of(result.bare, width, JPEG_QUALITY))
        except OSError as error:
            raise SinkError(unwritable(self._job.result, error)) from error
        self._job.photo = drawn_event(result)

    def close(self) -> None:
        """It is whole already."""
