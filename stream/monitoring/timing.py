"""How the work is timed from outside: whoever does a stage of it wraps it in a `Stage` that somebody else hands in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from stream.monitoring.observer import StageName

Stage = Callable[[StageName], AbstractContextManager[None]]
"""Wraps one run of a stage."""


def untimed(stage: StageName) -> AbstractContextManager[None]:
    """A stage that nobody times."""
    return nullcontext()
