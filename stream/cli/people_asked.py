"""What the options of `facestream people` ask for, and how its answers are laid out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from models.people.folder import DEFAULT, PeopleFolder
from models.people.names import JOINERS
from stream.cli.asked import settings_of
from stream.console import logs
from stream.errors import UsageError

if TYPE_CHECKING:
    from models.detection.detector import DetectorOptions
    from models.identity.cohort import Cohort
    from models.identity.network_file import NetworkFile
    from models.people.gallery import Gallery
    from models.people.person import Person
    from models.people.seeing import PhotoReader


@dataclass
class Asked:
    """Where people are kept, and how photos are looked at."""

    folder: PeopleFolder
    detector: DetectorOptions
    false_names: float
    """Of strangers, the share that may get some name."""
    own_cohort: Path | None
    """Of the settings."""
    network: NetworkFile
    """That describes faces."""

    @cached_property
    def reader(self) -> PhotoReader:
        from models.people.seeing import PhotoReader

        return PhotoReader.load(self.detector, self.network)

    @cached_property
    def cohort(self) -> Cohort:
        from models.identity.cohort import Cohort

        return self.folder.cohort() if self.own_cohort is None else Cohort.load(self.own_cohort, self.folder.network)

    @property
    def is_calibrated(self) -> bool:
        """Whether there are strangers to measure by: for a network that does not ship, only the user's own."""
        return self.own_cohort is not None or self.folder.is_calibrated

    def gallery(self, people: Sequence[Person]) -> Gallery:
        from models.people.gallery import Gallery

        return Gallery(people, self.cohort, false_names=self.false_names)


def asked(people: Path | None, config: Path | None, overrides: list[str] | None) -> Asked:
    """
    Raises:
        UsageError: a setting has no meaning here.
    """
    for override in overrides or []:
        if not override.strip().startswith(("detector.", "identity.")):
            raise UsageError(f"--set {override}: here only what begins with detector. or identity. has a meaning.")
    settings = settings_of(config, overrides, None)
    if not settings.detector.enabled:
        raise UsageError("detector.enabled: must be true here; faces are looked for.")
    detector = settings.detector.options_for_pictures()
    if detector.kind == "mtcnn":
        detector = replace(detector, mirror=True)  # landmarks 7 % closer
    identity = settings.identity
    place = people or identity.people or DEFAULT
    network = identity.network_file
    return Asked(PeopleFolder(place, network=network.id), detector, identity.false_names, identity.cohort, network)


def folder_of(people: Path | None, config: Path | None, overrides: list[str] | None) -> PeopleFolder:
    """Where people are kept."""
    return asked(people, config, overrides).folder


def warn(sentence: str) -> None:
    """On stderr."""
    logs.say(sentence, level=logging.WARNING)


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Columns side by side, as wide as what is in them, in any script.

    Args:
        rows: the first has the titles.
        right: columns of numbers, which end at one edge.
    """
    from rich.cells import cell_len

    rows = [[shown(text) for text in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]

    def cell(text: str, index: int) -> str:
        blanks = " " * (widths[index] - cell_len(text))
        return blanks + text if index in right else text + blanks

    return "\n".join("  ".join(cell(text, index) for index, text in enumerate(row)).rstrip() for row in rows)


def shown(text: str) -> str:
    """For a terminal: of what it does not show, or obeys, the code."""
    return "".join(one if one.isprintable() or one in JOINERS else ascii(one)[1:-1] for one in text)


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: 1 photo, 2 photos."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def of_strangers(rate: float) -> str:
    """A share of them, for people."""
    of = next((of for of in (100, 1_000, 10_000, 100_000) if round(rate * of) >= 1), 0)
    return f"{rate * of:.0f} in {of:,} strangers" if of else "fewer than 1 in 100,000 strangers"
