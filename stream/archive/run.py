"""`facestream run` on an archive, so that the same command goes on where it was ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.classification.bundle import read_bundle
from models.imaging.picture_formats import writable_suffixes
from models.places import exists, is_folder
from stream.archive.crew import Crew
from stream.archive.here import Here
from stream.archive.outcome import tell_outcome
from stream.archive.plan import write_plan
from stream.archive.scratch import here_for
from stream.archive.store import Planned, Store
from stream.console import logs
from stream.console.reporter import Console
from stream.errors import INTERRUPTED, FacestreamError, SourceError, UsageError
from stream.job.inputs import wanted_of
from stream.job.job import Options
from stream.passwords import redact
from stream.settings.schema import Settings
from stream.signals import on_signal
from stream.sinks.events import is_stdout
from stream.sinks.files import claim, leads_elsewhere
from stream.sources.addresses import in_object_store, is_glob

STATE = ".facestream"
"""The folder in the output where is kept what is done."""


Hire = Callable[[Store, Here], Crew]
"""Makes the crew that does the units, once there is something to do."""


def run_archive(
    addresses: Sequence[str],
    settings: Settings,
    options: Options,
    hire: Hire,
) -> int:
    """Plan what is to be done, or find the plan of a run that was ended; do what is left; put it together. The exit code.

    Args:
        hire: makes the crew that does the units, once there is something to do.

    Raises:
        UsageError: it cannot be gone on with, or not so.
        FacestreamError: it cannot go on.
    """
    check_options(options)
    place = str(place_of(options))
    about = _about(addresses, settings, options)
    places = [one.address for one in wanted_of(addresses, settings)]
    with closing(here_for([*places, options.output, options.events])) as here:
        options = replace(
            options,
            output=None if options.output is None else Path(here.path(str(options.output))),
            events=None if options.events is None else here.path(options.events),
        )
        store = Store(here.files(place))
        try:
            with store.files.mine():
                return _run(here, store, about, addresses, settings, options, hire)
        except FacestreamError as error:
            if here.told(str(error)) == str(error):
                raise
            raise type(error)(here.told(str(error))) from error


def _run(
    here: Here, store: Store, about: dict[str, Any], addresses: Sequence[str], settings: Settings, options: Options, hire: Hire
) -> int:
    planned = _resume(store, about, options)
    if planned and options.retry_failed:
        _undo_failed(store)
    with Console(stdout_taken=options.events is not None and is_stdout(options.events)) as console:
        if planned:
            _check_is_there(store, here, addresses, settings)
            _claim_events(options)
        else:
            _begin(store, here, about, addresses, settings, options)
        work = _Work(store, lambda: hire(store, here), console)
        whole = work.finish()
        if whole and planned and _plan_more(store, here, addresses, settings, options):
            whole = work.finish()
        if not whole:
            logs.say("stopped; the same command goes on where it was")
            return INTERRUPTED
        store.tidy()
        return tell_outcome(store, options.events, console, here)


def _begin(store: Store, here: Here, about: dict[str, Any], addresses: Sequence[str], settings: Settings, options: Options) -> None:
    """Write the first plan; nothing is left where there can be none."""
    store.begin(about)
    try:
        write_plan(store, here, addresses, settings, options.output, options.events, overwrite=options.overwrite)
        _claim_events(options)
    except BaseException:
        store.forget()
        raise


def _claim_events(options: Options) -> None:
    """They are written at the end: that they can be should be known before days of work.

    Raises:
        SinkError: they cannot.
    """
    if options.events is not None and not is_stdout(options.events) and not leads_elsewhere(Path(options.events)):
        claim(Path(options.events), None, overwrite=True)


def _check_is_there(store: Store, here: Here, addresses: Sequence[str], settings: Settings) -> None:
    """Whoever is in another folder, or has not mounted the archive, must not find all of it among what failed.

    Raises:
        SourceError: a folder is not there.
    """
    if here.elsewhere:
        return
    gone = [one.address for one in wanted_of(addresses, settings) if not (exists(Path(one.address)) or is_glob(one.address))]
    if not gone:
        return
    files = {unit.source for unit in store.units() if unit.root is None and (unit.kind == "video" or unit.paths == [unit.source])}
    for folder in (address for address in gone if address not in files):  # of a file that is gone only its own unit fails
        raise SourceError(f"{redact(folder)}: there is no such file or folder.")


class _Work:
    """Gets done what is left of the store's plans."""

    def __init__(self, store: Store, hire: Callable[[], Crew], console: Console) -> None:
        self._store, self._hire, self._console = store, hire, console
        self._crew: Crew | None = None
        self._stopped = False

    def finish(self) -> bool:
        """Whether all is done; else the user has asked for the end."""
        done = self._store.done()
        todo: list[Planned] = []
        items = done_items = 0
        for planned in self._store.planned():
            items += planned.items
            if planned.id in done:
                done_items += planned.items
            else:
                todo.append(planned)
        if done and todo:
            logs.say(f"goes on: {done_items} of {items} pictures and videos are done")
        if not todo:
            return True
        with on_signal(self._stop):
            self._crew = self._crew or self._hire()
            return not self._stopped and self._crew.do(self._store, todo, done_items, items, self._console.told)

    def _stop(self) -> None:
        self._stopped = True
        if self._crew is not None:
            self._crew.stop()


