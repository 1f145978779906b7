"""What the renderer does with the results of one lane: which are shown, and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stream.pipeline.feeds import Watched
from stream.sinks.result import Result


class Presenter(Protocol):
    """One lane's part of the renderer's thread."""

    @property
    def done(self) -> bool:
        """All has been shown, and nothing will come."""
        ...

    @property
    def wait_on(self) -> Sequence[Watched]:
        """Where the next thing to show comes from; nowhere while one is held back until its time."""
        ...

    @property
    def due_in_s(self) -> float:
        """When something that is held back must be shown; infinity where nothing is."""
        ...

    def show(self) -> list[Result]:
        """Give the outputs what has come and whose time has come."""
        ...

    def idle(self) -> None:
        """Called in every round: while nothing comes, viewers live, and are told what to show in place of a picture."""
        ...

    def hurry(self) -> None:
        """The user wants to end: nothing is held back any more."""
        ...


IDLE_S = 0.04
"""How often a lane's viewers handle their keys while no result comes for them."""
