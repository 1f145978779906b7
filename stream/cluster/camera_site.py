"""What a cluster is to do: which cameras, in which groups. Plain data, which Ray keeps: no password is in it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.errors import UsageError
from stream.passwords import HIDDEN, redact
from stream.settings.schema import Settings

MOST_CAMERAS = 8
"""Of a group: they share one look, and a process of about 400 MB."""
GROUPS_A_NODE = 2
"""At least, where there are so many cameras: what a dead node did is shared by several of the others."""
CPUS_A_CAMERA = 0.2
"""A camera costs 80 to 210 ms of processor time a second (docs/benchmarks.md)."""
NAME = re.compile(r"[A-Za-z0-9](?:[\w-]{0,38}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Group:
    """Cameras that one process looks at together."""

    name: str
    """g01, g02, ..."""
    cameras: tuple[str, ...]
    """As the user would name them: names of `sources` in the settings, or addresses."""

    @property
    def cpus(self) -> float:
        """What it needs to be placed."""
        return round(CPUS_A_CAMERA * len(self.cameras), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Cameras that are started, watched and stopped together."""

    name: str
    groups: tuple[Group, ...]
    settings: Settings
    output: Path | None = None
    """The folder of the recordings, the same on every machine."""
    events: Path | None = None
    """The folder of the events, the same on every machine."""
    web: str | None = None
    """`[HOST:]PORT` of the page of each machine."""
    unequal_for_s: float = 60.0
    """So long machines may be loaded unequally before a group moves."""

    @property
    def folder(self) -> Path | None:
        """Where it is written what runs where."""
        return self.events or self.output

    @property
    def cameras(self) -> int:
        return sum(len(group.cameras) for group in self.groups)

    def group(self, name: str) -> Group:
        """
        Raises:
            UsageError: there is none of that name.
        """
        found = next((group for group in self.groups if group.name == name), None)
        if found is None:
            raise UsageError(f"{name}: is no group of {self.name}; there are {', '.join(group.name for group in self.groups)}.")
        return found


def check_name(name: str) -> None:
    """
    Raises:
        UsageError: it is no name for a site.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"--name {name}: use up to 40 letters, digits, - and _, with a letter or digit first and last.")


def in_groups(cameras: Sequence[str], nodes: int) -> tuple[Group, ...]:
    """The cameras in groups of equal size, to within one: at most `MOST_CAMERAS` each, and `GROUPS_A_NODE` groups for each node."""
    number = max(math.ceil(len(cameras) / MOST_CAMERAS), min(len(cameras), GROUPS_A_NODE * nodes))
    return tuple(Group(f"g{index + 1:02}", tuple(cameras[index::number])) for index in range(number))


def placed(needs: Sequence[float], room: Sequence[float]) -> bool:
    """Whether all fits, each need into one place: the largest first, each where most is left."""
    left = list(room)
    for need in sorted(needs, reverse=True):
        most = max(range(len(left)), key=left.__getitem__, default=None)
        if most is None or left[most] < need - 1e-6:
            return False
        left[most] -= need
    return True


def survives(needs: Sequence[float], room: Mapping[str, float]) -> bool:
    """Whether all still fits when any one of the nodes is gone.

    Args:
        room: how many CPUs each node has, by its name.
    """
    return all(placed(needs, [cpus for name, cpus in room.items() if name != gone]) for gone in room)


def check_secrets(name: str, address: str) -> None:
    """What a cluster is told is kept where all its users can read it.

    Raises:
        UsageError: there is a password in the address that is not left to the environment.
    """
    bare = re.sub(r"\$\{\w+\}", "", address)
    if redact(bare).replace(HIDDEN, "") != bare:
        raise UsageError(
            f"{redact(name)}: the cluster would keep the password in its address; list it under sources: in a settings file, with "
            "${NAME} in place of the password, and set NAME in the environment of each node."
        )
