"""What `facestream cluster` does: looks at cameras that run on a cluster, and moves and ends them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stream.cluster import follow, status
from stream.cluster.connection import connected
from stream.cluster.status import SiteStatus
from stream.console import logs
from stream.errors import DONE, FAILED, ClusterError, UsageError

ANSWER_S = 10.0
"""A supervisor that was restarted a moment ago answers by then."""


def show_status(where: str, name: str | None, *, as_json: bool) -> int:
    """Print how all is; the exit code: 1 where a group is not up."""
    with _supervised(where, name) as (_, supervisor):
        site = _status(supervisor)
    print(json.dumps(dataclasses.asdict(site)) if as_json else "\n".join(status.told(site)))
    return DONE if all(group.is_up for group in site.groups) else FAILED


def show_events(where: str, name: str | None, *, follows: bool) -> int:
    """Print the events of all groups, merged; those that come where it follows. Nothing of the cluster is used meanwhile."""
    with _supervised(where, name) as (_, supervisor):
        site = _status(supervisor)
    if not site.events or site.folder is None:
        raise UsageError(f"{site.name}: writes no events; it was started without --events.")
    folder = Path(site.folder)
    if not folder.is_dir():
        raise ClusterError(f"{folder}: is not on this machine; ask on one that has it.")
    for line in follow.followed(folder, site.name) if follows else follow.merged(folder, site.name):
        print(line, flush=follows)
    return DONE


def end(where: str, name: str | None) -> int:
    """End a site."""
    with connected(where):
        from stream.cluster.cameras import stop

        site = _chosen(name)
        groups = stop(site)
    logs.say(f"{site}: ended, {groups} group{'s' * (groups != 1)}")
    return DONE


def move(where: str, name: str | None, group: str, node: str) -> int:
    """Have a group moved."""
    with _supervised(where, name) as (site, supervisor):
        import ray
        from ray.exceptions import RayTaskError

        try:
            place = ray.get(supervisor.move.remote(group, node), timeout=ANSWER_S)
        except RayTaskError as error:
            if isinstance(error.cause, UsageError):
                raise error.cause from None
            raise
    logs.say(f"{group}: moves to {place}; facestream cluster status --name {site} says when it is there")
    return DONE


@contextmanager
def _supervised(where: str, name: str | None) -> Iterator[tuple[str, Any]]:
    with connected(where):
        from stream.cluster import actors

        site = _chosen(name)
        yield site, actors.handle(site, actors.SUPERVISOR)


def _chosen(name: str | None) -> str:
    """The site that is meant: the only one, where none is named."""
    from stream.cluster import actors

    sites = actors.sites()
    if name is None and len(sites) == 1:
        return sites[0]
    there = f"there {'is' if len(sites) == 1 else 'are'} {', '.join(sites)}" if sites else "no cameras run on this cluster"
    if name is None and sites:
        raise UsageError(f"say which with --name; {there}.")
    if name not in sites or name is None:
        raise UsageError(f"{f'{name}: does not run; ' if name else ''}{there}.")
    return name


def _status(supervisor: Any) -> SiteStatus:
    import ray
    from ray.exceptions import GetTimeoutError, RayError

    try:
        answer: SiteStatus = ray.get(supervisor.status.remote(), timeout=ANSWER_S)
    except (RayError, GetTimeoutError) as error:
        raise ClusterError("the supervisor of these cameras does not answer; it may be about to be restarted: ask again.") from error
    return answer
