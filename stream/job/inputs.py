"""What the user's words for sources mean: each opened, with the settings that hold for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.places import is_folder
from stream.errors import PictureError, SourceError, UsageError
from stream.frame import SourceInfo
from stream.pipeline.report import SourceReport
from stream.settings.schema import NamedSource, Settings
from stream.sources.addresses import redact, with_variables, without_file
from stream.sources.opening import expand, open_source
from stream.sources.source import Source


@dataclass(slots=True, eq=False)
class Input:
    """A source, and what holds for it alone."""

    source: Source
    settings: Settings
    root: Path | None = None
    """The folder it was found in, whose structure the output keeps; None where it was named itself."""
    output: Path | None = None
    """Where it is written; decided by `outputs.assign_outputs`."""

    @property
    def info(self) -> SourceInfo:
        return self.source.info

    @property
    def in_pieces(self) -> bool:
        """Whether it is recorded in pieces."""
        return self.info.live and self.settings.output.segment_minutes > 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source before it is opened."""

    address: str
    settings: Settings
    name: str | None = None


def open_inputs(addresses: Sequence[str], settings: Settings, without: Path | None = None) -> tuple[list[Input], list[SourceReport]]:
    """Opens what the user named, or what the settings list. One of several that cannot be opened does not stop the others.

    Args:
        without: what lies below is no input: results go there.

    Returns:
        The inputs, at least one; and a report of each that could not be opened.

    Raises:
        UsageError: nothing was named.
        SourceError, PictureError: nothing could be opened.
    """
    wanted = wanted_of(addresses, settings)
    if sum(one.address == "-" for one in wanted) > 1:
        raise UsageError("-: standard input is there once; name it once.")
    names = [(name, one) for one in wanted for name in expand(one.address, without=without)]
    inputs: list[Input] = []
    unopened: list[SourceReport] = []
    alike: dict[str, list[str]] = {}
    for name, one in names:
        label = one.name if name == one.address else None  # the videos of a folder keep names of their own
        twins = alike.setdefault(redact(name), [])
        twins += [name] if name not in twins else []
        twin = 1 + twins.index(name)
        try:
            source = open_source(name, one.settings.source, without=without, name=label, twin=twin, waits=len(names) > 1)
        except (SourceError, PictureError) as error:
            if len(names) == 1:
                raise
            unopened.append(SourceReport(label or redact(name), error=str(error)))
            continue
        inputs.append(Input(source, one.settings, Path(one.address) if name != one.address and is_folder(one.address) else None))
    if not inputs:
        raise SourceError("; ".join(report.error or "" for report in unopened))
    return inputs, unopened


def wanted_of(addresses: Sequence[str], settings: Settings) -> list[Wanted]:
    """What the user named, or what the settings list.

    Raises:
        UsageError: nothing was named.
        SourceError: a file is on another machine.
    """
    return [one for address in addresses for one in _meant(address, settings)] or _listed(settings)


def _meant(address: str, settings: Settings) -> list[Wanted]:
    """What a SOURCE means: one that the settings list, by its name, or an address."""
    named = [_of(one, settings) for one in settings.sources if one.name == address]
    return named or [Wanted(without_file(address), settings)]


def _listed(settings: Settings) -> list[Wanted]:
    if not settings.sources:
        raise UsageError("name a SOURCE to run, or list some under sources: in a settings file; facestream run --help says more.")
    return [_of(one, settings) for one in settings.sources]


def _of(one: NamedSource, settings: Settings) -> Wanted:
    return Wanted(without_file(with_variables(one.address)), settings.of(one), one.name)
