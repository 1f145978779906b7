"""What the user reads: progress and warnings on stderr, results on stdout."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Self

from rich.console import Console as Terminal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from stream.faces import Analysis
from stream.frame import SourceInfo
from stream.report import SourceReport
from stream.sinks import Result
from stream.sources import Source

LINE_EVERY_S = 10.0
"""How often progress is told where there is no terminal to draw a bar on."""


class Console:
    """Tells what happens: a bar on a terminal, plain lines elsewhere; a sentence for each source at its end."""

    def __init__(self, *, list_pictures: bool = False, stdout_taken: bool = False) -> None:
        """
        Args:
            list_pictures: print a line for each picture.
            stdout_taken: stdout carries events; everything else goes to stderr.
        """
        self._list_pictures = list_pictures
        self._out = sys.stderr if stdout_taken else sys.stdout
        terminal = Terminal(file=sys.stderr, soft_wrap=True)
        self._bar: Progress | None = None
        if terminal.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=terminal, transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._counts: Counter[str] = Counter()
        self._told_at = time.monotonic()

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def shown(self, result: Result) -> None:
        """A result went to its sinks."""
        name, info = result.info.name, result.info
        self._counts[name] += 1
        if info.still and self._list_pictures:
            print(f"{result.frame.source}: {_faces(result.analysis)}", file=self._out, flush=True)
        if self._bar is not None:
            if name not in self._tasks:
                self._tasks[name] = self._bar.add_task(name, total=info.frames)
            self._bar.advance(self._tasks[name])
        elif time.monotonic() - self._told_at >= LINE_EVERY_S and info.frames != 1:
            self._told_at = time.monotonic()
            of = f" of about {info.frames}" if info.frames else ""
            print(f"{name}: {self._counts[name]}{of} frames", file=sys.stderr, flush=True)

    def ended(self, report: SourceReport, source: Source, path: Path | None) -> None:
        """A source has ended: what came of it."""
        if self._bar is not None and report.name in self._tasks:
            self._bar.remove_task(self._tasks.pop(report.name))
        for sentence in [*report.failures, *report.notes]:
            self.failed(sentence)
        if report.read:
            print(summary(report, source.info, path), file=self._out, flush=True)
        elif source.info.live:
            cause = f" ({source.status.cause})" if source.status.cause else ""
            self.failed(f"{report.name}: no picture ever came{cause}.")

    def failed(self, sentence: str) -> None:
        """Something could not be done, or the user should know it, and the job goes on."""
        print(f"facestream: {sentence}", file=sys.stderr, flush=True)


def summary(report: SourceReport, info: SourceInfo, path: Path | None) -> str:
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
        told.append(f"{word} at {x1:.0f},{y1:.0f} {x2 - x1:.0f}×{y2 - y1:.0f}")
    return f"{_count(len(told), 'face')}: " + "; ".join(told)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
