"""Standard output and standard error, whatever they are: closed, on a full disk, of few letters. No work ends because of them."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from stream.passwords import redact_in

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Patient(io.FileIO):
    """What cannot be written is lost, and remembered."""

    failure: OSError | None = None

    def __init__(self, file: int | str, *, tells_of_readers: bool = False) -> None:
        """
        Args:
            tells_of_readers: one who has gone (`| head`) is an error like before: `BrokenPipeError`.
        """
        super().__init__(file, "w", closefd=False) if isinstance(file, int) else super().__init__(file, "w")
        self._tells_of_readers = tells_of_readers

    def write(self, data: ReadableBuffer, /) -> int:
        size = memoryview(data).nbytes
        if self.failure is not None:
            return size
        try:
            while (written := super().write(data)) is None:  # set to non-blocking by another program on the same terminal
                select.select([], [self], [])
        except OSError as error:
            if self._tells_of_readers and isinstance(error, BrokenPipeError):
                raise
            self.failure = error
            return size
        return written


class _Messages(io.TextIOWrapper):
    """Standard error: what libraries and tracebacks say of an address holds no password either."""

    def write(self, text: str, /) -> int:
        super().write(redact_in(text))
        return len(text)


def prepare() -> None:
    """Make both fit for anything. What was closed leads nowhere from here on, and no file that is opened can take its place."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, number)  # also makes it one that is inherited
            if nowhere != number:
                os.close(nowhere)
    out = Patient(_place(sys.stdout), tells_of_readers=True)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(out), encoding=_encoding(sys.stdout), errors="backslashreplace", line_buffering=out.isatty()
    )
    errors = io.BufferedWriter(Patient(_place(sys.stderr)))
    sys.stderr = _Messages(errors, encoding=_encoding(sys.stderr), errors="backslashreplace", line_buffering=True)


def patient(descriptor: int) -> TextIO:
    """A file for messages to machines, UTF-8."""
    return io.TextIOWrapper(io.BufferedWriter(Patient(descriptor)), encoding="utf-8", errors="backslashreplace")


def finish() -> OSError | None:
    """Write what is left. Why standard output could not take all that was written to it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, Patient) else None


def _place(stream: TextIO | None) -> int | str:
    return os.devnull if stream is None else stream.fileno()  # Python has none for what was closed when it began


def _encoding(stream: TextIO | None) -> str:
    return "utf-8" if stream is None else stream.encoding
