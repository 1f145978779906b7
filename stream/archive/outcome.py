"""What became of an archive, put together from what became of its units, in the order of the plan."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from models.atomic import file_written_whole
from stream.archive.files import sweep
from stream.archive.here import Here
from stream.archive.store import Store
from stream.archive.unit import Record
from stream.console import logs
from stream.console.reporter import Console
from stream.errors import DONE, FAILED, SinkError
from stream.frame import SourceInfo
from stream.pipeline.report import SourceReport
from stream.sinks.events import is_stdout
from stream.sinks.files import leads_elsewhere, make_folder, open_already, unwritable


@dataclass(slots=True)
class _Source:
    report: SourceReport
    info: SourceInfo
    output: str | None
    failures: list[dict[str, object]] = field(default_factory=list)


def tell_outcome(store: Store, events: str | None, console: Console, here: Here) -> int:
    """Write the events of all units and the list of what failed, print a line for each source; the exit code.

    Any number of times: the answer is the same.

    Raises:
        SinkError: the events cannot be written.
    """
    if events is not None:
        try:
            _join_events(store, events, here)
        except OSError as error:
            raise SinkError(unwritable(events, error)) from error
    failures = 0
    empty = False
    try:
        listed = store.write_failed([failure for one in _sources(store) for failure in one.failures])
    except OSError as error:
        raise SinkError(unwritable(store.files.name, error)) from error
    for one in _sources(store):
        for failure in one.failures:
            console.failed(str(failure["reason"]), one.report.name)
        failures += len(one.failures)
        empty |= not one.report.read
        console.summed_up(one.report, one.info, one.output)
    if failures:
        logs.say(f"{failures} could not be done: {listed} names each, and why; --retry-failed tries them again")
    return FAILED if failures or empty else DONE


def _join_events(store: Store, events: str, here: Here) -> None:
    if is_stdout(events):
        sys.stdout.flush()
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as file:
            _copy_events(store, file)
        return
    place = Path(events)
    if leads_elsewhere(place):  # a pipe or a device, which must stay what it is
        opened = open_already(place)
        with open(place if opened is None else os.dup(opened), "wb") as file:  # noqa: PTH123 - or its number
            _copy_events(store, file)
        return
    make_folder(place.parent)
    real = place.resolve() if place.is_symlink() else place
    with file_written_whole(real) as file:
        _copy_events(store, file)
    sweep([real])
    here.put(place)


def _copy_events(store: Store, file: BinaryIO) -> None:
    for events in store.all_events():
        try:
            part = events.open("rb")
        except FileNotFoundError as error:
            gone = store.undo_without_events()
            raise SinkError(f"{store.files.name}/events: {gone} of its files are gone; the same command makes them again.") from error
        with part:
            shutil.copyfileobj(part, file)


def _sources(store: Store) -> Iterator[_Source]:
    """Each source once, its units' counts summed up."""
    now: _Source | None = None
    for unit, record in zip(store.units(), store.records(unit.id for unit in store.units()), strict=True):
        if now is None or (now.info.name, now.output) != (unit.source, unit.output):
            if now is not None:
                yield now
            info = SourceInfo(name=unit.source, still=unit.kind == "pictures")
            now = _Source(SourceReport(unit.name or unit.source), info, unit.output)
        _add(now, record)
    if now is not None:
        yield now


def _add(source: _Source, record: Record) -> None:
    source.failures += record.failures
    into = source.report
    for counts in record.reports:
        into.read += counts["read"]
        into.analysed += counts["analysed"]
        into.shown += counts["shown"]
        into.faces += counts["faces"]
        into.frames_with_faces += counts["frames_with_faces"]
        into.tracks = max(into.tracks, counts["tracks"])
        into.seconds += counts["seconds"]
        into.notes += counts["notes"]
    into.failures = [str(failure["reason"]) for failure in source.failures]
