"""Results as JSON Lines, for other programs."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from stream.deadline import Deadline
from stream.errors import SinkError
from stream.faces import PLACE_DIGITS, SHARE_DIGITS, Face
from stream.fingerprint import fingerprint, fingerprint_of
from stream.monitoring.health import Health
from stream.sinks.files import claim, leads_elsewhere, open_already, unwritable
from stream.sinks.lines import Lines
from stream.sinks.result import Result
from stream.sinks.track_summaries import TrackSummaries, person_of


class EventsSink:
    """Writes one line for each analysed frame, at once, to a file or (`-`) to standard output.

    Each line is an object: `source`, `frame` (its index), `time_s`, `width`, `height`, `faces`; live sources add `utc`, when the
    picture arrived. Each face has `track` (null where nothing is tracked), `box` (x1, y1, x2, y2 in pixels, to 0.1), `score`,
    `landmarks`, and, only where a classifier ran, `label`, `probability` and `probabilities`: a missing key says that nobody asked,
    which no value could. Scores have 4 digits. Where people are known by name, `person` is who it is (`name`, null for
    nobody of them, `score` and `looks`), or null while that is not decided. Then follow `state` and `age_s` of the track.
    The first event of each file has its `fingerprint`, so that `facestream draw` takes no other for it.
    Asked to, it also writes a line for each track when it is over (`track_summaries`).
    A reader that goes away (`| head`) ends the output quietly. One that does not read holds up a file's run, never a live picture.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        overwrite: bool = False,
        health: Health | None = None,
        tracks_over_after_s: float | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """
        Args:
            tracks_over_after_s: a line for each track, too, once it was not seen for so long; None: none.
            health: is told what the thread is at that writes to a pipe.
            more: what each line says besides.

        Raises:
            SinkError: the file cannot be written, or exists and must not be replaced.
        """
        self.notes: list[str] = []
        self.is_stdout = is_stdout(path)
        self._name = "standard output" if self.is_stdout else str(path)
        try:
            file = _stdout() if self.is_stdout else _opened(Path(path), overwrite=overwrite)
        except OSError as error:
            raise SinkError(unwritable(path, error)) from error
        self._tracks = TrackSummaries(tracks_over_after_s) if tracks_over_after_s is not None else None
        self._more = dict(more or {})
        self._file: TextIO | None = file
        self._lines = _lines(file, health)

    @property
    def full(self) -> bool:
        """Whether nobody reads what was written: the next line would be lost."""
        return self._lines is not None and self._lines.full

    def hurry(self, deadline: Deadline) -> None:
        """Wait for the reader no longer than that."""
        if self._lines is not None:
            self._lines.hurry(deadline)

    def write(self, result: Result) -> None:
        """Write one line.

        Raises:
            SinkError: the disk is full or gone.
        """
        event = event_of(result)
        if (file := _file_of(result)) is not None:
            event["fingerprint"] = file
        self._write(event)
        if self._tracks is not None:
            for summary in self._tracks.over(result):
                self._write(summary)

    def _write(self, event: dict[str, Any]) -> None:
        if self._file is None:
            return
        line = json.dumps(event | self._more, ensure_ascii=self.is_stdout, allow_nan=False) + "\n"
        with self._explained():
            if self._lines is None:
                self._file.write(line)
                self._file.flush()
                return
            self._lines.put(line)
            if self._lines.error is not None:
                raise self._lines.error

    def close(self) -> None:
        """Let the reader read to the end, and close the file. Any number of times; standard output stays open."""
        tracks, self._tracks = self._tracks, None
        try:
            for summary in tracks.rest() if tracks is not None else ():
                self._write(summary)
        finally:
            self._close()

    def _close(self) -> None:
        lines, self._lines = self._lines, None
        with self._explained():
            if lines is not None:
                lines.close()
                if lines.lost:
                    self.notes.append(f"{self._name}: {lines.lost} events were not written: nobody read them.")
                if lines.error is not None:
                    raise lines.error
            file, self._file = self._file, None
            if file is not None and file is not sys.stdout:
                file.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self._lose_reader()
        except OSError as error:
            file, self._file = self._file, None
            if file is not None and file is not sys.stdout:
                with suppress(OSError):  # the first error is the one to tell
                    file.close()
            raise SinkError(unwritable(self._name, error)) from error

    def _lose_reader(self) -> None:
        """Send what Python would flush at its end to nowhere: it would complain about the broken pipe once more."""
        self._file = None
        if self.is_stdout:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, sys.stdout.fileno())
                os.close(nowhere)


