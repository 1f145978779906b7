"""How a site, its groups and its cameras are doing: what actors answer, and how it is told."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

GroupState = Literal["starting", "running", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera, as the group that looks at it sees it. Moments are seconds since 1970."""

    name: str
    state: str
    """opening, up, lost, ended."""
    cause: str
    """Why it is not up; empty while it is."""
    first_look: float | None
    """In this run."""
    last_look: float | None
    reconnects: int
    failure: str = ""
    """Why it is not recorded any more."""


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """What a group answers."""

    name: str
    node: str
    pid: int
    run: str
    state: GroupState
    error: str = ""
    """Why it failed; it tries again."""
    metrics: str = ""
    """HOST:PORT."""
    page: str = ""
    """The address of the page that shows its cameras."""
    cameras: tuple[CameraStatus, ...] = ()
    busy_s: float = 0.0
    """How long the thread that looks has been at one look, or the one that shows at one picture."""


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """A group as the supervisor sees it."""

    name: str
    cameras: tuple[str, ...]
    place: str
    """The name of its node; empty while it has none."""
    restarts: int
    note: str
    """What is the matter, in a sentence; empty where all is well."""
    away_s: dict[str, float] = field(default_factory=dict)
    """For how long each camera was not looked at when the group was restarted last."""
    status: GroupStatus | None = None
    """Its newest answer."""

    @property
    def is_up(self) -> bool:
        return self.status is not None and self.status.state == "running" and not self.note


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """What the supervisor answers."""

    name: str
    node: str
    """The supervisor's."""
    groups: tuple[GroupSeen, ...]
    nodes: tuple[str, ...]
    """Of those that may take groups."""
    folder: str | None
    """Where events and targets are."""
    events: bool = False
    web: bool = False


def told(site: SiteStatus) -> list[str]:
    """Lines for people."""
    cameras = [camera for group in site.groups for camera in group.cameras]
    lines = [
        f"{site.name}: {_so_many(len(cameras), 'camera')} in {_so_many(len(site.groups), 'group')} on {', '.join(site.nodes) or 'no node'}"
    ]
    wide = max([len(camera) for camera in cameras], default=0)
    for group in site.groups:
        restarts = f", restarted {group.restarts}×" if group.restarts else ""
        lines.append(f"{group.name}  {group.place or '-'}{restarts}{f': {group.note}' if group.note else ''}")
        found = {one.name: one for one in group.status.cameras} if group.status else {}
        for name in group.cameras:
            camera = found.get(name)
            lines.append(f"  {name:{wide}}  {_of_camera(camera) if camera and not group.note else 'not looked at'}{_away(group, name)}")
    return lines


def _so_many(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _of_camera(camera: CameraStatus) -> str:
    looked = "not looked at yet" if camera.last_look is None else f"looked at {max(0.0, time.time() - camera.last_look):.1f} s ago"
    state = camera.state if not camera.cause else f"{camera.state} ({camera.cause})"
    return f"{state}, {looked}{f', not recorded: {camera.failure}' if camera.failure else ''}"


def _away(group: GroupSeen, camera: str) -> str:
    return f", missed {group.away_s[camera]:.1f} s" if camera in group.away_s else ""
