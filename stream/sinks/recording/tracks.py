"""A track of an output beside its pictures, copied packet for packet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from stream.jumps import AnyPacket
from stream.media import SubtitleStream, av
from stream.sinks.recording.encoded_sound import AAC_RATES, BEHIND_S, encodes

MOST_TICKS = 2**30
"""No step in an output is longer, nor any packet: MP4's muxer aborts the process at 2^31 ticks."""
PRIMING_S = Fraction(1, 10)
"""Sound that a decoder swallows at the start is shorter; more than that before 0 was cut away (a guess: the longest seen is 48 ms)."""
LATE_S = Fraction(1)
"""An MP4 is written only once each track has begun: one that begins later than this needs something in its place."""
AAC_SAMPLES = 1024
"""Of each packet."""


OF_A_PROGRAM = re.compile(r"(?i)handler|media|gpac|l-smash|\bISO\b|^(sound|audio|video|subtitles?|text)$")
"""Names of handlers that say what wrote an MP4, not what a track is."""
Flag = av.stream.Disposition
IN_ALL = Flag.default | Flag.dub | Flag.comment | Flag.forced | Flag.hearing_impaired | Flag.visual_impaired
FLAGS = {
    "mp4": IN_ALL | Flag.captions | Flag.descriptions,
    "mov": Flag.default,
    "matroska": IN_ALL | Flag.original,
    "webm": Flag.default | Flag.forced,
}
"""What a container can say a track is for."""


class Copied:
    """A stream whose packets are passed on as they are."""

    def __init__(
        self,
        stream: av.AudioStream | SubtitleStream,
        output: av.container.OutputContainer,
        silence: bytes = b"",
        begin_s: Fraction = Fraction(0),
    ) -> None:
        """
        Args:
            silence: a packet that says nothing, for an output that waits for sound that has not begun.
            begin_s: when the output's pictures begin, seconds in the output.
        """
        self.stream: av.AudioStream | SubtitleStream = output.add_stream_from_template(stream)
        if isinstance(stream, av.AudioStream) and isinstance(self.stream, av.AudioStream) and not self.stream.codec_context.sample_rate:
            context, known = self.stream.codec_context, stream.codec_context  # it was learned from a packet
            if known.sample_rate:
                context.sample_rate, context.layout = known.sample_rate, known.layout
        self._time_base: Fraction = stream.time_base or Fraction(1, 1000)
        self._last: int | None = None
        self._bytes = b""
        self._silence, self._begin_s, self._silent = silence, begin_s, 0
        self._lasts = 0
        """How long the last packet of sound lasted, ticks: so long lasts one that does not say it. MP4 would put the next one upon it."""
        self._hides = not output.format.name.startswith(("matroska", "webm"))
        """The output can hold sound that is not played, before its start."""
        self._cut_before: bool | None = None
        self._filter: av.bitstream.BitStreamFilterContext | None = None
        if stream.codec_context.name == "aac" and not stream.codec_context.extradata:  # of a broadcast: each packet brings its own header
            self._filter = av.bitstream.BitStreamFilterContext("aac_adtstoasc", stream)

    def ready(self, packet: AnyPacket, shift_s: Fraction) -> list[AnyPacket]:
        assert packet.pts is not None
        assert packet.dts is not None
        if self._cut_before is None:
            self._cut_before = packet.pts * self._time_base < -PRIMING_S
        if packet.is_discard and (packet.pts >= 0 or (self._cut_before and not self._hides)):
            return []
        ticks = round(shift_s / self._time_base)
        dts = packet.dts - ticks
        silence = self._filled(dts)
        self._silence = b""
        if self._last is not None:
            if self.stream.type == "audio" and 0 < dts - self._last < 1 / self._time_base:
                self._lasts = dts - self._last
            dts = max(dts, self._last + 1)  # containers refuse times that do not grow
        most = self.most_ticks
        bridges = self._bridges(dts, most)
        self._last, self._bytes = dts, b""
        packet.pts = min(max(packet.pts - ticks, dts), dts + most)
        packet.dts, packet.duration = dts, min(max(packet.duration or self._lasts, 0), most)
        if self.stream.type == "audio":
            self._bytes = bytes(packet)
        packets = [packet] if self._filter is None else self._filter.filter(packet)
        for one in packets:
            one.stream = self.stream
        return silence + bridges + packets

    def made(self, packets: list[AnyPacket]) -> list[AnyPacket]:
        """Packets of the track's own kind that were made for it, at their times in the output; what lies upon the last one is left out."""
        taken = []
        for packet in packets:
            if packet.pts is None:
                continue
            at, lasts = (round(ticks * packet.time_base / self._time_base) for ticks in (packet.pts, packet.duration or 0))
            if self._last is None or at >= self._last + self._lasts // 2:
                packet.pts = packet.dts = self._last = at
                packet.duration, self._lasts, packet.time_base, packet.stream = lasts, lasts, self._time_base, self.stream
                taken.append(packet)
        return taken

    def fill(self, until_s: Fraction) -> list[AnyPacket]:
        """Silence up to that time, where the output waits for sound."""
        return self._filled(round((until_s - BEHIND_S) / self._time_base))

    def _filled(self, until: int) -> list[AnyPacket]:
        packets: list[AnyPacket] = []
        while self._silence and self._silent_at(self._silent + 1) <= until + 1:
            at = self._silent_at(self._silent)
            packet: AnyPacket = av.Packet(self._silence)
            packet.pts = packet.dts = self._last = at
            self._silent += 1
            packet.duration = self._silent_at(self._silent) - at
            packet.time_base, packet.stream, packet.is_keyframe = self._time_base, self.stream, True
            packets.append(packet)
        return packets

    def _silent_at(self, number: int) -> int:
        """The time of the n-th packet of silence, ticks."""
        rate = self.stream.codec_context.sample_rate if isinstance(self.stream, av.AudioStream) else 1
        return round((self._begin_s + Fraction(number * AAC_SAMPLES, rate)) / self._time_base)

    @property
    def most_ticks(self) -> int:
        """Ticks of the input that are as long as the output can hold."""
        return int(MOST_TICKS * (self.stream.time_base or self._time_base) / self._time_base)

    def _bridges(self, dts: int, most: int) -> list[AnyPacket]:
        """The last packet again and again, over a gap that is too long for the output."""
        bridges: list[AnyPacket] = []
        while self._bytes and self._last is not None and dts - self._last > most:
            self._last += most
            bridge: AnyPacket = av.Packet(self._bytes)
            bridge.pts = bridge.dts = self._last
            bridge.time_base, bridge.stream, bridge.is_keyframe = self._time_base, self.stream, True
            bridges.append(bridge)
        return bridges

    def rest(self) -> list[AnyPacket]:
        return []


