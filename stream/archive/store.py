"""What is known of an archive's run, on storage that all who take part see: the plan, and a record of each unit that is done.

    run.json              what was asked: the same command goes on, another is refused
    plan-0001.jsonl       the units, a line each; files that came later are in plan-0002.jsonl
    begun/UNIT            a unit that somebody is at, or died at: how often it was begun, and the picture that is tried alone
    events/UNIT.jsonl     its events
    done/XX/UNIT.json     what became of it; written last
    segments/UNIT-CUT/    what the passes over a long video hand on
    failed.jsonl          what could not be done, and why; written at the end

Done is what has a record. That an output is there says nothing: it may be half of one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from stream.archive.files import Files
from stream.archive.unit import Record, Unit
from stream.errors import SinkError
from stream.sinks.files import unwritable

_BEGUN = "begun"
_ANEW = "remove the folder it is in, and begin anew with --overwrite"


@dataclass(frozen=True, slots=True)
class Deaths:
    """What a unit has cost so far."""

    all: int = 0
    of: Counter[str] = field(default_factory=Counter)
    """By file: of those who were at nothing else."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Where a unit stands in its plan. A plan of half a million photos is not kept in memory."""

    id: str
    plan: Path
    offset: int
    """Of its line, bytes."""
    items: int
    size: int
    """Bytes of its files."""


