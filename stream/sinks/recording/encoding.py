"""From results to packets: each picture at its own time, and a key frame often enough."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

from stream.frame import USUAL_RATE, Frame, SourceInfo
from stream.media import av
from stream.settings.schema import OutputSettings
from stream.sinks.recording.encoders import KEY_FRAME_S, Encoder, software_encoder
from stream.sinks.recording.hardware import CODECS as HARDWARE
from stream.sinks.recording.hardware import hardware_encoder
from stream.sinks.recording.planes import Planes
from stream.sinks.recording.tracks import MOST_TICKS
from stream.sinks.result import Result

Packet: TypeAlias = "av.Packet[av.VideoStream]"

LONGEST_S = 1
"""A camera's last picture lasts no longer: what was before it may have been a gap."""


def encoder_for(codec: str, info: SourceInfo, settings: OutputSettings) -> Encoder:
    return hardware_encoder(codec, settings.crf) if codec in HARDWARE else software_encoder(codec, info, settings)


def whole_rate(info: SourceInfo) -> Fraction:
    """The source's rate, or the usual one, as encoders take it."""
    return Fraction(info.rate or USUAL_RATE).limit_denominator(100_000)


class Encoding:
    """Encodes the pictures of one source, in the size and colours of the first one."""

    def __init__(
        self,
        context: av.VideoCodecContext,
        encoder: Encoder,
        info: SourceInfo,
        first: Frame,
        notes: list[str],
        *,
        shift_s: Fraction = Fraction(0),
    ) -> None:
        """
        Args:
            context: of that encoder, with its options, not opened yet; it is set as the source needs it.
            notes: takes a sentence for each thing that cannot be kept as it was.
            shift_s: taken off every time.
        """
        self.last: int | None = None
        """The time of the newest picture, ticks of the first one's time base."""
        self._context, self._name, self._notes, self._shift_s = context, info.name, notes, shift_s
        self._time_base = first.time_base
        self._interlaced = self._captions = False
        """Told already: it has what cannot be kept."""
        self._planes = planes = Planes(first, yuvj=encoder.codec == "libx264")
        self._picture: av.VideoFrame | None = None
        self._key_at: int | None = None
        rate = info.rate or USUAL_RATE
        self.lasts = max(1, round(1 / rate / self._time_base))
        """How long the newest picture lasts, ticks."""
        self._longest = max(1, round(LONGEST_S / self._time_base)) if info.live else MOST_TICKS
        self.most = MOST_TICKS
        """No step is longer, ticks: the container's own may be shorter than the source's."""
        if encoder.frame_threads:
            context.thread_type, context.thread_count = "FRAME", encoder.frame_threads
        context.width, context.height, context.pix_fmt = planes.width, planes.height, encoder.pixels or planes.format
        context.time_base = self._time_base
        context.colorspace, context.color_range = planes.matrix, planes.range
        context.color_primaries, context.color_trc = planes.primaries, planes.transfer
        if info.pixel_aspect:
            context.sample_aspect_ratio = info.pixel_aspect
        context.flags |= av.codec.context.Flags.frame_duration  # else how long the last picture lasts would be the muxer's guess
        context.gop_size = max(1, round(rate * KEY_FRAME_S))

    def packets(self, result: Result, *, may_be_key: bool = True) -> Iterator[Packet]:
        """One picture more: what is ready by then, of this one or of earlier ones.

        Args:
            may_be_key: False: no key frame is made of it, though one be due.
        """
        frame = result.frame
        pts = round((frame.pts * frame.time_base - self._shift_s) / self._time_base)
        if self.last is not None:
            pts = max(pts, self.last + 1)
            yield from self._bridge(pts)
            self.lasts = min(pts - self.last, self._longest)
        picture = self._planes.of(result)
        if isinstance(frame.decoded, av.VideoFrame):
            self._look_at(frame.decoded)
        if not may_be_key:
            picture.pict_type = av.video.frame.PictureType.P
        yield from self._encode(picture, pts, may_be_key=may_be_key)

    def rest(self) -> Iterator[Packet]:
        """The encoder's last pictures, one by one."""
        yield from self._context.encode_lazy(None)

    def _bridge(self, pts: int) -> Iterator[Packet]:
        """Show the last picture again and again over a gap that is too long for the container."""
        while self._picture is not None and self.last is not None and pts - self.last > self.most:
            self.lasts = self.most
            self._picture.pict_type = 0
            yield from self._encode(self._picture, self.last + self.most)

    def _encode(self, picture: av.VideoFrame, pts: int, *, may_be_key: bool = True) -> list[Packet]:
        picture.pts, picture.time_base, picture.duration = pts, self._time_base, min(self.lasts, self.most)
        is_due = self._key_at is None or (pts - self._key_at) * self._time_base >= KEY_FRAME_S  # the declared rate may be wrong
        if is_due and may_be_key:
            picture.pict_type, self._key_at = av.video.frame.PictureType.I, pts
        packets = self._context.encode(picture)
        self.last, self._picture = pts, picture
        return packets

    def _look_at(self, decoded: av.VideoFrame) -> None:
        """How long the picture lasts, and whether it is one that cannot be kept as it was."""
        if decoded.duration and decoded.time_base:
            self.lasts = max(1, round(decoded.duration * decoded.time_base / self._time_base))
        if not self._captions and self._context.name == "libvpx-vp9" and self._planes.captions.of(decoded):
            self._captions = True
            self._notes.append(f"{self._name}: its closed captions do not fit into WebM; left out.")
        if decoded.interlaced_frame and not self._interlaced:
            self._interlaced = True
            self._notes.append(f"{self._name}: is interlaced; its lines are kept as they are, but the output does not say so to players.")
