"""The last pass: the segments' pictures, one after the other, and what the source has beside its pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.deadline import NEVER
from stream.errors import SinkError, SourceError
from stream.media import av
from stream.segments.cut import Cut, no_matter
from stream.segments.encoded import open_chunk, packets_in
from stream.segments.painting import first_frame, software_codec
from stream.segments.written import sync
from stream.settings.schema import Settings
from stream.sinks.files import unwritable
from stream.sinks.recording.video import begin_recording


@dataclass(frozen=True, slots=True)
class Joined:
    """What joining came to."""

    frames: int
    bytes: int
    notes: tuple[str, ...]
    """One sentence for each thing that could not be kept as it was in the input."""


def join(
    cut: Cut, settings: Settings, chunks: Sequence[Path], path: Path, *, kind: str = "mp4", done: Callable[[int], None] = no_matter
) -> Joined:
    """Write the video: all pictures at their times, sound, subtitles and chapters once from the source.

    Args:
        chunks: those of each segment, as `paint` wrote them.
        path: is written, whatever it is called, and is on the disk when this returns.
        kind: FFmpeg's name of the container.
        done: is told how many frames more are done; what it raises ends the pass.

    Raises:
        SourceError: a chunk is missing or damaged, or they do not fit together: the video must be worked on in one piece.
        SinkError: the file cannot be written.
    """
    opened = [open_chunk(one) for one in chunks]
    counts, wanted = [one.packets for one in opened], [one.own.count for one in cut.segments]
    if counts != wanted:
        raise SourceError(f"{cut.info.name}: its segments have {counts} pictures, and {wanted} were cut.")
    notes: list[str] = []
    try:
        recording = begin_recording(path, kind, cut.info, settings.output, (software_codec(kind),), first_frame(cut), notes)
        try:
            for chunk in opened:
                if chunk.header != recording.header:
                    raise SourceError(f"{cut.info.name}: its segments were encoded in different ways.")
                for packet in packets_in(chunk):
                    recording.copy([packet])
                    done(1)
            recording.finish(NEVER)
        finally:
            recording.let_go()
    except (OSError, ValueError, av.error.FFmpegError) as error:
        raise SinkError(unwritable(path, error)) from error
    sync(path)
    told = dict.fromkeys([*notes, *(note for chunk in opened for note in chunk.notes)])
    return Joined(sum(counts), path.stat().st_size, tuple(told))
