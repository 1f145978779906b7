"""Everything that goes to stderr: sentences for people, or one JSON object a line for machines."""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import TextIO

from stream.console.streams import patient
from stream.passwords import redact_in

_machines: TextIO | None = None
"""Where JSON goes; None while it is people who read."""
_writing = threading.Lock()
_ends: list[Callable[[], None]] = []


def say(sentence: str, *, source: str = "", level: int = logging.INFO) -> None:
    """Write a sentence to stderr.

    Args:
        source: which source it is about.
        level: of `logging`. From WARNING on people see who says it.
    """
    _write(sentence, level, "facestream", source)


def invite(sentence: str) -> None:
    """Write a sentence with a secret that is meant for the one who reads it. Never called where machines read: they keep it."""
    sys.stderr.flush()
    below = getattr(sys.stderr, "buffer", None)  # standard error itself hides what looks like a secret
    if below is None:
        print(sentence, file=sys.stderr, flush=True)
        return
    below.write(f"{sentence}\n".encode())
    below.flush()


def for_machines() -> bool:
    """Whether stderr carries JSON: nothing may be drawn on it."""
    return _machines is not None


def start(log_format: str) -> None:
    """Choose what is written to stderr, by this program and all that it uses: sentences ("text"), or one JSON object a line ("json").

    An object has `time` (UTC), `level`, `logger`, `message`, and `source` where it is about one.
    """
    logging.basicConfig(level=logging.WARNING, handlers=[_Handler()], force=True)
    if log_format == "json" and _machines is None:
        logging.captureWarnings(True)
        sys.excepthook = _died
        threading.excepthook = lambda args: _died(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
        _take_stderr()


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        exception = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        _write(record.getMessage(), record.levelno, record.name, getattr(record, "source", ""), exception)


def _write(message: str, level: int, logger: str, source: str = "", exception: str = "") -> None:
    message = redact_in(message)
    if _machines is None:
        line = message if level < logging.WARNING else f"facestream: {message}"
        print(line + f"\n{redact_in(exception)}".rstrip(), file=sys.stderr, flush=True)
        return
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    entry = {"time": time, "level": logging.getLevelName(level).lower(), "logger": logger, "source": source, "message": message}
    entry |= {"exception": redact_in(exception)}
    with _writing:
        _machines.write(json.dumps({key: value for key, value in entry.items() if value}, ensure_ascii=False) + "\n")
        _machines.flush()


def _died(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _write(str(error), logging.CRITICAL, "facestream", exception="".join(traceback.format_exception(kind, error, trace)))


class _Lines(io.TextIOBase):
    """In place of `sys.stderr`: what Python code prints."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            _wrap(line)
        return len(text)

    def fileno(self) -> int:
        return 2

    def end(self) -> None:
        self.write("\n")


def _take_stderr() -> None:
    """From here on each line that anybody writes to stderr, libraries written in C too, becomes an object."""
    global _machines
    kept = os.dup(2)
    _machines = patient(os.dup(kept))
    reads, writes = os.pipe()
    os.set_blocking(writes, False)  # a flood of C loses lines; C that waits with Python's lock in its hands would wait for ever
    os.dup2(writes, 2)
    os.close(writes)
    sys.stderr = lines = _Lines()
    thread = threading.Thread(target=_read, args=(reads,), name="stderr", daemon=True)
    thread.start()
    _ends.append(partial(_give_stderr_back, kept, lines, thread))
    atexit.register(end)


def _read(reads: int) -> None:
    with os.fdopen(reads, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            _wrap(line)


def _wrap(line: str) -> None:
    if line.strip():
        _write(line.rstrip(), logging.WARNING, "stderr")


def end() -> None:
    """Write what has been said and not yet written. Whoever ends the program in a way that Python does not notice calls it before."""
    for give_back in _ends:
        give_back()
    _ends.clear()


def _give_stderr_back(kept: int, lines: _Lines, thread: threading.Thread) -> None:
    lines.end()
    os.dup2(kept, 2)  # closes the pipe's last end, so that the thread comes to the end of what is in it
    thread.join(1)
