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
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.atomic import file_written_whole
from models.locks import Locked, locked
from stream.archive.unit import Record, Unit
from stream.errors import SinkError, UsageError
from stream.sinks.files import make_folder, unwritable

_BEGUN = "begun"


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

    def __init__(self, place: Path) -> None:
        self.place = place

    @contextmanager
    def mine(self) -> Iterator[None]:
        """Nobody else runs this archive until the block has ended.

        Raises:
            UsageError: somebody does.
            SinkError: the place cannot be written.
        """
        is_new = not self.place.parent.exists()
        with ExitStack() as stack:
            try:
                make_folder(self.place)
                stack.enter_context(locked(self.place, 0.0))
            except Locked:
                raise UsageError(
                    f"{self.place.parent}: another command is at work here; wait for its end, or name another output."
                ) from None
            except OSError as error:
                raise SinkError(unwritable(self.place, error)) from error
            try:
                yield
            finally:
                with suppress(OSError):  # where nothing came of it nothing is left
                    self.place.rmdir()
                    if is_new:
                        self.place.parent.rmdir()

    @property
    def exists(self) -> bool:
        return (self.place / "run.json").exists()

    def begin(self, about: dict[str, Any]) -> None:
        """
        Raises:
            SinkError: the place cannot be written.
        """
        try:
            for folder in ("begun", "events", "done"):
                make_folder(self.place / folder)
            _write(self.place / "run.json", json.dumps(about, indent=1))
        except OSError as error:
            raise SinkError(unwritable(self.place, error)) from error

    def about(self) -> dict[str, Any]:
        """What was asked, as `begin` got it; empty where it cannot be read."""
        try:
            about = json.loads((self.place / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return about if isinstance(about, dict) else {}

    def forget(self) -> None:
        """Begin anew: nothing is known any more."""
        for entry in _entries(self.place):
            path = self.place / entry
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    # the plan

    @property
    def plans(self) -> list[Path]:
        return sorted(self.place.glob("plan-*.jsonl"))

    def next_plan(self) -> Path:
        """Where the next plan goes."""
        return self.place / f"plan-{len(self.plans) + 1:04}.jsonl"

    def planned(self) -> Iterator[Planned]:
        """Every unit of every plan, in order."""
        for plan in self.plans:
            with plan.open("rb") as lines:
                offset = 0
                for line in lines:
                    unit = json.loads(line)
                    yield Planned(unit["id"], plan, offset, max(len(unit["paths"]), 1), unit["size"])
                    offset += len(line)

    def units(self) -> Iterator[Unit]:
        """The same, whole."""
        for plan in self.plans:
            with plan.open("rb") as lines:
                yield from map(Unit.from_json, lines)

    def unit(self, planned: Planned) -> Unit:
        with planned.plan.open("rb") as lines:
            lines.seek(planned.offset)
            return Unit.from_json(lines.readline())

    # what is done

    def done(self) -> set[str]:
        """The ids of all units that are done."""
        found: set[str] = set()
        for folder in _entries(self.place / "done"):
            found.update(name.removesuffix(".json") for name in _entries(self.place / "done" / folder) if name.endswith(".json"))
        return found

    def finish(self, record: Record) -> None:
        """The unit is done: its outputs and events are in place.

        Raises:
            OSError: the record cannot be written.
        """
        place = self._record(record.unit)
        place.parent.mkdir(exist_ok=True)
        _write(place, record.as_json())
        with suppress(OSError):
            self._begun(record.unit).unlink()

    def record(self, unit: str) -> Record:
        return Record.from_json(self._record(unit).read_bytes())

    def undo(self, unit: str) -> None:
        """The unit is to be done once more."""
        self._record(unit).unlink(missing_ok=True)

    def _record(self, unit: str) -> Path:
        return self.place / "done" / unit[:2] / f"{unit}.json"

    # what somebody is at

    def deaths(self, unit: str, run: str = "") -> Deaths:
        """Of those who were at it, for that run, and never came to its end."""
        try:
            lines = self._begun(unit).read_text(encoding="utf-8").splitlines()
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
            return sum(line.startswith(_BEGUN) for line in self._begun(unit).read_text(encoding="utf-8").splitlines())
        except OSError:
            return 0

    def begin_unit(self, unit: str, run: str = "") -> None:
        """Somebody is at it.

        Args:
            run: which run's; deaths are counted for each alone.
        """
        self._note(unit, f"{_BEGUN} {run}")

    def give_up(self, unit: str) -> None:
        """Nobody is at it any more, and nothing went wrong with it."""
        self._begun(unit).unlink(missing_ok=True)

    def try_alone(self, unit: str, path: str) -> None:
        """From now on it is this picture's fault if the program ends: readable for others even then."""
        self._note(unit, json.dumps(path))

    def _note(self, unit: str, line: str) -> None:
        with self._begun(unit).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _begun(self, unit: str) -> Path:
        return self.place / "begun" / unit

    def events(self, unit: str) -> Path:
        """Where a unit's events are."""
        return self.place / "events" / f"{unit}.jsonl"

    def tidy(self) -> None:
        """All is done: what was handed on meanwhile is of no use any more."""
        shutil.rmtree(self.place / "segments", ignore_errors=True)

    def write_failed(self, failures: Sequence[dict[str, Any]]) -> Path:
        """
        Raises:
            OSError: it cannot be written.
        """
        _write(self.place / "failed.jsonl", "".join(f"{json.dumps(failure)}\n" for failure in failures))
        return self.place / "failed.jsonl"


def _write(place: Path, text: str) -> None:
    with file_written_whole(place) as file:
        file.write(text.encode())


def _entries(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names alone: of a thousand units each
    except OSError:
        return []
