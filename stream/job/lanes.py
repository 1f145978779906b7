"""From inputs to lanes: which sinks each gets, and which inputs run side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from stream.deadline import Deadline
from stream.drawing.mark import Style
from stream.drawing.overlay import inked
from stream.job.inputs import Input
from stream.monitoring.health import Health
from stream.pipeline.lane import Lane
from stream.pipeline.priority import RECORDINGS
from stream.sinks.picture import PictureSink
from stream.sinks.recording.hidden_tags import told_without
from stream.sinks.recording.segments import SegmentedSink
from stream.sinks.recording.switched import SwitchedSink
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sinks.screen.mosaic import Mosaic
from stream.sinks.screen.window import WindowSink
from stream.sinks.sink import Sink, Viewer, Waits
from stream.sinks.threaded import Threaded
from stream.web.camera_view import CameraView
from stream.web.host import WebHost


def groups(inputs: Sequence[Input]) -> list[list[Input]]:
    """What runs side by side: all that is live; then each file alone, so that it gets the whole machine."""
    live = [one for one in inputs if one.source.info.live]
    return ([live] if live else []) + [[one] for one in inputs if not one.source.info.live]


class Events(Sink, Waits, Protocol):
    """Where events go."""


@dataclass(frozen=True, slots=True)
class LaneMaker:
    """Makes the lanes of one group after the other."""

    events: Events | None
    """Gets what is found in all of them."""
    window: bool
    health: Health
    overwrite: bool
    web: WebHost | None = None
    """Shows all of them on its page."""
    style: Style = inked
    run: str = ""
    """Stands in the names of recordings in pieces."""

    def lanes(self, group: Sequence[Input]) -> tuple[list[Lane], Mosaic | None]:
        """A lane for each input, and the window that several share.

        Raises:
            SinkError: an output cannot be written.
        """
        mosaic = Mosaic([one.source.info for one in group]) if self.window and len(group) > 1 else None
        viewers: Sequence[Viewer | None] = mosaic.tiles if mosaic else [self._window(one) for one in group]
        return [self._lane(one, viewer, fails_alone=len(group) > 1) for one, viewer in zip(group, viewers, strict=True)], mosaic

    def _window(self, one: Input) -> WindowSink | None:
        return WindowSink(one.source.info.name) if self.window else None

    def _lane(self, one: Input, viewer: Viewer | None, *, fails_alone: bool) -> Lane:
        info = one.source.info
        view = self.web.view(one.source) if self.web else None
        played = view is not None and self.plays_for_pages(one)
        turn = viewer.turned if isinstance(viewer, WindowSink) else view.turned if view is not None and played and info.still else None
        sink = self._sink(one, view)
        return Lane(
            one.source,
            [] if sink is None else [sink],
            [*([_Shared(self.events)] if self.events else []), *([view.looks] if view else [])],
            [one for one in (viewer, view) if one is not None],
            paced=viewer is not None or played,
            status_line=info.live or (viewer is not None and sink is None and not info.still),
            turn=turn,
            settings=one.settings,
            style=self.style,
            fail_alone=[sink] if fails_alone and sink is not None else [],
        )

    def plays_for_pages(self, one: Input) -> bool:
        """A file that nothing else is done with: pages are what it is run for."""
        return self.web is not None and not (one.source.info.live or self.window or self.events or one.output)

    def _sink(self, one: Input, view: CameraView | None) -> Sink | None:
        """What writes the pictures of an input; None where they are not written."""
        info, path, settings = one.source.info, one.output, one.settings.output
        if path is None:
            return None
        if info.still:
            return PictureSink(path, info, settings, overwrite=self.overwrite, hide=one.settings.hide)
        info, notes = told_without(info, one.settings.hide)
        kind = partial(SegmentedSink, run=self.run) if one.in_pieces else VideoSink
        if view is None or not info.live:
            video: Sink = kind(path, info, settings, overwrite=self.overwrite)
            video.notes += notes
        else:
            video = view.recording = SwitchedSink(
                lambda path, may_replace: kind(path, info, settings, overwrite=self.overwrite and may_replace),
                path,
                in_pieces=one.in_pieces,
            )
        return Threaded(video, health=self.health, source=info.name, steps_back=RECORDINGS) if info.live else video


class _Shared:
    """A sink that outlives a lane: several write into it, and whoever made it closes it."""

    def __init__(self, sink: Events) -> None:
        self.notes: list[str] = []  # told once, by whoever closes the sink
        self._sink = sink

    @property
    def full(self) -> bool:
        return self._sink.full

    def hurry(self, deadline: Deadline) -> None:
        """Not for one lane of several: the job hurries it when the run is asked to end."""

    def write(self, result: Result) -> None:
        self._sink.write(result)

    def close(self) -> None:
        """It goes on for the others."""