class Store:
    """Reads and writes what is known of one run. Any thread, and any process, for different units."""

    def __init__(self, files: Files) -> None:
        self.files = files

    @property
    def place(self) -> Path:
        """The folder on this machine in which its files are, or are made."""
        return self.files.place

    @property
    def exists(self) -> bool:
        return self.files.exists("run.json")

    def begin(self, about: dict[str, Any]) -> None:
        """
        Raises:
            SinkError: the place cannot be written.
        """
        try:
            self.files.begin(("begun", "events", "done"))
            self._write("run.json", json.dumps(about, indent=1))
        except OSError as error:
            raise SinkError(unwritable(self.files.name, error)) from error

    def about(self) -> dict[str, Any]:
        """What was asked, as `begin` got it; empty where it cannot be read."""
        try:
            about = json.loads(self.files.read("run.json"))
        except (OSError, ValueError):
            return {}
        return about if isinstance(about, dict) else {}

    def forget(self) -> None:
        """Begin anew: nothing is known any more."""
        self.files.forget()

    # the plan

    @property
    def plans(self) -> list[Path]:
        return [self.files.kept(name) for name in self._plan_names()]

    @contextmanager
    def next_plan(self) -> Iterator[BinaryIO]:
        """Gives a file to write the next plan to."""
        with self.files.written(f"plan-{len(self._plan_names()) + 1:04}.jsonl") as file:
            yield file

    def _plan_names(self) -> list[str]:
        return sorted(name for name in self.files.names_beginning("plan-") if name.endswith(".jsonl"))

    def planned(self) -> Iterator[Planned]:
        """Every unit of every plan, in order.

        Raises:
            SinkError: a plan cannot be read, or is damaged; so of `units` and `unit`.
        """
        for plan in self.plans:
            with _read_well(str(plan), _ANEW), plan.open("rb") as lines:
                offset = 0
                for line in lines:
                    unit = json.loads(line)
                    yield Planned(unit["id"], plan, offset, max(len(unit["paths"]), 1), unit["size"])
                    offset += len(line)

    def units(self) -> Iterator[Unit]:
        """The same, whole."""
        for plan in self.plans:
            with _read_well(str(plan), _ANEW), plan.open("rb") as lines:
                yield from map(Unit.from_json, lines)

    def unit(self, planned: Planned) -> Unit:
        with _read_well(str(planned.plan), _ANEW), planned.plan.open("rb") as lines:
            lines.seek(planned.offset)
            return Unit.from_json(lines.readline())

    # what is done

    def done(self) -> set[str]:
        """The ids of all units that are done."""
        return {name.removesuffix(".json") for name in self.files.names("done") if name.endswith(".json")}

    def finish(self, record: Record) -> None:
        """The unit is done: its outputs and events are in place.

        Raises:
            OSError: the record cannot be written.
        """
        self._write(_record(record.unit), record.as_json())
        with suppress(OSError):
            self.files.remove(_begun(record.unit))

    def records(self, units: Iterable[str]) -> Iterator[Record]:
        """Of these units, in this order.

        Raises:
            SinkError: one cannot be read, or is damaged.
        """
        names = [_record(unit) for unit in units]
        for name, path in zip(names, self.files.near(names), strict=True):
            with _read_well(f"{self.files.name}/{name}", "remove it, and the same command does its files again"):
                yield Record.from_json(path.read_bytes())

    def record_place(self, unit: str) -> Path:
        """Where on this machine a unit's record is, or is made."""
        return self.place / _record(unit)

    def undo(self, unit: str) -> None:
        """The unit is to be done once more."""
        self.files.remove(_record(unit))

    def undo_without_events(self) -> int:
        """Each unit whose events are gone is to be done once more; how many that are."""
        gone = [unit.id for unit in self.units() if not self.files.exists(_events(unit.id))]
        for unit in gone:
            self.undo(unit)
        return len(gone)

    # what somebody is at

    def begun(self) -> set[str]:
        """The ids of all units that somebody has begun and not come to their end."""
        return set(self.files.names("begun"))

    def deaths(self, unit: str, run: str = "") -> Deaths:
        """Of those who were at it, for that run, and never came to its end."""
        try:
            lines = self.files.read(_begun(unit)).decode().splitlines()
        except OSError:
            return Deaths()
        begun, last, ended = f"{_BEGUN} {run}", "", []
        of_run = False
        for line in [*lines, _BEGUN]:
            if line.startswith(_BEGUN):  # another attempt
                ended += [last] if of_run else []
                of_run = line == begun
            last = line
        return Deaths(len(ended), Counter(json.loads(line) for line in ended if line != begun))

    def times_begun(self, unit: str) -> int:
        """How often somebody has begun it, for any run, since it was last done or given up."""
        try:
            return sum(line.startswith(_BEGUN) for line in self.files.read(_begun(unit)).decode().splitlines())
        except OSError:
            return 0

    def begin_unit(self, unit: str, run: str = "") -> None:
        """Somebody is at it.

        Args:
            run: which run's; deaths are counted for each alone.
        """
        self.files.add(_begun(unit), f"{_BEGUN} {run}")

    def give_up(self, unit: str) -> None:
        """Nobody is at it any more, and nothing went wrong with it."""
        self.files.remove(_begun(unit))

    def try_alone(self, unit: str, path: str) -> None:
        """From now on it is this picture's fault if the program ends: readable for others even then."""
        self.files.add(_begun(unit), json.dumps(path))

    def events(self, unit: str) -> Path:
        """Where a unit's events are written."""
        return self.place / _events(unit)

    def put_events(self, unit: str) -> None:
        """They are written."""
        self.files.put(_events(unit))

    def all_events(self) -> Iterator[Path]:
        """Where the events of each unit of each plan can be read, in order."""
        return self.files.near(_events(unit.id) for unit in self.units())

    def tidy(self) -> None:
        """All is done: what was handed on meanwhile is of no use any more."""
        self.files.forget("segments")
        for unit in self.begun():  # its end was noted, and then the storage was gone
            self.give_up(unit)

    def write_failed(self, failures: Sequence[dict[str, Any]]) -> str:
        """Where it is, for people.

        Raises:
            OSError: it cannot be written.
        """
        self._write("failed.jsonl", "".join(f"{json.dumps(failure)}\n" for failure in failures))
        return f"{self.files.name}/failed.jsonl"

    def _write(self, name: str, text: str) -> None:
        with self.files.written(name) as file:
            file.write(text.encode())


@contextmanager
def _read_well(name: str, remedy: str) -> Iterator[None]:
    """What is wrong with a file that is read inside is told in a sentence."""
    try:
        yield
    except OSError as error:
        raise SinkError(f"{name}: cannot be read ({error.strerror or error}).") from error
    except (ValueError, TypeError, KeyError) as error:
        raise SinkError(f"{name}: is damaged; {remedy}.") from error


def _record(unit: str) -> str:
    return f"done/{unit[:2]}/{unit}.json"


def _begun(unit: str) -> str:
    return f"begun/{unit}"


def _events(unit: str) -> str:
    return f"events/{unit}.jsonl"
