"""Which group should move where: plain arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

UNEQUAL = 1.5
"""How many times the load of one machine may be that of another."""


def better_place(cameras: Mapping[str, int], places: Mapping[str, str], cpus: Mapping[str, float]) -> tuple[str, str] | None:
    """A group and the node that it should move to; None: all is well as it is, or a move would not help.

    Args:
        cameras: how many each group has.
        places: the node of each group.
        cpus: of each node.
    """
    load = dict.fromkeys(cpus, 0.0)
    for group, node in places.items():
        if node in load:
            load[node] += cameras[group] / cpus[node]
    if len(load) < 2:
        return None
    most, least = max(load, key=load.__getitem__), min(load, key=load.__getitem__)
    if load[most] <= UNEQUAL * load[least]:
        return None
    for group in sorted((one for one, node in places.items() if node == most), key=cameras.__getitem__, reverse=True):
        there = load[least] + cameras[group] / cpus[least]
        if there < load[most] - 1e-9:
            return group, least
    return None
