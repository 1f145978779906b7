"""Several tests at a time, on workers of pytest-xdist: which come first, and which have the machine to themselves.

Most of a test's time is waiting, for a camera to come back or for a run to end: so there are two workers for each core.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

WORKERS_A_CORE = 2
MOST_WORKERS = 8
"""Each needs up to 2 GB of memory, and none of them is busy for longer than the longest module (a guess)."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """None where one module is asked for, or some of its tests: it is one worker's work, and to start workers takes seconds."""
    places = {word.split("::")[0] for word in config.args}
    if len(places) == 1 and places.pop().endswith(".py"):
        return 0
    return min(MOST_WORKERS, WORKERS_A_CORE * len(os.sched_getaffinity(0)))


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        config.stash[MACHINE] = Machine(Path(config.workerinput["locks"]))
    else:
        folder = tempfile.TemporaryDirectory(prefix="facestream-tests-")
        config.add_cleanup(folder.cleanup)
        config.stash[LOCKS] = Path(folder.name)


def pytest_configure_node(node: Any) -> None:
    """A worker is about to start."""
    node.workerinput["locks"] = str(node.config.stash[LOCKS])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With workers, modules with slow tests come first, for each is one worker's work, and those with tests that are `alone` last."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        alone = {item.path for item in items if is_alone(item)}
        items.sort(key=lambda item: (item.path in alone, item.path not in slow))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Outside of all that a test does: a time limit for the test is not used up here."""
    if not hasattr(item.config, "workerinput"):
        return (yield)
    machine = item.config.stash[MACHINE]
    machine.take(alone=is_alone(item))
    try:
        return (yield)
    finally:
        if not (is_alone(item) and nextitem is not None and is_alone(nextitem)):
            machine.release()


def is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


class Machine:
    """What the workers share: many tests at a time, or one that is alone."""

    def __init__(self, folder: Path) -> None:
        self._door = os.open(folder / "door", os.O_CREAT | os.O_RDWR)
        self._room = os.open(folder / "room", os.O_CREAT | os.O_RDWR)
        self._taken = False

    def take(self, *, alone: bool) -> None:
        """Whoever waits until the room is empty keeps the door shut: otherwise it might never be. Who has it already keeps it."""
        if self._taken:
            return
        fcntl.flock(self._door, fcntl.LOCK_EX)
        fcntl.flock(self._room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(self._door, fcntl.LOCK_UN)
        self._taken = True

    def release(self) -> None:
        self._taken = False
        fcntl.flock(self._room, fcntl.LOCK_UN)


LOCKS = pytest.StashKey[Path]()
MACHINE = pytest.StashKey[Machine]()
