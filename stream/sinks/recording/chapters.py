"""What a file has that is no track: chapters, and what an output cannot have."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from stream.media import av

MOST_S = 10**6
"""No chapter ends later: MP4's muxer aborts the process where chapters are too far apart."""


def copy_chapters(path: Path, container: av.container.InputContainer, output: av.container.OutputContainer, shift_s: Fraction) -> list[str]:
    """Chapters in their order, `shift_s` earlier; a sentence for each that cannot be."""
    kept, notes = [], []
    for number, chapter in enumerate(container.chapters(), 1):
        tick_s = chapter["time_base"] or Fraction(1)
        ticks = round(shift_s / tick_s)
        chapter["start"], chapter["end"] = max(chapter["start"] - ticks, 0), max(chapter["end"] - ticks, 0)
        chapter["metadata"].setdefault("title", f"Chapter {number}")  # MP4's muxer waits for ever for chapters that have none
        if chapter["start"] <= chapter["end"] and chapter["end"] * tick_s <= MOST_S:
            kept.append(chapter)
        else:
            notes.append(f"{path}: chapter {number} has an impossible time; left out.")
    if kept:
        output.set_chapters(sorted(kept, key=lambda chapter: chapter["start"] * (chapter["time_base"] or 1)))
    return notes


def left_out(path: Path, container: av.container.InputContainer) -> list[str]:
    """A sentence for each kind of thing that no output has."""
    streams = container.streams
    covers = sum(bool(stream.disposition & av.stream.Disposition.attached_pic) for stream in streams.video)
    chapters = container.format.name.startswith("mov") and bool(container.chapters())  # there they are a stream of data too
    counts = {
        "cover picture": covers,
        "video stream": len(streams.video) - covers - 1,
        "data stream": len(streams.data) - chapters,
        "attached file": len(streams.attachments),
    }
    return [f"{path}: {f'{count} {what}s are' if count > 1 else f'a {what} is'} left out." for what, count in counts.items() if count > 0]
