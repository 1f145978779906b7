"""Where what pages bring goes: the run of this moment, if it takes guests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from stream.pipeline.lane import Lane
from stream.settings.schema import Settings


class Taker(Protocol):
    """A run, as far as guests go. Any thread."""

    def add(self, lane: Lane) -> None: ...

    def remove(self, lane: Lane) -> None: ...


@dataclass(frozen=True, slots=True)
class GuestPlace:
    """Where guests are taken now."""

    run: Taker | None
    settings: Settings
    view_only: bool = False
    """The page shows, and changes nothing."""
    ends: bool = False
    """The run works through files, and ends after them."""

    @property
    def why_not(self) -> str:
        """Guests are not taken, and why, in a sentence; empty where they are."""
        if self.view_only:
            return "This page only shows: it was started with --web-view-only."
        if self.run is None:
            return "Nothing runs at the moment."
        if self.ends:
            return "This run works through its files and ends; facestream run --web, without a file, takes your camera and your files."
        return ""
