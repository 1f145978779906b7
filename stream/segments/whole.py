"""All passes one after the other, in this process: what others hand to workers side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stream.analysis.analyser import Analyser
from stream.drawing.mark import Style
from stream.drawing.overlay import inked
from stream.segments.cut import SEGMENT_S, Cut, probe
from stream.segments.joining import Joined, join
from stream.segments.looking import look
from stream.segments.painting import paint
from stream.segments.threaded import Threaded, thread
from stream.settings.schema import Settings
from stream.sinks.recording.video import FORMATS


@dataclass(frozen=True, slots=True)
class Done:
    """What all of it came to."""

    cut: Cut
    threaded: Threaded
    joined: Joined | None
    """None: no pictures were asked for."""


def in_segments(
    source: Path,
    output: Path | None,
    events: Path | None,
    settings: Settings,
    scratch: Path,
    *,
    analyser: Analyser | None = None,
    segment_s: float = SEGMENT_S,
    style: Style = inked,
) -> Done | None:
    """What `facestream run SOURCE -o OUTPUT --events EVENTS` does, in segments. Existing files are replaced.

    Args:
        output: where the pictures go; None: nowhere.
        events: where what was found goes; None: into the scratch folder.
        scratch: a folder for what the passes hand on; what was left there stays for the caller to remove.
        analyser: None: one with the models that the settings name.
        segment_s: about how long a segment is.

    Returns:
        None: the video must be worked on in one piece. Nothing was written.

    Raises:
        SourceError: it cannot be read, or turned out to have to be worked on in one piece.
        SinkError: a file cannot be written.
    """
    cut = probe(source, settings, segment_s=segment_s, pictures=output is not None)
    if cut is None:
        return None
    analyser = analyser or Analyser.load(settings)
    notes = [scratch / f"look-{one.number}" for one in cut.segments]
    for one, path in zip(cut.segments, notes, strict=True):
        look(cut, one.number, settings, analyser, path)
    events = events or scratch / "events.jsonl"
    threaded = thread(cut, settings, notes, analyser, events)
    if output is None:
        return Done(cut, threaded, None)
    kind = FORMATS[output.suffix.lower()]
    chunks = [scratch / f"pictures-{one.number}" for one in cut.segments]
    for one, place, path in zip(cut.segments, threaded.places, chunks, strict=True):
        paint(cut, one.number, settings, events, place, path, kind=kind, style=style)
    return Done(cut, threaded, join(cut, settings, chunks, output, kind=kind))