def name(track: av.stream.Stream, tags: Mapping[str, str], kind: str) -> None:
    """Give a track its language and its title. In MP4 and MOV a title is also the handler's name, which is what most programs show."""
    handler = tags.get("handler_name", "")
    title = tags.get("title") or tags.get("name") or ("" if OF_A_PROGRAM.search(handler) else handler)
    track.metadata.update({key: value for key, value in (("language", tags.get("language")), ("title", title)) if value})
    if title and kind in ("mp4", "mov"):
        track.metadata["handler_name"] = title


def flag(track: av.stream.Stream, flags: int, kind: str) -> list[str]:
    """Mark what a track is for, as far as the container can say it: the names of the other flags."""
    wanted = Flag(flags)
    kept = wanted & FLAGS[kind]
    track.disposition = kept
    return [one.name for one in Flag if one.name and one.value and one & wanted & ~kept]


def silence(stream: av.AudioStream) -> bytes:
    """A packet that says nothing, and can stand before those of the stream; empty where none can be made (AAC is meant)."""
    source = stream.codec_context
    if (
        source.name != "aac"
        or not source.extradata
        or source.sample_rate not in AAC_RATES
        or not encodes("aac", source.layout.name, source.sample_rate)
    ):
        return b""
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate, context.layout, context.format = source.sample_rate, source.layout, "fltp"
    context.time_base = Fraction(1, source.sample_rate)
    context.flags |= av.codec.context.Flags.global_header
    packets = []
    for number in range(4):
        frame = av.AudioFrame("fltp", source.layout.name, AAC_SAMPLES)
        for plane in frame.planes:
            np.frombuffer(plane, np.uint8)[:] = 0  # type: ignore[call-overload]
        frame.sample_rate, frame.pts, frame.time_base = source.sample_rate, number * AAC_SAMPLES, context.time_base
        packets += context.encode(frame)
    same = bytes(context.extradata or b"")[:2] == bytes(source.extradata)[:2]  # kind of AAC, samples per second, channels
    return bytes(packets[-1]) if same and packets else b""
