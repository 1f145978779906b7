"""Reads the packets of a file, or of the parts that it was joined of, one part after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from stream.jumps import AnyPacket
from stream.media import av, ffmpeg_name
from stream.transport_parts import BUFFER, first_part, sound_behind

LATE = -2
"""The number of a sound that only later parts have."""


class PartsReader:
    """The packets of all parts, each belonging to one of the first part's streams."""

    def __init__(self, path: Path) -> None:
        self._part = first_part(path, pictures_only=False)
        self.container = av.open(self._part or ffmpeg_name(path), "r", metadata_errors="replace", buffer_size=BUFFER)
        """The first part: in nearly all files, the file."""
        self._opened = [self.container]
        """All parts so far: their packets may still wait to be decoded."""
        best = self.container.streams.best("video")
        self.pictures = best if isinstance(best, av.VideoStream) else None
        self.late_sound: av.AudioStream | None = None
        """Of a later part, where the first one has no sound."""
        self._later = sound_behind(path) if self._part is not None and not self.container.streams.audio else None
        if self._later is not None:
            self._opened.insert(0, av.open(self._later, "r", buffer_size=BUFFER))
            self.late_sound = self._opened[0].streams.audio[0]
        self._tracks: dict[av.stream.Stream, int] = {stream: stream.index for stream in self.container.streams}
        """To which stream of the first part each stream belongs."""
        self.strangers: list[str] = []
        """Streams of the newest part that belong to none: what they are."""

    @property
    def sounds(self) -> list[av.AudioStream]:
        """Those that there are tracks for."""
        return list(self.container.streams.audio) if self.late_sound is None else [self.late_sound]

    def number(self, stream: av.stream.Stream) -> int:
        """Of a stream of the first part, or of the sound that comes later."""
        return LATE if stream is self.late_sound else stream.index

    def track(self, packet: AnyPacket) -> int:
        """The number of the stream to which a packet belongs, as the first part counts; -1: to none."""
        return self._tracks.get(packet.stream, -1)

    @property
    def is_joined(self) -> bool:
        """As far as is known by now."""
        return self._opened[-1] is not self.container

    @property
    def go_on(self) -> bool:
        """Another part has begun."""
        return self._part is not None

    def packets(self) -> Iterator[AnyPacket | None]:
        """None where a part is over and another one begins, or nothing."""
        while True:
            with suppress(IndexError):  # PyAV's, at the very end of a file with streams that begin in its middle
                for packet in self._opened[-1].demux():
                    if packet.size:
                        yield packet
            self._part, self.strangers = None if self._part is None else self._part.following(), []
            if self._part is not None:
                self._opened.append(av.open(self._part, "r", metadata_errors="replace", buffer_size=BUFFER))
                self._assign(self._opened[-1])
            yield None
            if self._part is None:
                return

    def close(self) -> None:
        for container in self._opened:
            container.close()
        for part in (self._part, self._later):
            if part is not None:
                part.close()

    def _assign(self, part: av.container.InputContainer) -> None:
        """The streams of a later part to those of the first one: of the same number (PID), else in their order."""
        first = self.container.streams
        best = part.streams.best("video")
        if best is not None and self.pictures is not None:
            self._tracks[best] = self.pictures.index
        for mine, theirs in ((first.audio, part.streams.audio), (first.subtitles, part.streams.subtitles)):
            free = list(mine)
            for stream in sorted(theirs, key=lambda one: all(one.id != other.id for other in free)):
                found = next((other for other in free if other.id == stream.id), free[0] if free else None)
                if self.late_sound is not None and stream.type == "audio" and stream is theirs[0]:
                    self._tracks[stream] = LATE
                elif found is None or stream.codec_context is None or (stream.type == "subtitle" and not _same_codec(found, stream)):
                    self.strangers.append("sound" if stream.type == "audio" else "subtitles")
                else:
                    free.remove(found)
                    self._tracks[stream] = found.index


def _same_codec(one: av.stream.Stream, other: av.stream.Stream) -> bool:
    return bool(one.codec_context and other.codec_context) and one.codec_context.name == other.codec_context.name