def place_of(options: Options) -> Path:
    """Where what is known of a run is kept: in the folder of its outputs, or beside its only output.

    Raises:
        UsageError: it writes nothing.
    """
    if options.output is not None and (is_folder(options.output) or not options.output.suffix):
        return options.output / STATE
    beside = options.output if options.output is not None else Path(options.events) if options.events is not None else None
    if beside is None or (options.output is None and (is_stdout(beside) or leads_elsewhere(beside))):
        raise UsageError("what is done must be kept somewhere: name a folder with -o, or a file for --events.")
    return beside.with_name(f".{beside.name}{STATE}")


def check_options(options: Options) -> None:
    """
    Raises:
        UsageError: one of them has no meaning where a run is made of units.
    """
    said = {
        "--window": bool(options.window),
        "--web": options.web is not None,
        "--duration": options.duration_s is not None,
        "--segment": options.segment,
    }
    for flag in (flag for flag, is_said in said.items() if is_said):
        raise UsageError(f"{flag}: has no meaning for files that are done unit by unit; leave it out.")


def _resume(store: Store, about: dict[str, Any], options: Options) -> bool:
    """Whether a plan is there that goes on.

    Raises:
        UsageError: it is another run's.
    """
    if not store.exists:
        store.forget()
        return False
    before = store.about()
    differs = next((key for key in [*before, *about] if before.get(key) != about.get(key)), None)
    if differs is None and store.plans:
        return True
    if differs is not None and not options.overwrite:
        was, now = before.get(differs), about.get(differs)
        raise UsageError(
            f"{store.files.around}: another run has begun here, with {differs} {_word(was)} and not {_word(now)}; "
            "run it as it was, name another output, or begin anew with --overwrite."
        )
    store.forget()
    return False


def _word(value: Any) -> str:
    return "unset" if value is None else f"{value}"


def _about(addresses: Sequence[str], settings: Settings, options: Options) -> dict[str, Any]:
    """What is asked, a line each: all that results depend on."""
    said = settings.model_dump(mode="json", exclude={"sources", "pipeline", "cluster"})
    flat = {f"{section}.{key}": value for section, keys in said.items() for key, value in keys.items()}
    model = settings.classifier.model if settings.detector.enabled else "none"
    about = {
        "SOURCE": [redact(address) for address in addresses],
        "-o": None if options.output is None else in_object_store(options.output) or str(options.output),
        "--events": options.events,
        "--max-frames": options.max_frames,
        **flat,
        "sources": [[one.name, redact(one.address), one.changes] for one in settings.sources],
        "the classifier": None if model == "none" else _hash([read_bundle(model).folder / "model.json"]),
        "the known people": None if settings.people_folder is None else _hash(sorted(settings.people_folder.glob("*.json"))),
    }
    found: dict[str, Any] = json.loads(json.dumps(about))  # as it will be read
    return found


def _hash(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode("utf-8", "surrogateescape") + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _keeps_its_name(picture: str) -> bool:
    """Else it has become a PNG, and an original of that name may come later."""
    return Path(picture).suffix.lower() in writable_suffixes


def _undo_failed(store: Store) -> None:
    for record in store.records(sorted(store.done())):
        if record.failures:
            store.undo(record.unit)


def _plan_more(store: Store, here: Here, addresses: Sequence[str], settings: Settings, options: Options) -> int:
    """Plan what has come since; how many units that is."""
    known = {here.path(path) for unit in store.units() for path in (unit.paths or [unit.source])}
    taken = {Path(here.path(unit.output)) for unit in store.units() if unit.output is not None and unit.kind == "video"}
    renamed = [unit.id for unit in store.units() if unit.kind == "pictures" and not all(map(_keeps_its_name, unit.paths))]
    taken |= {Path(here.path(path)) for record in store.records(renamed) for path, _ in record.outputs}
    return write_plan(
        store, here, addresses, settings, options.output, options.events, overwrite=options.overwrite, known=known, taken=taken
    )
