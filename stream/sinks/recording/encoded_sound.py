"""A sound of an output that is decoded and encoded anew."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import numpy as np

from stream.jumps import AnyPacket
from stream.media import av

AAC_RATES = frozenset({96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350})
"""Samples per second that AAC can have."""
LAYOUTS = {1: ("mono",), 2: ("stereo",), 3: ("3.0",), 4: ("4.0", "quad"), 5: ("5.0",), 6: ("5.1",), 7: ("6.1",), 8: ("7.1",)}
"""How channels are arranged, by their number: what an encoder can, the usual one first."""
SLACK_S = Fraction(1, 20)
"""Sound that is encoded may be off its times by so much; more is a gap, which is filled with silence, or an overlap, which is left out."""
MOST_SILENCE_S = 600
"""A longer gap stays one (silence takes its time to encode)."""
ENCODERS = {"aac": "aac", "ac3": "ac3", "eac3": "eac3", "mp2": "mp2", "mp3": "libmp3lame", "opus": "libopus"}
"""Of the sounds that stand in transport streams and VOB, and can be made here."""
BEHIND_S = Fraction(1, 2)
"""So far behind the pictures is silence, which stands in for sound that may begin any moment."""


class _Anew:
    """Decodes packets, of whatever they are, and encodes their sound at its times."""

    def __init__(self, stream: av.AudioStream, context: av.AudioCodecContext, rate: int) -> None:
        """
        Args:
            stream: the output's, whose the packets become.
            context: the encoder.
            rate: samples per second that it takes.
        """
        self.stream = stream
        self._context, self._rate = context, rate
        self._resampler: av.AudioResampler | None = None
        self._source: tuple[object, ...] = ()
        self._next: int | None = None
        """Where the next sample comes, in samples."""
        self._came = False

    def ready(self, packet: AnyPacket, shift_s: Fraction) -> list[AnyPacket]:
        encoded: list[AnyPacket] = []
        for frame in cast(list[av.AudioFrame], packet.decode()):
            at = None if frame.pts is None or not frame.time_base else round((frame.pts * frame.time_base - shift_s) * self._rate)
            self._came = True
            encoded += self._laid(frame, at)
        return encoded

    def rest(self) -> list[AnyPacket]:
        encoded = [] if self._resampler is None else self._encoded(self._resampler.resample(None))
        return encoded + self._taken(self._context.encode(None))

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
            context = self._context
            self._resampler, self._source = av.AudioResampler(context.format, context.layout, self._rate), source
        frame.pts = None
        return before + self._resampler.resample(frame)

    def _silence(self, samples: int) -> list[AnyPacket]:
        encoded: list[AnyPacket] = []
        context = self._context
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
            encoded += self._taken(self._context.encode(frame))
        return encoded

    def _taken(self, packets: Sequence[AnyPacket]) -> list[AnyPacket]:
        for packet in packets:
            packet.stream = self.stream
        return list(packets)


class Encoded(_Anew):
    """A sound that the output cannot hold as it is: decoded, and encoded as AAC, in WebM as Opus."""

    def __init__(self, stream: av.AudioStream, output: av.container.OutputContainer, begin_s: Fraction) -> None:
        """
        Args:
            begin_s: when the output's pictures begin, seconds in the output.
        """
        encoder = "libopus" if output.format.name == "webm" else "aac"
        self.codec = "Opus" if encoder == "libopus" else "AAC"
        rate = stream.codec_context.sample_rate
        rate = rate if encoder == "aac" and rate in AAC_RATES else 48000
        channels = stream.codec_context.layout.nb_channels or 2
        layout = next((one for one in LAYOUTS.get(channels, ()) if encodes(encoder, one, rate)), "stereo")
        self.fewer = "" if channels <= 2 or layout != "stereo" else f", its {channels} channels as stereo"
        track = cast(av.AudioStream, output.add_stream(encoder, rate=rate))
        track.codec_context.layout = layout
        super().__init__(track, track.codec_context, rate)
        self._begin = round(begin_s * rate)
        self._waits_for_output = output.format.name in ("mp4", "mov")

    def fill(self, until_s: Fraction) -> list[AnyPacket]:
        """Silence up to that time, where an output waits for sound that has not begun."""
        until = round((until_s - BEHIND_S) * self._rate)
        if self._came or not self._waits_for_output or until <= self._begin:
            return []
        self._next = self._begin if self._next is None else self._next
        return self._silence(until - self._next)


class Continued(_Anew):
    """Sound of one kind, encoded so that it goes on a track of another."""

    def __init__(self, track: av.AudioStream, codec: str) -> None:
        """
        Raises:
            ValueError: there is no encoder that makes such sound.
        """
        like = track.codec_context
        if codec not in ENCODERS or not encodes(ENCODERS[codec], like.layout.name, like.sample_rate):
            raise ValueError(f"there is no encoder of {codec} here")
        context = av.CodecContext.create(ENCODERS[codec], "w")
        assert isinstance(context, av.AudioCodecContext)
        formats = context.codec.audio_formats
        context.sample_rate, context.layout, context.time_base = like.sample_rate, like.layout, Fraction(1, like.sample_rate)
        context.format = formats[0] if formats else "fltp"
        super().__init__(track, context, like.sample_rate)


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
