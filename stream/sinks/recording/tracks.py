"""A track of an output beside its pictures: copied packet for packet, or decoded and encoded anew."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import numpy as np

from stream.jumps import AnyPacket
from stream.media import SubtitleStream, av

MOST_TICKS = 2**30
"""No step in an output is longer, nor any packet: MP4's muxer aborts the process at 2^31 ticks."""
AAC_RATES = frozenset({96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350})
"""Samples per second that AAC can have."""
LAYOUTS = {1: ("mono",), 2: ("stereo",), 3: ("3.0",), 4: ("4.0", "quad"), 5: ("5.0",), 6: ("5.1",), 7: ("6.1",), 8: ("7.1",)}
"""How channels are arranged, by their number: what an encoder can, the usual one first."""
PRIMING_S = Fraction(1, 10)
"""Sound that a decoder swallows at the start is shorter; more than that before 0 was cut away (a guess: the longest seen is 48 ms)."""
LATE_S = Fraction(1, 2)
"""An MP4 is written only once each track has begun: one that begins later than this needs something in its place."""
SLACK_S = Fraction(1, 20)
"""Sound that is encoded may be off its times by so much; more is a gap, which is filled with silence, or an overlap, which is left out."""
MOST_SILENCE_S = 600
"""A longer gap stays one (silence takes its time to encode)."""


Flag = av.stream.Disposition
IN_ALL = Flag.default | Flag.dub | Flag.comment | Flag.forced | Flag.hearing_impaired | Flag.visual_impaired
FLAGS = {"mp4": IN_ALL | Flag.captions | Flag.descriptions, "mov": Flag.default, "matroska": IN_ALL | Flag.original}
"""What a container can say a track is for."""


class Copied:
    """A stream whose packets are passed on as they are."""

    def __init__(self, stream: av.AudioStream | SubtitleStream, output: av.container.OutputContainer) -> None:
        self.stream: av.AudioStream | SubtitleStream = output.add_stream_from_template(stream)
        self._time_base: Fraction = stream.time_base or Fraction(1, 1000)
        self._last: int | None = None
        self._bytes = b""
        self._hides = not output.format.name.startswith(("matroska", "webm"))
        """The output can hold sound that is not played, before its start."""
        self._cut_before_s: bool | None = None
        self._filter: av.bitstream.BitStreamFilterContext | None = None
        if stream.codec_context.name == "aac" and not stream.codec_context.extradata:  # of a broadcast: each packet brings its own header
            self._filter = av.bitstream.BitStreamFilterContext("aac_adtstoasc", stream)

    def ready(self, packet: AnyPacket, shift_s: Fraction) -> list[AnyPacket]:
        assert packet.pts is not None
        assert packet.dts is not None
        if self._cut_before_s is None:
            self._cut_before_s = packet.pts * self._time_base < -PRIMING_S
        if packet.is_discard and (packet.pts >= 0 or (self._cut_before_s and not self._hides)):
            return []
        ticks = round(shift_s / self._time_base)
        dts = packet.dts - ticks
        if self._last is not None:
            dts = max(dts, self._last + 1)  # containers refuse times that do not grow
        most = self.most_ticks
        bridges = self._bridges(dts, most)
        self._last, self._bytes = dts, b""
        packet.pts = min(max(packet.pts - ticks, dts), dts + most)
        packet.dts, packet.duration = dts, min(max(packet.duration or 0, 0), most)
        if self.stream.type == "audio":
            self._bytes = bytes(packet)
        packets = [packet] if self._filter is None else self._filter.filter(packet)
        for one in packets:
            one.stream = self.stream
        return bridges + packets

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


