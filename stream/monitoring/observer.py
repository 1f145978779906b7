"""What happens in a run, told once to whoever listens: the report, the metrics, a measurement, the job."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from stream.deadline import Deadline
from stream.faces import Analysis
from stream.frame import Frame

StageName = Literal["decode", "detect", "search", "check", "classify", "identify", "track", "draw", "write"]
STAGES: tuple[StageName, ...] = get_args(StageName)

DropReason = Literal["newer", "unshown", "unwritten", "stopped", "failed"]
DROP_REASONS: tuple[DropReason, ...] = get_args(DropReason)
NEVER_ANALYSED = frozenset[DropReason](("newer", "stopped", "failed"))
"""Of these frames nobody looked for faces in; the others were analysed, and missed the screen or the recording."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source is doing at this moment, and what is counted where it happens."""

    up: bool
    """It gives pictures."""
    waiting: dict[str, int]
    """Frames that wait: `look` for the worker, `show` for the renderer, `write` for the slowest output."""
    shown_at: float | None
    """`time.monotonic()` at which the newest shown frame had arrived."""
    reconnects: int
    decode_errors: int
    unwritten: int
    """Frames that an output did not get, or not in time."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What is to be said of a source at its end."""

    failures: Sequence[str] = ()
    """One sentence for each picture that could not be read."""
    notes: Sequence[str] = ()
    """One for each thing the user should know although the job went on."""
    error: str | None = None


class Observed(Protocol):
    """One source of a run. Two may have one name."""

    @property
    def name(self) -> str: ...

    @property
    def live(self) -> bool: ...

    def state(self) -> SourceState:
        """How it is now. Any thread."""
        ...


class RunObserver:
    """Listens to a run. Everything is told by the thread in which it happens, so an observer is quick and takes several threads.

    One that listens to a part of it inherits the rest, which does nothing.
    """

    def began(self, source: Observed) -> None:
        """A source is about to be read."""

    def read(self, source: Observed, frame: Frame) -> None:
        """It gave a frame."""

    def dropped(self, source: Observed, reason: DropReason) -> None:
        """A frame missed something."""

    def analysed(self, source: Observed, frame: Frame, analysis: Analysis, age_s: float) -> None:
        """A frame was looked at, and was so old when that was done."""

    def shown(self, source: Observed, frame: Frame, age_s: float) -> None:
        """Every output has had a frame, which was so old then."""

    def output_failed(self, source: Observed, error: Exception) -> None:
        """An output ends alone; the run goes on."""

    def ended(self, source: Observed, ending: Ending) -> None:
        """A source and its outputs are closed."""

    def stopping(self, deadline: Deadline) -> None:
        """The run was asked to end. Told once."""

    def stage(self, stage: StageName, seconds: float) -> None:
        """A stage ran once, for so long."""

    def candidates_dropped(self, so_far: int) -> None:
        """The detector had no place for so many possible faces since it was made."""


class Observers(RunObserver):
    """Tells several what one is told."""

    def __init__(self, observers: Sequence[RunObserver] = ()) -> None:
        self._observers = tuple(observers)

    def began(self, source: Observed) -> None:
        for one in self._observers:
            one.began(source)

    def read(self, source: Observed, frame: Frame) -> None:
        for one in self._observers:
            one.read(source, frame)

    def dropped(self, source: Observed, reason: DropReason) -> None:
        for one in self._observers:
            one.dropped(source, reason)

    def analysed(self, source: Observed, frame: Frame, analysis: Analysis, age_s: float) -> None:
        for one in self._observers:
            one.analysed(source, frame, analysis, age_s)

    def shown(self, source: Observed, frame: Frame, age_s: float) -> None:
        for one in self._observers:
            one.shown(source, frame, age_s)

    def output_failed(self, source: Observed, error: Exception) -> None:
        for one in self._observers:
            one.output_failed(source, error)

    def ended(self, source: Observed, ending: Ending) -> None:
        for one in self._observers:
            one.ended(source, ending)

    def stopping(self, deadline: Deadline) -> None:
        for one in self._observers:
            one.stopping(deadline)

    def stage(self, stage: StageName, seconds: float) -> None:
        for one in self._observers:
            one.stage(stage, seconds)

    def candidates_dropped(self, so_far: int) -> None:
        for one in self._observers:
            one.candidates_dropped(so_far)

    @contextmanager
    def timed(self, stage: StageName) -> Iterator[None]:
        """Tells how long the block took, unless it failed."""
        begin = time.perf_counter()
        yield
        self.stage(stage, time.perf_counter() - begin)
