"""How far long work is: a bar with the time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console as Terminal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY_S = 10.0
"""How often a line is written where there is no terminal to draw a bar on."""


class Told:
    """Called with what is being done, how much of it is done, and of how much: tells it on stderr."""

    def __init__(self) -> None:
        terminal = Terminal(file=sys.stderr, soft_wrap=True)
        self._bar: Progress | None = None
        if terminal.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=terminal, transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[float, int]] = {}
        self._told_at = time.monotonic()

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, done: int, of: int) -> None:
        if self._bar is not None:
            if what not in self._tasks:
                self._tasks[what] = self._bar.add_task(what, total=of)
            self._bar.update(self._tasks[what], completed=done, total=of, visible=done < of)
            return
        now = time.monotonic()
        since, first = self._begun.setdefault(what, (now, done))
        if now - self._told_at >= LINE_EVERY_S:
            self._told_at = now
            left = f", about {_in_words((now - since) / (done - first) * (of - done))} left" if done > first else ""
            print(f"{what}: {done} of {of}{left}", file=sys.stderr, flush=True)

    def say(self, line: str) -> None:
        """A line that stays, above the bar."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
