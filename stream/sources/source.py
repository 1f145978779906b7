"""What every source is: something that gives frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from stream.frame import Frame, SourceInfo

State = Literal["opening", "up", "lost", "ended"]


@dataclass(slots=True)
class SourceStatus:
    """How a source is doing. Written by the thread that reads it, read by anyone."""

    state: State = "opening"
    cause: str = ""
    """Why the source is not up, in a few words for people; empty while it is."""
    reconnects: int = 0
    """How often a live source came back after it was lost."""
    decode_errors: int = 0
    """Packets or pictures of a live source that could not be decoded, or only in part."""
    seen_at: float | None = None
    """`time.monotonic()` when a live source last looked after its camera, which it does at least each second; None for files."""
    failures: list[str] = field(default_factory=list)
    """One sentence for each picture that could not be read; the others still came."""
    notes: list[str] = field(default_factory=list)
    """One sentence for each thing the user should know although the job went on (decoded only in part, ...)."""


class Source(Protocol):
    """Something that gives frames.

    Iterating opens the source, where that was not done before, and yields frames until the end or `close()`. A file's error is raised as
    `SourceError`; a live source tries again inside itself, for ever, and says so in `status`. Only the iterating thread
    touches the decoder; it releases it when the iteration ends.
    """

    @property
    def info(self) -> SourceInfo:
        """What is known so far."""
        ...

    @property
    def status(self) -> SourceStatus: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Ask the iteration to end, within a second. From any thread, any number of times."""
        ...