class Encoded:
    """A sound that the output cannot hold as it is: decoded, and encoded as AAC, in WebM as Opus."""

    def __init__(self, stream: av.AudioStream, output: av.container.OutputContainer, begin_s: Fraction) -> None:
        """
        Args:
            begin_s: when the output's pictures begin, seconds in the output.
        """
        encoder = "libopus" if output.format.name == "webm" else "aac"
        self.codec = "Opus" if encoder == "libopus" else "AAC"
        rate = stream.codec_context.sample_rate
        self._rate = rate if encoder == "aac" and rate in AAC_RATES else 48000
        channels = stream.codec_context.layout.nb_channels or 2
        layout = next((one for one in LAYOUTS.get(channels, ()) if encodes(encoder, one, self._rate)), "stereo")
        self.fewer = "" if channels <= 2 or layout != "stereo" else f", its {channels} channels as stereo"
        self.stream = cast(av.AudioStream, output.add_stream(encoder, rate=self._rate))
        self.stream.codec_context.layout = layout
        self._resampler: av.AudioResampler | None = None
        self._source: tuple[object, ...] = ()
        self._next: int | None = None
        """Where the next sample comes, in samples."""
        self._begin = round(begin_s * self._rate)
        self._waits_for_output = output.format.name in ("mp4", "mov")
        self._came = False

    def ready(self, packet: AnyPacket, shift_s: Fraction) -> list[AnyPacket]:
        encoded: list[AnyPacket] = []
        for frame in cast(list[av.AudioFrame], packet.decode()):
            at = None if frame.pts is None or not frame.time_base else round((frame.pts * frame.time_base - shift_s) * self._rate)
            self._came = True
            encoded += self._laid(frame, at)
        return encoded

    def fill(self, until_s: Fraction) -> list[AnyPacket]:
        """Silence up to that time, where an output waits for sound that has not begun."""
        until = round((until_s - LATE_S) * self._rate)
        if self._came or not self._waits_for_output or until <= self._begin:
            return []
        self._next = self._begin if self._next is None else self._next
        return self._silence(until - self._next)

    def rest(self) -> list[AnyPacket]:
        encoded = [] if self._resampler is None else self._encoded(self._resampler.resample(None))
        return encoded + list(self.stream.encode(None))

    def _laid(self, frame: av.AudioFrame, at: int | None) -> list[AnyPacket]:
        """The samples at their place."""
        samples = frame.samples * self._rate // frame.sample_rate
        if self._next is None:
            self._next = at or 0
        encoded: list[AnyPacket] = []
        gap = 0 if at is None else at - self._next
        if gap > MOST_SILENCE_S * self._rate:
            self._next += gap
        elif gap > SLACK_S * self._rate:
            encoded += self._silence(gap)
        elif gap < -SLACK_S * self._rate and gap + samples // 2 < 0:
            return []
        return encoded + self._encoded(self._resampled(frame))

    def _resampled(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        source = (frame.format.name, frame.layout.name, frame.sample_rate)
        before: list[av.AudioFrame] = []
        if self._resampler is None or source != self._source:  # joined files change
            before = [] if self._resampler is None else self._resampler.resample(None)
            context = self.stream.codec_context
            self._resampler, self._source = av.AudioResampler(context.format, context.layout, self._rate), source
        frame.pts = None
        return before + self._resampler.resample(frame)

    def _silence(self, samples: int) -> list[AnyPacket]:
        encoded: list[AnyPacket] = []
        context = self.stream.codec_context
        while samples > 0:
            count = min(samples, self._rate)
            frame = av.AudioFrame(format=context.format.name, layout=context.layout.name, samples=count)
            for plane in frame.planes:
                np.frombuffer(plane, np.uint8)[:] = 0  # type: ignore[call-overload]
            frame.sample_rate = self._rate
            encoded += self._encoded([frame])
            samples -= count
        return encoded

    def _encoded(self, frames: Sequence[av.AudioFrame]) -> list[AnyPacket]:
        encoded: list[AnyPacket] = []
        for frame in frames:
            frame.pts, frame.time_base = self._next, Fraction(1, self._rate)
            self._next = (self._next or 0) + frame.samples
            encoded += self.stream.encode(frame)
        return encoded


def flag(track: av.stream.Stream, flags: int, kind: str) -> list[str]:
    """Mark what a track is for, as far as the container can say it: the names of the other flags."""
    wanted = Flag(flags)
    kept = wanted & FLAGS.get(kind, FLAGS["matroska"])
    track.disposition = kept
    return [one.name for one in Flag if one.name and one.value and one & wanted & ~kept]


@functools.cache
def encodes(codec: str, layout: str, rate: int) -> bool:
    """Whether an encoder takes channels that are arranged like that."""
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.AudioCodecContext)
    formats = context.codec.audio_formats
    context.sample_rate, context.layout, context.time_base = rate, layout, Fraction(1, rate)
    context.format = formats[0] if formats else "fltp"
    try:
        context.open()
    except av.error.FFmpegError:
        return False
    return True


def takes(
    kind: str, options: dict[str, str], stream: av.AudioStream | SubtitleStream, packets: Sequence[AnyPacket], shift_s: Fraction
) -> bool:
    """Whether a container takes the packets as they are: header, packets and end are written into memory, and read again.

    Some say so only when the header is written, at the first packet, or at the end, which is too late.
    """
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
