"""What every sink is: something that takes results. What only some of them are: `Viewer`, `Waits`, `Queued`, `Idles`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from stream.deadline import Deadline
from stream.sinks.result import Result


class StopAsked(Exception):  # noqa: N818 - a wish, not an error, like StopIteration
    """Raised by a viewer when its user asked to stop (a key, the close button)."""


class Sink(Protocol):
    """Something that takes results. One thread uses it, the renderer's."""

    notes: list[str]
    """One sentence for each thing the user should know although the job went on. Read after `close`."""

    def write(self, result: Result) -> None:
        """Take one result. Raises `SinkError` when it cannot."""
        ...

    def close(self) -> None:
        """Finish the output. Any number of times."""
        ...


class Viewer(Sink, Protocol):
    """A sink that somebody looks at. Each of its methods raises `StopAsked` when that user wants to end."""

    def poll(self) -> None:
        """Handle what the user does. Called about 20 times a second while no result comes."""
        ...

    def show_stale(self, result: Result) -> None:
        """Show this in place of a live picture that does not come: the newest once more, with its age or the faces that were found in it
        meanwhile, or a dark one that says NO SIGNAL. For eyes only: no file gets it.
        """
        ...


class Screen(Protocol):
    """What several viewers are seen on together. The renderer's thread uses it."""

    @property
    def due_in_s(self) -> float:
        """When `refresh` wants to be called next, at the latest."""
        ...

    def refresh(self) -> bool:
        """Called after each round of results, and when it is due. Raises `StopAsked` when the user wants to end."""
        ...


@runtime_checkable
class Waits(Protocol):
    """A sink that waits for somebody else: a thread, an encoder, or another program that reads."""

    @property
    def full(self) -> bool:
        """Whether the next result would be lost. A file's results are held back until it is not."""
        ...

    def hurry(self, deadline: Deadline) -> None:
        """The user wants to end: what is not done by then is lost."""
        ...


@runtime_checkable
class Queued(Protocol):
    """A sink that hands results to a thread of its own."""

    @property
    def waiting(self) -> int:
        """Results that it has taken and not written yet."""
        ...

    @property
    def unwritten(self) -> int:
        """Results that are lost: it was too slow for them, or has failed."""
        ...

    def check(self) -> None:
        """Raise what its thread met, once, as the next `write` would."""
        ...


@runtime_checkable
class Idles(Protocol):
    """A sink with something to do also while nothing comes."""

    def idle(self) -> None:
        """Nothing came for about a second. Raises as `write`."""
        ...
