"""A recording that is stopped and begun anew while the run goes on: each stretch is a file of its own, which plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from stream.deadline import NEVER, Deadline
from stream.errors import SinkError
from stream.sinks.result import Result
from stream.sinks.sink import Idles, Sink, Waits


class SwitchedSink:
    """Writes while it is on. `on` may be set by any thread; what follows from it the thread does that writes."""

    def __init__(self, make: Callable[[Path, bool], Sink], path: Path, *, in_pieces: bool = False) -> None:
        """
        Args:
            make: begins a recording at a path, which may replace what is there where the second word says so.
            path: of the first. Those that follow have the time of their first picture in their names: `NAME-20261125T080000Z.mp4`.
            in_pieces: what is made has such names by itself.
        """
        self.failed = False
        """What it wrote to broke: it is not on any more, and cannot be."""
        self.notes: list[str] = []
        self._make, self._path, self._in_pieces = make, path, in_pieces
        self._sink: Sink | None = make(path, True)
        self._deadline = NEVER
        self._on, self._was_off = True, False

    @property
    def on(self) -> bool:
        return self._on and not self.failed

    @on.setter
    def on(self, on: bool) -> None:
        self._on = on
        if not on:
            self._was_off = True  # last: who writes then finds it off, or on again

    @property
    def full(self) -> bool:
        return isinstance(self._sink, Waits) and self._sink.full

    def hurry(self, deadline: Deadline) -> None:
        self._deadline = deadline
        if isinstance(self._sink, Waits):
            self._sink.hurry(deadline)

    def write(self, result: Result) -> None:
        """Raises `SinkError` as what it writes to."""
        with self._noting_failure():
            self._end_if_switched_off()
            if not self.on:
                return
            if self._sink is None:
                self._sink = self._make(self._path if self._in_pieces else self._unused(datetime.now(UTC)), False)
                if self._deadline.asked and isinstance(self._sink, Waits):
                    self._sink.hurry(self._deadline)
            self._sink.write(result)

    def idle(self) -> None:
        """Nothing comes: what was switched off is finished all the same."""
        with self._noting_failure():
            self._end_if_switched_off()
            if isinstance(self._sink, Idles):
                self._sink.idle()

    def close(self) -> None:
        self._end()

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.failed = True
            raise

    def _end_if_switched_off(self) -> None:
        """Also where it is on again by now: what follows is another recording."""
        if self._was_off:
            self._was_off = False
            self._end()

    def _end(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            try:
                sink.close()
            finally:
                self.notes += [note for note in sink.notes if note not in self.notes]

    def _unused(self, moment: datetime) -> Path:
        """A name that no file has: two stretches may begin in one second."""
        stem = f"{self._path.stem}-{moment:%Y%m%dT%H%M%SZ}"
        names = (self._path.with_stem(stem if number == 1 else f"{stem}-{number}") for number in range(1, 1000))
        with suppress(StopIteration):
            return next(name for name in names if not name.exists())
        raise SinkError(f"{self._path.parent}: there are too many recordings of this second.")
