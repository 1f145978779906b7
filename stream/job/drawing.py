"""What `facestream draw` does: a run's outputs from its events, without looking again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from models.places import resolved
from stream.console import logs
from stream.drawing.mark import Style
from stream.errors import UsageError
from stream.job.inputs import open_inputs
from stream.job.job import Job, Options
from stream.replay.replay import Replay
from stream.replay.saved import SavedEvents
from stream.settings.schema import Settings


def draw(events: Path, sources: Sequence[str], settings: Settings, options: Options, style: Style) -> int:
    """Draws what the events say into the pictures of their sources; the exit code.

    Raises:
        UsageError: there are no such events, or they are not of these sources.
        SourceError, PictureError: nothing could be opened.
    """
    if options.output is not None and resolved(options.output) == resolved(events):
        raise UsageError(f"{events}: these are the events; choose another output.")
    saved = SavedEvents(events)
    inputs, unopened = open_inputs(sources, settings, without=options.output)
    replay = Replay(saved)
    for one in inputs:
        one.settings = replay.match(one.source.info, one.settings)
    _warn(saved.notes)
    try:
        return Job(settings, options, unopened, analyser=replay, style=style).run(inputs)
    finally:
        _warn(replay.notes)


def _warn(notes: Sequence[str]) -> None:
    for note in notes:
        logs.say(note, level=logging.WARNING)
