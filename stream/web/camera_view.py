"""What the page sees of one lane: its newest result, how its source is doing, and nothing that could hold it up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from stream.faces import Hidden
from stream.names import printable
from stream.settings.schema import Settings
from stream.sinks.result import Result
from stream.sources.source import Source

STALE_S = 1.0
"""A camera that gave no picture for so long has no signal."""
STAYS_S = 5.0
"""How long each of several photos stays where nobody may turn to the next (a guess)."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A result and its number, from 1, among those of its view."""

    number: int
    result: Result


class Switch(Protocol):
    """Something that is on or off."""

    on: bool
    failed: bool
    """It is off, and stays so."""


class CameraView:
    """A viewer whose screen is the page. `write` is the renderer's; the rest may be asked by any thread."""

    def __init__(self, source: Source, came: Callable[[CameraView], None], *, turns_itself: bool = False) -> None:
        """
        Args:
            came: is told of each picture, at once, and must not wait.
            turns_itself: no page may turn to the next of several pictures: each stays for `STAYS_S`.
        """
        self.name = printable(source.info.name)
        self.newest: Numbered | None = None
        self.notes: list[str] = []
        self.ended = self.paused = False
        self.recording: Switch | None = None
        """What a page may switch; None: it is not recorded."""
        self.looks = _Looks(self)
        """A sink for analysed frames: those who follow the events get them."""
        self.listeners: tuple[Callable[[Result], None], ...] = ()
        """Are told of each analysed frame, on the renderer's thread, and must not wait."""
        self._turned = False
        self._source, self._came, self._turns_itself = source, came, turns_itself
        self._began = self._written_at = time.monotonic()
        self._changing = threading.Lock()

    def write(self, result: Result) -> None:
        self._written_at = time.monotonic()
        if self.paused:
            return
        self.newest = Numbered(1 + (self.newest.number if self.newest else 0), result)
        self._came(self)

    def hide(self, settings: Settings) -> None:
        """Those hold from now on: a picture that stays, as no other comes, was not looked at for them, and all of it is hidden."""
        how, newest = settings.of_name(self._source.info.name).hide, self.newest
        if how.style == "none" or newest is None or newest.result.analysis.hidden is not None:
            return
        analysis = newest.result.analysis
        faces = tuple(replace(face, hidden=True) for face in analysis.faces)
        whole = Hidden(how.style, how.shape, np.zeros((0, 4), np.float32), whole=True)
        self.newest = Numbered(newest.number + 1, newest.result.of(replace(analysis, faces=faces, hidden=whole)))
        self._came(self)

    def turn(self) -> None:
        """A page wants the next of several pictures. Any thread."""
        self._turned = True

    def turned(self) -> bool:
        """Whether one did since this was last asked."""
        turned, self._turned = self._turned, False
        return turned or (self._turns_itself and time.monotonic() - self._written_at >= STAYS_S)

    def poll(self) -> None:
        """There are no keys here: what a page's user does goes another way."""

    def show_stale(self, result: Result) -> None:
        """Faces that became known after their picture was shown go out with it once more; that nothing comes the page says by itself."""
        if self.newest is not None and result.frame is self.newest.result.frame and result.analysis.faces:
            self.write(result)

    def close(self) -> None:
        self.ended = True
        self._came(self)

    def listen(self, listener: Callable[[Result], None]) -> None:
        with self._changing:
            self.listeners = (*self.listeners, listener)

    def leave(self, listener: Callable[[Result], None]) -> None:
        with self._changing:
            self.listeners = tuple(one for one in self.listeners if one != listener)

    def state(self) -> dict[str, Any]:
        """How it is now, for the page: whether it has a signal, since when not, and why."""
        info, status, newest = self._source.info, self._source.status, self.newest
        since = self._began if newest is None else newest.result.frame.captured_at
        silent_s = time.monotonic() - since
        state = "up" if status.state == "ended" else status.state  # all is read, but not all is shown yet
        no_signal = info.live and not (self.ended or self.paused) and (state != "up" or silent_s > STALE_S)
        return {
            "name": self.name,
            "live": info.live,
            "still": info.still,
            "state": "ended" if self.ended else state,
            "no_signal": no_signal and (newest is None or silent_s > STALE_S),
            "silent_s": round(silent_s, 1),
            "cause": status.cause,
            "paused": self.paused,
            "recording": None if self.recording is None else self.recording.on,
            "width": newest.result.frame.width if newest else info.width,
            "height": newest.result.frame.height if newest else info.height,
        }


class _Looks:
    """The sink of a view's analysed frames."""

    def __init__(self, view: CameraView) -> None:
        self.notes: list[str] = []
        self._view = view

    def write(self, result: Result) -> None:
        for listener in self._view.listeners:
            listener(result)

    def close(self) -> None:
        """It keeps nothing."""
