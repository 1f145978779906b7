"""Which pixels, when, and where they go: sources, threads, drawing, sinks. The short way in:

from stream import watch
for result in watch("clip.mp4"):
    print(result.frame.time_s, [(face.box, face.probability) for face in result.analysis.faces])
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.settings.schema import Settings
    from stream.sinks.result import Result

__all__ = ["watch"]

_log = logging.getLogger(__name__)


def watch(source: str | int | Path, settings: Settings | None = None) -> Iterator[Result]:
    """Every frame of a source, with the faces in it. Leaving the loop closes everything.

    A folder or pattern gives what `facestream run` reads there: its pictures, then each of its videos. What cannot be read, or only in
    part, is told through `logging`, as warnings of the logger `stream`, and the others still come.

    Args:
        source: whatever `facestream run` takes: a camera's index, an address, a video, a picture, a folder, a glob.
        settings: as `stream.settings.loading.load_settings` gives them; the defaults without.

    Raises:
        TypeError: source or settings are something else, at once; what follows comes with the first frame.
        SourceError: the source cannot be opened or read; of a folder, nothing that is in it.
        PictureError: the one picture that was named cannot be read.
        ModelError: the classifier's bundle, or a network, is unknown or damaged.
        PeopleError: the folder of known people cannot be used.
    """
    from stream.own_models import refuse_other_models

    refuse_other_models()
    from stream.settings.schema import Settings, checked_settings
    from stream.sources.addresses import as_typed

    return _watched(as_typed(source), Settings() if settings is None else checked_settings(settings))


def _watched(source: str, settings: Settings) -> Iterator[Result]:
    from stream.analysis.analyser import Analyser
    from stream.errors import PictureError, SourceError
    from stream.job.inputs import open_inputs
    from stream.passwords import redact
    from stream.pipeline.lane import Lane
    from stream.pipeline.pipeline import Pipeline

    inputs, unopened = open_inputs([source], settings)
    for report in unopened:
        _log.warning("%s", report.error)
    analyser = Analyser.load(settings)
    given = False
    for one in inputs:
        pipeline = Pipeline([Lane(one.source, settings=one.settings)], analyser, one.settings)
        try:
            for result in pipeline.results():
                given = True
                yield result
        except (SourceError, PictureError) as error:
            if len(inputs) == 1:
                raise
            _log.warning("%s", error)
        finally:
            for report in pipeline.report.sources:
                for sentence in [*report.failures, *report.notes]:
                    _log.warning("%s", sentence)
    if not given:
        raise SourceError(f"{redact(source)}: nothing in it could be read.")
