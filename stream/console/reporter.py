"""What the user reads: progress and warnings on stderr, results on stdout."""

from __future__ import annotations

import logging
from collections import Counter
from pathlib import Path
from typing import Self

from stream.console import logs
from stream.console.progress import ProgressReporter
from stream.faces import UNKNOWN, Analysis
from stream.frame import SourceInfo
from stream.pipeline.report import SourceReport
from stream.sinks.result import Result
from stream.sources.source import Source


class Console:
    """Tells what happens: a bar on a terminal, plain lines elsewhere; a sentence for each source at its end."""

    def __init__(self, *, list_pictures: bool = False, stdout_taken: bool = False) -> None:
        """
        Args:
            list_pictures: print a line for each picture.
            stdout_taken: stdout carries events; everything else goes to stderr.
        """
        self._list_pictures = list_pictures
        self._stdout_taken = stdout_taken
        self._progress = ProgressReporter()
        self._counts = Counter[str]()
        self._what = ""
        """What was told of last that is not one source's."""

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.__exit__(None, None, None)

    def shown(self, result: Result) -> None:
        """A result went to its sinks."""
        name, info = result.info.name, result.info
        self._counts[name] += 1
        if info.still and self._list_pictures:
            self._print(f"{result.frame.source}: {_faces(result.analysis)}", result.frame.source)
        if info.frames != 1:
            self._progress(name, self._counts[name], info.frames, "pictures" if info.still else "frames")

    def ended(self, report: SourceReport, source: Source, path: Path | None) -> None:
        """A source has ended: what came of it."""
        self._progress.ended(report.name)
        for sentence in [*report.failures, *report.notes]:
            self.failed(sentence, report.name)
        if report.read:
            self._print(summary(report, source.info, path), report.name)
        elif source.info.live:
            cause = f" ({source.status.cause})" if source.status.cause else ""
            self.failed(f"{report.name}: no picture ever came{cause}.", report.name)

    def told(self, what: str, done: float, of: int) -> None:
        """How far work is that is not one source's: of `what` so much is done, of so much."""
        if self._what and self._what != what:
            self._progress.ended(self._what)
        self._what = what
        self._progress(what, int(done), of, tells_rate=True)

    def summed_up(self, report: SourceReport, info: SourceInfo, path: Path | str | None) -> None:
        """What came of a source, or of one's parts together."""
        for note in report.notes:
            self.failed(note, report.name)
        if report.read:
            self._print(summary(report, info, path), report.name)

    def failed(self, sentence: str, source: str = "") -> None:
        """Something could not be done, or the user should know it, and the job goes on."""
        logs.say(sentence, source=source, level=logging.WARNING)

    def _print(self, line: str, source: str) -> None:
        if self._stdout_taken:
            logs.say(line, source=source)
        else:
            print(line, flush=True)


def summary(report: SourceReport, info: SourceInfo, path: Path | str | None) -> str:
    """One line on what came of a source."""
    parts = [
        _count(report.read, "picture" if info.still else "frame"),
        f"{report.frames_with_faces} with faces",
        _count(report.faces, "face") if info.still else _count(report.tracks, "face") + " followed",
    ]
    if report.failures:
        parts.append(f"{len(report.failures)} could not be read")
    if report.dropped:
        parts.append(f"{report.analysed} looked at")
    if info.live and report.median_latency_s is not None:
        parts.append(f"median latency {1000 * report.median_latency_s:.3g} ms")
    if report.reconnects:
        parts.append(_count(report.reconnects, "reconnect"))
    if report.seconds > 0:
        parts.append(f"{report.shown / report.seconds:.1f} {'pictures' if info.still else 'frames'}/s")
    written = "" if path is None else f"; written to {path}"
    if path is not None and not info.live and report.shown < report.analysed:
        written = f"; only {report.shown} written to {path}"
    return f"{report.name}: {', '.join(parts)}{written}"


def _faces(analysis: Analysis) -> str:
    if not analysis.faces:
        return "no face"
    told = []
    for face in analysis.faces:
        x1, y1, x2, y2 = face.box
        word = f"{face.label} {face.probability:.2f}" if face.probability is not None else f"face {face.score:.2f}"
        if face.person is not None:
            word = face.person.name or UNKNOWN
        told.append(f"{word} at {x1:.0f},{y1:.0f} {x2 - x1:.0f}×{y2 - y1:.0f}")
    return f"{_count(len(told), 'face')}: " + "; ".join(told)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
