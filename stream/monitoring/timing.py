"""How the work is timed from outside: whoever does a stage of it wraps it in a `Stage` that somebody else hands in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Stage = Callable[[str], AbstractContextManager[None]]
"""Wraps one stage, by name: decode, detect, track, classify, draw, write."""


def untimed(stage: str) -> AbstractContextManager[None]:
    """A stage that nobody times."""
    return nullcontext()
