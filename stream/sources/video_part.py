"""Parts of a video file on disk: when its pictures are shown, told from its packets alone, and the pictures of a stretch of it."""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from stream.errors import SourceError
from stream.frame import Frame
from stream.media import av, ffmpeg_name
from stream.sources.contents import edits_hide_all, ends_with_a_packet, video_stream
from stream.sources.pyav_frame import Orientations, frame_of
from stream.transport_parts import BUFFER, first_part

EARLIER_S = (0, 2, 10, 60)
"""So much before a key frame it is looked for in turn: a transport stream is found by times of decoding, and not to the packet. Then from
the start of the file."""

SEEKABLE = ("mov", "matroska", "mpegts", "mpeg", "flv")
"""Containers, by FFmpeg's names, that give the times of all pictures, and any of their key frames. AVI has times of decoding alone."""


@dataclass(frozen=True, slots=True, eq=False)
class PacketTimes:
    """What the packets of a file's pictures say, in the order of decoding."""

    time_base: Fraction
    """Seconds per tick."""
    shown: np.ndarray
    """(N,) int64 ticks: when each picture is shown."""
    decoded: np.ndarray
    """(N,) int64 ticks: when it is decoded."""
    is_key: np.ndarray
    """(N,) bool: decoding can begin there."""
    lasts: int
    """Ticks that the last picture to be shown lasts; 0 where the file does not say it."""
    declared_end: int | None
    """When the pictures end, as the file declares it, ticks; None: it does not."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some pictures of a file, one after the other."""

    key: int
    """Ticks at which the key frame is shown from which on they are decoded."""
    key_decoded: int
    """Ticks at which that is decoded."""
    first: int
    """The index of the first picture, in the whole file."""
    begin: int
    """Ticks at which that is shown."""
    count: int
    times: int
    """What `times_mark` makes of the times of all."""


def times_mark(ticks: np.ndarray) -> int:
    """A number for the times of some pictures, (N,) int64, that other times hardly have."""
    return zlib.crc32(np.ascontiguousarray(ticks, np.int64).tobytes())


def packet_times(path: Path) -> PacketTimes | None:
    """Reads all packets of a file, and decodes nothing. None where it is in another container than `SEEKABLE`, a picture has no time, or
    the file is damaged or joined of several.
    """
    part = first_part(path, pictures_only=True)
    if part is not None and not ends_with_a_packet(path):
        part.close()
        return None
    shown, decoded, is_key = list[int](), list[int](), list[bool]()
    latest, lasts = 0, 0
    try:
        with closing(_opened(path)) as container:
            stream = video_stream(container)
            if not container.format.name.startswith(SEEKABLE):
                return None
            for packet in container.demux(stream):
                if not packet.size or packet.is_discard:
                    continue
                if packet.pts is None or (packet.dts is None and decoded) or packet.is_corrupt:
                    return None
                if not shown or packet.pts > latest:
                    latest, lasts = packet.pts, packet.duration or 0
                shown.append(packet.pts)
                if packet.dts is not None:  # Matroska's first ones have none where pictures are shown in another order
                    missing = len(shown) - 1 - len(decoded)
                    decoded += range(packet.dts - missing, packet.dts + 1)
                is_key.append(packet.is_keyframe)
            declared_end = (stream.start_time or 0) + stream.duration if stream.duration else None
            time_base = stream.time_base
        if part is not None:
            while part.read(BUFFER):
                pass
            if part.following() is not None:
                return None
    except (av.error.FFmpegError, SourceError, IndexError):
        return None
    finally:
        if part is not None:
            part.close()
    if not shown or time_base is None or len(decoded) < len(shown):
        return None
    return PacketTimes(time_base, np.array(shown, np.int64), np.array(decoded, np.int64), np.array(is_key, bool), lasts, declared_end)


def frames_of(path: Path, name: str, stretch: Stretch, *, onwards: bool = False) -> Generator[Frame, None, None]:
    """The pictures of a stretch, each at its exact time.

    Args:
        name: of the source, for the frames.
        onwards: do not end with it, but with the file.

    Raises:
        SourceError: the key frame is not found, something is damaged, or the times are not those of the stretch: it must be read in one
            piece then.
    """
    ticks: list[int] = []
    orientations = Orientations()
    with closing(_opened(path)) as container:
        stream = video_stream(container)
        stream.codec_context.thread_type = "AUTO"
        time_base = stream.time_base or Fraction(1, 1000)
        with closing(_decoded(path, container, stream, stretch)) as pictures:
            for decoded in pictures:
                if decoded.pts is None or decoded.is_corrupt:
                    raise SourceError(f"{name}: a picture is damaged near {stretch.begin * time_base:.1f} s.")
                if decoded.pts < stretch.begin:
                    continue
                ticks.append(decoded.pts)
                lies, index = orientations.of(decoded), stretch.first + len(ticks) - 1
                yield frame_of(decoded, lies, source=name, index=index, pts=decoded.pts, time_base=time_base, captured_at=0.0)
                if len(ticks) == stretch.count and not onwards:
                    break
    if not onwards and (len(ticks) != stretch.count or times_mark(np.array(ticks)) != stretch.times):
        raise SourceError(f"{name}: its pictures from {float(stretch.begin * time_base):.1f} s on are not those that its packets promise.")


def _opened(path: Path) -> av.container.InputContainer:
    """As `VideoSource` opens a file."""
    try:
        container = av.open(ffmpeg_name(path), "r", metadata_errors="replace", buffer_size=BUFFER)
        if edits_hide_all(container):
            container.close()
            raise SourceError(f"{path}: its list of edits hides its pictures.")
    except av.error.FFmpegError as error:
        raise SourceError(f"{path}: cannot be opened ({error.strerror}).") from None
    return container


def _decoded(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream, stretch: Stretch
) -> Generator[av.VideoFrame, None, None]:
    try:
        for packet in _from_key(path, container, stream, stretch):
            yield from packet.decode()
    except av.error.FFmpegError as error:
        raise SourceError(f"{path}: is damaged near {float(stretch.begin * (stream.time_base or 1)):.1f} s ({error.strerror}).") from None


def _from_key(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream, stretch: Stretch
) -> Iterator[av.Packet[av.VideoStream]]:
    """The packets from the key frame of the stretch on."""
    second = 1 / (stream.time_base or Fraction(1, 1000))
    for earlier_s in (*EARLIER_S, None):
        if earlier_s is None:
            container.seek(min(0, stretch.key_decoded), stream=stream)
        else:
            container.seek(min(stretch.key, stretch.key_decoded) - round(earlier_s * second), stream=stream)
        found = False
        for packet in container.demux(stream):
            if not found and packet.pts is not None and packet.is_keyframe and packet.pts >= stretch.key:
                if packet.pts > stretch.key:
                    break
                found = True
            if found and (packet.size or packet.dts is None):  # the last one is empty, and brings what the decoder holds
                yield packet
        if found:
            return
    raise SourceError(f"{path}: its key frame at {float(stretch.key / second):.1f} s is not found.")
