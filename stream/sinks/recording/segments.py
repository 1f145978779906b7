"""A recording in pieces, so that days of it can be kept, copied and thrown away one by one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from stream.errors import SinkError
from stream.frame import SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result

LATE_S = 5.0
"""A picture may still come so long after it was captured, on a machine with too much to do (a guess)."""


def since_the_epoch_s() -> float:
    """What is added to `time.monotonic()` to get seconds since 1970, UTC. Asked anew each time: the clock may have been set right."""
    return time.time() - time.monotonic()


class SegmentedSink:
    """Writes a camera's pictures into one video after the other: `NAME-20261125T080000Z.mp4`, by the UTC of its first picture.

    A new piece begins where the clock passes a whole multiple of its length since midnight (or 1970, which is the same for lengths that
    divide a day). Each is closed, and plays, before the next begins. A run that has a name puts it behind: two that record one camera
    at once, as when a machine was cut off from the others, then never meet in a file.
    """

    def __init__(
        self,
        path: Path,
        info: SourceInfo,
        settings: OutputSettings,
        *,
        overwrite: bool = False,
        run: str = "",
        offset_s: Callable[[], float] = since_the_epoch_s,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            path: gives the pieces their folder, the beginning of their names, and their kind.
            settings: `segment_minutes` is how long a piece is.
            run: stands in each name, where there is one.
            offset_s: from the clock of `Frame.captured_at` to UTC.
            clock: that clock.

        Raises:
            SinkError: nothing can be written there.
        """
        self.notes: list[str] = []
        self._path, self._info, self._settings, self._overwrite = path, info, settings, overwrite
        self._run, self._offset_s, self._clock = run and f"-{run}", offset_s, clock
        VideoSink(path, info, settings, overwrite=True)  # refuses at once what would be refused later; leaves nothing
        self._piece: VideoSink | None = None
        self._number = -1
        self._pieces = 0
        self._closed = False

    def write(self, result: Result) -> None:
        """Raises `SinkError` as `VideoSink.write` does."""
        if self._closed:
            raise SinkError(f"{self._path}: is closed; nothing more can be written to it.")
        utc_s = result.frame.captured_at + self._offset_s()
        number = self._number_at(utc_s)
        if self._piece is None or number > self._number:  # a clock that is set back must not cut a new piece at each picture
            self._end_piece()
            self._piece, self._number = VideoSink(self._name(utc_s), self._info, self._settings, overwrite=self._overwrite), number
            self._pieces += 1
        self._piece.write(result)

    def idle(self) -> None:
        """End a piece whose time is over: its camera is away, perhaps for hours."""
        if self._piece is not None and self._number_at(self._clock() + self._offset_s() - LATE_S) > self._number:
            self._end_piece()

    def close(self) -> None:
        """Finish the last piece. Any number of times."""
        if self._closed:
            return
        self._closed = True
        self._end_piece()
        if self._pieces:
            self.notes.append(f"{self._info.name}: recorded in {self._pieces} piece{'s' * (self._pieces > 1)} named by their begin in UTC.")

    def _end_piece(self) -> None:
        piece, self._piece = self._piece, None
        if piece is not None:
            piece.close()
            self.notes += [note for note in piece.notes if note not in self.notes]

    def _number_at(self, utc_s: float) -> int:
        return int(utc_s // (60 * self._settings.segment_minutes))

    def _name(self, utc_s: float) -> Path:
        begin = datetime.fromtimestamp(utc_s, UTC).strftime("%Y%m%dT%H%M%SZ")
        stem = f"{self._path.stem}-{begin}{self._run}"
        path, again = self._path.with_stem(stem), 1
        while path.exists() and not self._overwrite:  # a second run within the same second
            again += 1
            path = self._path.with_stem(f"{stem}-{again}")
        return path