def is_stdout(path: Path | str) -> bool:
    """Whether events that are to go there go to standard output."""
    return str(path) == "-" or open_already(Path(path)) == 1


def _stdout() -> TextIO:
    if getattr(sys.stdout, "name", None) == os.devnull:
        raise SinkError("standard output is closed; name a file for the events.")
    try:
        sys.stdout.flush()
        return _text(sys.stdout.fileno(), closefd=False)  # of its own: what is printed may be lost on a full disk, an event is an error
    except io.UnsupportedOperation:  # what stands in for standard output inside other programs
        return sys.stdout


def _opened(path: Path, *, overwrite: bool) -> TextIO:
    if (descriptor := open_already(path)) is not None:
        return _text(os.dup(descriptor))
    if not leads_elsewhere(path):
        claim(path, None, overwrite=overwrite)
    return _text(path)


def _text(place: Path | int, *, closefd: bool = True) -> TextIO:
    # odd file names become \\u escapes
    return open(place, "w", encoding="utf-8", errors="backslashreplace", newline="\n", closefd=closefd)


def _lines(file: TextIO, health: Health | None) -> Lines | None:
    """For pipes and terminals, where a reader may hold up the writer; None for a file on a disk."""
    if sys.platform == "win32":  # its pipes cannot be asked whether they take anything
        return None
    try:
        descriptor = file.fileno()
    except io.UnsupportedOperation:  # what stands in for standard output inside other programs
        return None
    file.flush()
    mode = os.fstat(descriptor).st_mode
    return Lines(descriptor, health) if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor) else None


def _file_of(result: Result) -> str | None:
    """Which file it is that begins with this frame; None for all other frames, and where there is no file."""
    if result.info.still:
        return fingerprint(Path(result.frame.source)) if result.info.pictures else None
    return fingerprint_of(result.info) if result.frame.index == 0 else None


def event_of(result: Result) -> dict[str, Any]:
    """What the line of an analysed frame says."""
    frame = result.frame
    event: dict[str, Any] = {
        "source": frame.source,
        "frame": frame.index,
        "time_s": round(frame.time_s, 6),
        "width": frame.width,
        "height": frame.height,
        "faces": [_face(face, knows_people=result.analysis.knows_people) for face in result.analysis.faces],
    }
    if (hidden := result.analysis.hidden) is not None:
        areas = [[round(value, PLACE_DIGITS) for value in area] for area in hidden.areas.tolist()]
        event["hidden"] = {"style": hidden.style, "shape": hidden.shape, "whole": hidden.whole, "areas": areas}
    if result.info.live:
        arrived = datetime.now(UTC) - timedelta(seconds=time.monotonic() - frame.captured_at)
        event["utc"] = arrived.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _face(face: Face, *, knows_people: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "track": face.track or None,
        "box": [round(value, PLACE_DIGITS) for value in face.box.tolist()],
        "score": round(float(face.score), SHARE_DIGITS),
        "landmarks": [[round(x, PLACE_DIGITS), round(y, PLACE_DIGITS)] for x, y in face.landmarks.tolist()],
    }
    if face.label is not None:
        entry["label"] = face.label
        entry["probability"] = None if face.probability is None else round(float(face.probability), SHARE_DIGITS)
        entry["probabilities"] = {label: round(float(value), SHARE_DIGITS) for label, value in face.probabilities.items()}
    if face.certainty is not None:
        entry["certainty"] = round(face.certainty, 4)
    if knows_people:
        entry["person"] = person_of(face)
    entry["state"], entry["age_s"] = face.state, round(face.age_s, 3)
    if face.hidden:
        entry["hidden"] = True
    return entry
