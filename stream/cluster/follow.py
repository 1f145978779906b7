"""The events of all groups of a site as one stream, ordered by when their pictures arrived."""

from __future__ import annotations

import heapq
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

POLL_S = 0.5


def merged(folder: Path, site: str) -> Iterator[str]:
    """The lines of all files of a site up to now, in the order of their `utc`."""
    keyed = (_keyed(path) for path in _files(folder, site))
    return (line for _, line in heapq.merge(*keyed, key=lambda one: one[0]))


def followed(folder: Path, site: str, *, wait: Callable[[float], object] = time.sleep) -> Iterator[str]:
    """What is written from now on, for ever: each half second what has come, in the order of `utc`. Half a line waits for its rest."""
    read = {path: path.stat().st_size for path in _files(folder, site)}
    while True:
        came: list[tuple[str, str]] = []
        for path in _files(folder, site):
            with path.open("rb") as file:
                file.seek(read.get(path, 0))
                whole, newline, _ = file.read().rpartition(b"\n")
                read[path] = read.get(path, 0) + len(whole) + len(newline)
            came += [(_utc(line), line) for line in whole.decode("utf-8", "replace").splitlines() if line]
        yield from (line for _, line in sorted(came, key=lambda one: one[0]))
        wait(POLL_S)


def _files(folder: Path, site: str) -> list[Path]:
    return sorted(folder.glob(f"{site}-g[0-9]*-[0-9]*-*.jsonl"))


def _keyed(path: Path) -> Iterator[tuple[str, str]]:
    latest = ""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.endswith("\n"):  # else a node has died in the midst of it, or is still writing
                latest = max(latest, _utc(line))
                yield latest, line.rstrip("\n")


def _utc(line: str) -> str:
    """When its picture arrived; empty for a line that does not say."""
    try:
        event = json.loads(line)
    except ValueError:
        return ""
    return str(event.get("utc", "")) if isinstance(event, dict) else ""
