"""How far long work is: a bar with the time left on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from stream.console import logs
from stream.signals import check_interrupted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 10.0
"""How often a line is written where there is no terminal to draw a bar on; of what goes on for long, less often."""
LINE_EVERY_SHARE = 0.1
"""After an hour a line every six minutes: a camera runs for months."""


class ProgressReporter:
    """Called with what is being done, how much of it is done, and of how much: tells it on stderr."""

    def __init__(self) -> None:
        self._bar = _bar() if sys.stderr.isatty() and not logs.for_machines() else None
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[float, int]] = {}
        self._told_at: dict[str, float] = {}

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, what: str, done: int, of: int | None, unit: str = "", *, tells_rate: bool = False) -> None:
        """
        Args:
            of: None where nobody knows.
            unit: of what; then `of` is an estimate.
            tells_rate: also how many a second.

        Raises:
            KeyboardInterrupt: the user has asked for the end, and nobody has heard it so far.
        """
        check_interrupted()
        if self._bar is not None:
            if what not in self._tasks:
                self._tasks[what] = self._bar.add_task(what, total=of)
            rate = f", {self._rate(what, done):.3g}/s" if tells_rate else ""
            self._bar.update(self._tasks[what], completed=done, total=of, visible=of is None or done < of, description=f"{what}{rate}")
            return
        now = time.monotonic()
        since, first = self._begun.setdefault(what, (now, done))
        if now - self._told_at.setdefault(what, now) >= max(LINE_EVERY_S, LINE_EVERY_SHARE * (now - since)):
            self._told_at[what] = now
            left = f", about {_in_words((now - since) / (done - first) * (of - done))} left" if of and first < done < of else ""
            rate = f", {self._rate(what, done):.3g}/s" if tells_rate else ""
            logs.say(f"{what}: {done}{_of(of, unit)}{unit and f' {unit}'}{rate}{left}", source=what if unit else "")

    def _rate(self, what: str, done: int) -> float:
        """A second, since it was first told."""
        now = time.monotonic()
        since, first = self._begun.setdefault(what, (now, done))
        return (done - first) / (now - since) if now > since else 0.0

    def ended(self, what: str) -> None:
        """It needs no bar any more."""
        self._begun.pop(what, None)
        self._told_at.pop(what, None)
        if self._bar is not None and what in self._tasks:
            self._bar.remove_task(self._tasks.pop(what))

    def say(self, line: str) -> None:
        """A line that stays, above the bar."""
        check_interrupted()
        logs.say(line)


def _bar() -> Progress:
    from rich.console import Console as Terminal  # takes 70 ms, so only where a terminal shows it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    terminal = Terminal(file=sys.stderr, soft_wrap=True)
    with_results = sys.stdout is not None and sys.stdout.isatty()  # else what goes to a file would go to the terminal
    return Progress(*columns, console=terminal, transient=True, redirect_stdout=with_results)


def _of(of: int | None, unit: str) -> str:
    return "" if not of else f" of about {of}" if unit else f" of {of}"


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
