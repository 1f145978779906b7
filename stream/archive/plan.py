"""From what the user names to units: as many pictures as take some seconds, or one video. Nothing is opened that need not be."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.imaging.unread_formats import is_unread_name
from models.places import is_folder
from stream.archive.here import Here
from stream.archive.store import Store
from stream.archive.unit import Unit, unit_id
from stream.errors import SinkError, UsageError
from stream.frame import SourceInfo
from stream.job.inputs import Wanted, wanted_of
from stream.job.outputs import assign_outputs
from stream.settings.schema import Settings
from stream.sinks.files import unwritable
from stream.sources.addresses import Below, below, fixed_part, is_glob, redact, split
from stream.sources.opening import open_source

MOST_PICTURES = 128
MOST_BYTES = 1 << 28
"""Of a unit of pictures: 5 to 15 s of work for two cores."""


@dataclass(slots=True, eq=False)
class _Planned:
    """A source that is not open."""

    info: SourceInfo
    wanted: Wanted
    address: str
    paths: Sequence[Path]
    """The files: `info` has only those of them that may become outputs."""
    unreadable: Sequence[str] = ()
    """A sentence for each folder that cannot be looked into."""
    output: Path | None = None
    in_pieces = False

    @property
    def settings(self) -> Settings:
        return self.wanted.settings

    @property
    def root(self) -> Path | None:
        return Path(self.wanted.address) if self.address != self.wanted.address and is_folder(self.wanted.address) else None


def write_plan(
    store: Store,
    here: Here,
    addresses: Sequence[str],
    settings: Settings,
    output: Path | None,
    events: str | None,
    *,
    overwrite: bool,
    known: Collection[str] = (),
    taken: Collection[Path] = (),
) -> int:
    """Write the store's next plan: of what the user named, all that is not known.

    Args:
        output, events: as the user named them, on this machine.
        known: files that other plans hold, on this machine.
        taken: outputs that other plans name.

    Returns:
        How many units it has. None: no plan is written.

    Raises:
        UsageError: a source is live or cannot be read a second time, or an output does not fit (as `assign_outputs` says).
        SourceError, PictureError: there is nothing of that name.
        SinkError: the plan cannot be written.
    """
    named = [one.address for one in wanted_of(addresses, settings)]
    with here.listed([*named, *(here.told(str(place)) for place in (output, events) if place is not None)]):
        return _write_plan(store, here, addresses, settings, output, events, overwrite, known, taken)


def _write_plan(
    store: Store,
    here: Here,
    addresses: Sequence[str],
    settings: Settings,
    output: Path | None,
    events: str | None,
    overwrite: bool,
    known: Collection[str],
    taken: Collection[Path],
) -> int:
    inputs = [one for one in _inputs(here, addresses, settings, output, known) if one.paths or one.unreadable or not known]
    assign_outputs(inputs, output, events if not known else None, overwrite=overwrite, segment=False, taken=taken)
    units = itertools.chain.from_iterable(_units(one, here) for one in inputs)
    first = next(units, None)
    if first is None:
        return 0
    count = 0
    try:
        with store.next_plan() as file:
            for unit in itertools.chain([first], units):
                file.write(f"{unit.as_json()}\n".encode())
                count += 1
    except OSError as error:
        raise SinkError(unwritable(store.files.name, error)) from error
    return count


def _inputs(here: Here, addresses: Sequence[str], settings: Settings, output: Path | None, known: Collection[str]) -> Iterator[_Planned]:
    for named in wanted_of(addresses, settings):
        wanted = replace(named, address=here.path(named.address))
        _check_is_file(wanted.address)
        if not (is_folder(wanted.address) or is_glob(wanted.address)):
            if wanted.address not in known:
                here.see(wanted.address)
                info = _opened(wanted)
                yield _Planned(info, wanted, wanted.address, [] if info.path is None else [info.path])
            continue
        found = below(wanted.address, output)
        if found.pictures or found.unreadable:
            yield _pictures(wanted, found, known)
        for path in found.videos:
            if str(path) not in known:
                yield _Planned(SourceInfo(name=str(path), path=path), wanted, str(path), [path])


def _check_is_file(address: str) -> None:
    path = Path(address)
    is_pipe = address == "-" or (path.exists() and not (path.is_file() or path.is_dir()))
    if is_pipe or address.isdecimal() or address.startswith("camera:") or split(address) is not None:
        raise UsageError(f"{redact(address)}: is no file or folder; only those are done unit by unit, and can be gone on with.")


def _pictures(wanted: Wanted, found: Below, known: Collection[str]) -> _Planned:
    address = wanted.address
    paths = [path for path in found.pictures if str(path) not in known]
    readable = tuple(path for path in paths if not is_unread_name(path))
    folder = Path(address) if is_folder(address) else fixed_part(address)
    unreadable = found.unreadable if not known else []
    return _Planned(SourceInfo(name=address, still=True, path=folder, pictures=readable), wanted, address, paths, unreadable)


def _opened(wanted: Wanted) -> SourceInfo:
    source = open_source(wanted.address, wanted.settings.source, name=wanted.name)
    source.close()
    if source.info.live:
        raise UsageError(f"{source.info.name}: is played as a camera (source.loop); only files are done unit by unit.")
    return source.info


def _units(one: _Planned, here: Here) -> Iterator[Unit]:
    files = [(str(path), _size(path)) for path in one.paths]
    if not one.info.still:
        yield _unit(one, here, files)
        return
    unreadable = one.unreadable
    for pictures in _batches(files):
        yield _unit(one, here, pictures, unreadable)
        unreadable = []
    if unreadable:
        yield _unit(one, here, [], unreadable)


def _batches(pictures: Sequence[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    batch: list[tuple[str, int]] = []
    size = 0
    for path, its_size in pictures:
        if batch and (len(batch) == MOST_PICTURES or size + its_size > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((path, its_size))
        size += its_size
    if batch:
        yield batch


def _unit(one: _Planned, here: Here, files: Sequence[tuple[str, int]], unreadable: Sequence[str] = ()) -> Unit:
    told = here.told
    named = [(told(path), size) for path, size in files]
    sentences = [told(sentence) for sentence in unreadable]
    return Unit(
        id=unit_id([told(one.address), named, told(str(one.output)), sentences]),
        kind="pictures" if one.info.still else "video",
        source=told(one.address),
        paths=[path for path, _ in named],
        size=sum(size for _, size in named),
        name=one.wanted.name,
        root=None if one.root is None else told(str(one.root)),
        output=None if one.output is None else told(str(one.output)),
        unreadable=sentences,
        beside=here.beside(Path(path) for path, _ in files),
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # a link that leads nowhere: whoever reads it will say so
        return 0
