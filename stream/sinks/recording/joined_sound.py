"""A sound that is copied, of a file that was joined of parts: none of its packets is of another kind than the track."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from stream.jumps import AnyPacket
from stream.media import av
from stream.sinks.recording.encoded_sound import Continued
from stream.sinks.recording.tracks import Copied

Kind: TypeAlias = "tuple[str, bytes]"
"""A codec, and what a packet says of how it is coded, as far as that must not change within a track."""


class Joined:
    """Copies what is of the kind of its first packet; all else is encoded so that it becomes that."""

    def __init__(self, copied: Copied, source: av.AudioStream) -> None:
        self.stream = copied.stream
        self.notes: list[tuple[Fraction, str, str]] = []
        """When another kind of sound begins, seconds in the input; which, and what becomes of it."""
        self._copied, self._codec = copied, source.codec_context.codec.canonical_name
        self._kind: Kind | None = None
        self._other: Continued | None = None
        self._told: set[Kind] = set()

    def ready(self, packet: AnyPacket, shift_s: Fraction) -> list[AnyPacket]:
        kind = kind_of(packet)
        if self._kind is None and kind[0] == self._codec:
            self._kind = kind
        if kind == self._kind:
            return self._others_rest(packet, shift_s) + self._copied.ready(packet, shift_s)
        assert isinstance(self.stream, av.AudioStream)
        what = kind[0] if kind[0] != self._codec else f"another kind of {kind[0]}"
        try:
            self._other = self._other or Continued(self.stream, self._codec)
        except ValueError as error:
            self._tell(packet, kind, what, f"left out, for {error}")
            return []
        made = self._other.ready(packet, shift_s)
        if made:
            self._tell(packet, kind, what, f"encoded as {self._codec}")
        return self._copied.made(made)

    def fill(self, until_s: Fraction) -> list[AnyPacket]:
        return self._copied.fill(until_s)

    def rest(self) -> list[AnyPacket]:
        made = [] if self._other is None else self._copied.made(self._other.rest())
        return made + self._copied.rest()

    def _others_rest(self, packet: AnyPacket, shift_s: Fraction) -> list[AnyPacket]:
        """What the encoder still holds, as far as the packet does not stand there."""
        if self._other is None:
            return []
        begin_s = (packet.pts or 0) * packet.time_base - shift_s
        rest, self._other = self._other.rest(), None
        middles_s = [((one.pts or 0) + (one.duration or 0) / 2) * one.time_base for one in rest]
        return self._copied.made([one for one, middle_s in zip(rest, middles_s, strict=True) if middle_s < begin_s])

    def _tell(self, packet: AnyPacket, kind: Kind, what: str, becomes: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self.notes.append(((packet.pts or 0) * packet.time_base, what, becomes))


def kind_of(packet: AnyPacket) -> Kind:
    """By its stream, and by its first bytes: a transport stream's codec may change where its demuxer does not tell."""
    codec = packet.stream.codec_context.codec.canonical_name
    head = bytes(packet)[:6].ljust(6, b"\0")
    synced = head[0] == 0xFF and head[1] & 0xE0 == 0xE0
    if codec == "aac" and not packet.stream.codec_context.extradata:
        is_aac = synced and head[1] & 0x16 == 0x10
        return codec, bytes([head[2] & 0xFD, head[3] & 0xC0]) if is_aac else b"?"  # profile, rate, channels
    if codec in ("mp2", "mp3"):
        return codec, bytes([head[1] & 0x1E, head[2] & 0x0C]) if synced and head[1] & 0x06 else b"?"  # version and layer, rate
    if codec in ("ac3", "eac3"):
        return codec, b"" if head[:2] == b"\x0b\x77" else b"?"
    return codec, b""
