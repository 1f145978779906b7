"""What a container takes, found out by trying: some say so only at the first packet, or at the end, which is too late."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from stream.jumps import AnyPacket
from stream.media import SubtitleStream, av, ffmpeg_name
from stream.sinks.recording.tracks import Copied


def takes(
    kind: str, options: dict[str, str], stream: av.AudioStream | SubtitleStream, packets: Sequence[AnyPacket], shift_s: Fraction
) -> bool:
    """Whether a container takes the packets as they are: header, packets and end are written into memory, and read again."""
    memory = io.BytesIO()
    try:
        with av.open(memory, "w", format=kind, options=options) as container:
            track = Copied(stream, container)
            container.start_encoding()
            for packet in packets:
                container.mux(track.ready(_copy(packet), shift_s))
        if not packets:
            return True
        memory.seek(0)
        with av.open(memory) as again:
            return [one.type for one in again.streams] == [stream.type]
    except (av.error.FFmpegError, ValueError, AttributeError):
        return False


def learn(stream: av.AudioStream, packets: Sequence[AnyPacket]) -> None:
    """Its rate and channels, from its packets, where it began too far into the file for what opened that."""
    context = stream.codec_context
    if context.sample_rate and context.layout.nb_channels:
        return
    for packet in packets:
        with suppress(av.error.FFmpegError):
            context.decode(_copy(packet))
    context.flush_buffers()


def takes_tags(kind: str, options: dict[str, str], tags: dict[str, str], rate: Fraction | None) -> bool:
    """Whether a container takes what a file says about itself. Of a timecode, MP4 makes a track, which it may refuse at the end."""
    if not tags:
        return True
    try:
        with av.open(io.BytesIO(), "w", format=kind, options=options) as container:
            codec = "libvpx-vp9" if kind == "webm" else "libx264"
            container.add_stream(codec, rate=rate, width=16, height=16, time_base=Fraction(1, 1000))
            container.metadata.update(tags)
            container.start_encoding()
    except (av.error.FFmpegError, ValueError):
        return False
    return True


def _copy(packet: AnyPacket) -> AnyPacket:
    copy: AnyPacket = av.Packet(bytes(packet))
    copy.pts, copy.dts, copy.duration, copy.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    copy.is_keyframe = packet.is_keyframe
    return copy


def plays(path: Path) -> bool:
    """Whether there is a video with a picture in it."""
    try:
        with av.open(ffmpeg_name(path)) as container:
            return next(container.decode(video=0), None) is not None
    except (OSError, av.error.FFmpegError, IndexError):
        return False
