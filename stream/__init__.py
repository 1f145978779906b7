"""Which pixels, when, and where they go: sources, threads, drawing, sinks. The short way in:

from stream import watch
for result in watch("clip.mp4"):
    print(result.frame.time_s, [(face.box, face.probability) for face in result.analysis.faces])
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.settings.schema import Settings
    from stream.sinks.result import Result

__all__ = ["watch"]


def watch(source: str | int | Path, settings: Settings | None = None) -> Iterator[Result]:
    """Every frame of a source, with the faces in it. Leaving the loop closes everything.

    Args:
        source: whatever `facestream run` takes: a camera's index, an address, a video, a picture, a folder, a glob.
        settings: as `stream.settings.loading.load_settings` gives them; the defaults without.

    Raises:
        SourceError: the source cannot be opened or read.
        ModelError: the classifier's bundle is unknown or damaged.
    """
    from stream.analysis.analyser import Analyser
    from stream.pipeline.lane import Lane
    from stream.pipeline.pipeline import Pipeline
    from stream.settings.schema import Settings
    from stream.sources.opening import open_source

    settings = settings or Settings()
    lane = Lane(open_source(source, settings.source))
    yield from Pipeline([lane], Analyser.load(settings), settings).results()
