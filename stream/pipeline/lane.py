"""What a run is made of: lanes, each a source and where its results go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stream.drawing.mark import Style
from stream.drawing.overlay import inked
from stream.settings.schema import Settings
from stream.sinks.sink import Sink, Viewer
from stream.sources.source import Source


@dataclass(eq=False)
class Lane:
    """One source and where its results go."""

    source: Source
    sinks: Sequence[Sink] = ()
    """Get every shown frame, with its faces."""
    analysis_sinks: Sequence[Sink] = ()
    """Get every analysed frame, with the faces found in it: live, that is fewer than are shown."""
    viewers: Sequence[Viewer] = ()
    """Get every shown frame after `sinks`, and what is shown in its place while none comes."""
    paced: bool = False
    """Show a file at its own pace, not as fast as can be."""
    status_line: bool = False
    """Write a status line into the picture."""
    turn: Callable[[], bool] | None = None
    """Pictures in a window: whether the user has asked for the next one; each stays until then."""
    settings: Settings | None = None
    """Of this source, where it has some of its own."""
    style: Style = inked
    """How its pictures are marked."""
    fail_alone: Sequence[Sink] = ()
    """Those of `sinks` that end alone when they fail (a disk is full): the run goes on without them."""
    guest: bool = False
    """It leaves by itself when its source has ended, what its source or its closing fails with is told to the observers alone, and its
    results are for its sinks and viewers alone."""
