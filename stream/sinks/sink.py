"""What every sink is: something that takes results."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from stream.sinks.result import Result


class StopAsked(Exception):  # noqa: N818 - a wish, not an error, like StopIteration
    """Raised by a sink's `write` or `poll` when its user asked to stop (a key, the close button)."""


class Sink(Protocol):
    """Something that takes results. One thread uses it, the renderer's."""

    notes: list[str]
    """One sentence for each thing the user should know although the job went on. Read after `close`."""

    def write(self, result: Result) -> None:
        """Take one result. Raises `SinkError` when it cannot, `StopAsked` when the user wants to end."""
        ...

    def poll(self, stale: Result | None = None) -> None:
        """Called about 20 times a second while no result comes: a window handles its keys here.

        Args:
            stale: what to show while no live picture comes: the newest once more, with its age or the faces that were found in it
                meanwhile, or a dark one that says NO SIGNAL. For eyes only: a file must not get it.
        """
        ...

    def close(self) -> None:
        """Finish the output. Any number of times."""
        ...


class Screen(Protocol):
    """What several sinks are seen on together. The renderer's thread uses it."""

    @property
    def due_in_s(self) -> float:
        """When `refresh` wants to be called next, at the latest."""
        ...

    def refresh(self) -> bool:
        """Called after each round of results, and when it is due. Raises `StopAsked` when the user wants to end."""
        ...


@runtime_checkable
class Waits(Protocol):
    """A sink that waits for somebody else: a thread, or another program that reads."""

    @property
    def full(self) -> bool:
        """Whether the next result would be lost. A file's results are held back until it is not."""
        ...

    def hurry(self) -> None:
        """The user wants to end: `close` may take a second from now, and what is not done by then is lost."""
        ...
