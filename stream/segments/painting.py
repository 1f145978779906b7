"""The third pass: each segment is drawn and encoded by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from stream.analysis.analyser import Analyser
from stream.drawing.mark import Style
from stream.drawing.overlay import inked
from stream.errors import SourceError
from stream.frame import Frame
from stream.media import av
from stream.replay.replaying import Replaying
from stream.replay.saved import Begin
from stream.segments.cut import Cut, no_matter
from stream.segments.encoded import write_chunk
from stream.segments.notes import marks_of, picture_mark
from stream.segments.threaded import Place
from stream.settings.schema import Settings
from stream.sinks.recording.encoding import Encoding, Packet, encoder_for, whole_rate
from stream.sinks.result import Result
from stream.sources.video_part import frames_of


@dataclass(frozen=True, slots=True)
class Painted:
    """What painting a segment came to."""

    number: int
    frames: int


def software_codec(kind: str) -> str:
    """The encoder whose packets fit together wherever they were made, for FFmpeg's name of a container."""
    return "libvpx-vp9" if kind == "webm" else "libx264"


def paint(
    cut: Cut,
    number: int,
    settings: Settings,
    events: Path,
    place: Place,
    path: Path,
    *,
    kind: str = "mp4",
    style: Style = inked,
    done: Callable[[int], None] = no_matter,
) -> Painted:
    """Draw what was found into the pictures of a segment, and encode them.

    Args:
        number: of the segment.
        events: as `thread` wrote them.
        place: where those of the segment begin.
        path: is written; `join` reads it.
        kind: FFmpeg's name of the container that they are for.
        style: how pictures are marked.
        done: is told how many frames more are done; what it raises ends the pass.

    Raises:
        SourceError: the video must be worked on in one piece, or the events are not of it.
        SinkError: the file cannot be written.
    """
    codec, notes, marks, info = software_codec(kind), list[str](), list[int](), cut.info
    encoder = encoder_for(codec, info, settings.output)
    context = av.CodecContext.create(encoder.codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.options, context.framerate = encoder.options, whole_rate(info)
    context.flags |= av.codec.context.Flags.global_header  # what is the same in all segments belongs to none
    encoding = Encoding(context, encoder, info, first_frame(cut), notes)
    context.open()
    own = cut.segments[number].own
    begin = Begin(place.offset, place.line, info.name, None, live=False, hides=None)
    told = Replaying(info, settings, events, {info.name: begin}, hides_more=False)

    def packets() -> Iterator[Packet]:
        looker = Analyser(None, None)
        with closing(frames_of(cut.path, info.name, own)) as frames:
            for count, frame in enumerate(frames, 1):
                (analysis,) = looker.look([frame], [told])
                marks.append(picture_mark(frame))
                # Where one key frame directly follows another, a decoder may take both for one: the next segment begins with one.
                may_be_key = count < own.count or own.count == 1
                yield from encoding.packets(Result(frame, analysis, info, style=style), may_be_key=may_be_key)
                done(1)
        yield from encoding.rest()
        if told.notes:
            raise SourceError(told.notes[0])
        if marks_of(marks) != place.marks:
            raise SourceError(f"{info.name}: the pictures of its segment {number} are not those that were looked at.")

    written = write_chunk(path, codec, bytes(context.extradata or b""), packets(), notes)
    if written != own.count:
        raise SourceError(f"{info.name}: {own.count} pictures were encoded, {written} came out.")
    return Painted(number, written)


def first_frame(cut: Cut) -> Frame:
    """The video's first picture: all others get its size and colours."""
    with closing(frames_of(cut.path, cut.info.name, cut.segments[0].own)) as frames:
        return next(frames)
