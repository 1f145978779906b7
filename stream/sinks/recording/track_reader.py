"""Reads what a file has beside its pictures, a packet after the other, at the times that its pictures have in the output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from stream.jumps import RUN, AnyPacket, Jumps, jumps_are_usual
from stream.media import av, ffmpeg_name
from stream.sinks.recording.parts_reader import LATE, PartsReader
from stream.sinks.recording.trial import learn

PATIENCE = 40
"""Pictures that a sound whose times have jumped waits for theirs to do the same."""
BACK_S = Fraction(1, 10)
"""Sound that is earlier than where the last one ended by more than this has times that jump, or are wrong."""
GAP_S = Fraction(1)
"""Before sound that is later by more than this, it is looked whether its time is wrong: the next packet comes earlier then."""


@dataclass(slots=True)
class _Place:
    """Where a track is."""

    sparse: bool
    """Subtitles: long nothing between two."""
    jump: int = 0
    """How many of the pictures' jumps it has met."""
    next_s: Fraction | None = None
    """When the next packet should come."""
    own_s: Fraction = Fraction(0)
    """What is added to its times besides: they have jumped where those of the pictures have not."""
    ahead: tuple[Fraction, AnyPacket] | None = None
    """A packet after a gap; the next one tells whether its time is right."""


class TrackReader:
    """The packets of a file's sound and subtitles, their times led over the jumps of its pictures. Opens the file anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.parts = PartsReader(path)
        self.container = self.parts.container
        self._pictures = self.parts.pictures
        self._jumps = None if self._pictures is None else Jumps(self.container, self._pictures)
        self._unknown = {stream for stream in self.container.streams.audio if stream.codec_context and not stream.codec_context.sample_rate}
        """Sounds that began too far into the file for FFmpeg to have looked at them: not even how long a packet lasts is known."""
        self._offsets_s = [Fraction(0)]
        self._places: dict[int, _Place] = {}
        self._kept: list[AnyPacket] = []
        """Sound behind a jump of which the pictures know nothing yet."""
        self._patience = 0
        self.error: av.error.FFmpegError | None = None
        """What ended the reading early."""
        self.over = False
        self.bytes_passed = 0
        """Of pictures."""
        self.left_out: list[tuple[float, str]] = []
        """Streams of later parts that belong to none of the first one's, and when they begin."""
        self.alone_s: list[Fraction] = []
        """Where times of sound have jumped alone."""

    @property
    def may_be_joined(self) -> bool:
        """Its sound may become another, under the same number."""
        return self.container.format.name in ("mpegts", "mpeg", "hls")

    @property
    def pictures_until_s(self) -> float:
        """The time of the latest picture that has passed."""
        latest = None if self._jumps is None else self._jumps.latest_s
        return float("-inf") if latest is None else float(latest)

    def packets(self, wanted: set[int]) -> Iterator[tuple[float, AnyPacket] | None]:
        """The packets of these streams, each with its time in seconds; None for each picture that passes."""
        streams = self.container.streams
        self._places = {index: _Place(sparse=index != LATE and streams[index].type != "audio") for index in wanted}
        try:
            for packet in self.parts.packets():
                if packet is None:
                    self._begin_part()
                elif (track := self.parts.track(packet)) in wanted:
                    yield from self._sound(packet)
                elif self._pictures is not None and track == self._pictures.index:
                    self._picture(packet)
                    yield from self._freed()
                    yield None
        except av.error.FFmpegError as error:
            self.error = error
        self._patience = 0
        yield from self._freed()
        for place in self._places.values():
            yield from self._released(place)
        self.over = True

    def _begin_part(self) -> None:
        """A part is over."""
        for packet in self._jumps.flush() if self._jumps is not None else ():
            self._met(packet)
        self.left_out += [(self.pictures_until_s, what) for what in self.parts.strangers]
        for place in self._places.values() if self.parts.go_on else ():  # a sound that had none in this part begins anew
            if place.next_s is not None and float(place.next_s + GAP_S) < self.pictures_until_s:
                place.next_s = None

    def shows_more(self, after_s: float) -> bool:
        """Whether the file has a picture that can be decoded and is later than that."""
        if self._pictures is None or self._jumps is None:
            return False
        if self._jumps.found or self.parts.is_joined:
            # the same time may be there twice: only what follows closely counts as the undecodable rest
            return self.pictures_until_s - after_s > 1
        with av.open(ffmpeg_name(self._path), metadata_errors="replace") as again:
            stream = again.streams[self._pictures.index]
            assert isinstance(stream, av.VideoStream)
            stream.codec_context.thread_type = "AUTO"
            again.seek(max(0, round(after_s / (stream.time_base or 1))), stream=stream)
            with suppress(IndexError):  # as above
                for packet in again.demux(stream):
                    with suppress(av.error.FFmpegError):
                        if any(picture.time is not None and picture.time > after_s for picture in packet.decode()):
                            return True
        return False

    def _picture(self, packet: AnyPacket) -> None:
        if self._jumps is not None:
            for certain in self._jumps.push(packet):
                self._met(certain)
        self._patience -= 1
        self.bytes_passed += packet.size

    def _met(self, packet: AnyPacket) -> None:
        assert self._jumps is not None
        if self._jumps.offset_s != self._offsets_s[-1]:
            self._offsets_s.append(self._jumps.offset_s)

    def _sound(self, packet: AnyPacket) -> Iterator[tuple[float, AnyPacket]]:
        if packet.stream in self._unknown and not packet.duration:
            stream = packet.stream
            assert isinstance(stream, av.AudioStream)
            learn(stream, [packet])
            if rate := stream.codec_context.sample_rate:
                packet.duration = round(stream.codec_context.frame_size / rate / packet.time_base)
        if self._kept or not self._fits(packet):
            if not self._kept:
                self._patience = PATIENCE
            self._kept.append(packet)
            if self._patience > 0:
                return
        else:
            yield from self._placed(packet)
        yield from self._freed()

    def _freed(self) -> Iterator[tuple[float, AnyPacket]]:
        """What was kept, as far as its place is known now, or nobody will know it."""
        while self._kept and ((fits := self._fits(self._kept[0])) or self._patience <= 0):
            packet = self._kept.pop(0)
            if not fits:
                self._lead_on(packet)
            yield from self._placed(packet)

    def _lead_on(self, packet: AnyPacket) -> None:
        """A sound goes on where it was; also those behind it, unless its time alone is wrong."""
        place, time_s = self._places[self.parts.track(packet)], _time_s(packet)
        if time_s is None:
            return
        if place.next_s is None:
            place.jump = self._nearest(place, time_s)
            return
        by_s = place.next_s - (time_s + self._offsets_s[place.jump] + place.own_s)
        following = [one for one in self._kept if self.parts.track(one) == self.parts.track(packet)]
        if following and not any(map(self._fits, following[:RUN])):
            place.own_s += by_s
            self.alone_s.append(place.next_s)
        else:
            packet.pts = round((time_s + by_s) / packet.time_base)
            packet.dts = packet.pts if packet.dts is not None else None

    def _fits(self, packet: AnyPacket) -> bool:
        """Whether the track goes on with this packet, after one of the jumps that are known. Its place then knows which."""
        place, time_s = self._places[self.parts.track(packet)], _time_s(packet)
        if time_s is None or self._jumps is None or self._jumps.latest_s is None:
            return True
        latest_s = self._jumps.latest_s
        if place.sparse:
            place.jump = self._nearest(place, time_s)
            return True
        if place.next_s is None and jumps_are_usual(self.container):  # it may begin behind any of the jumps, or one that is not known yet
            place.jump = self._nearest(place, time_s)
            return abs(time_s + self._offsets_s[place.jump] - latest_s) <= GAP_S
        for jump in range(place.jump, len(self._offsets_s)):
            at_s = time_s + self._offsets_s[jump] + place.own_s
            if (place.next_s is None or at_s >= place.next_s - BACK_S) and at_s <= latest_s + self._jumps.ahead_s:
                place.jump = jump
                return True
        return False

    def _nearest(self, place: _Place, time_s: Fraction) -> int:
        """The jump behind which that time is closest to the pictures that pass."""
        latest_s = Fraction(0) if self._jumps is None or self._jumps.latest_s is None else self._jumps.latest_s
        return min(range(len(self._offsets_s)), key=lambda jump: abs(time_s + self._offsets_s[jump] + place.own_s - latest_s))

    def _placed(self, packet: AnyPacket) -> Iterator[tuple[float, AnyPacket]]:
        place, time_s = self._places[self.parts.track(packet)], _time_s(packet)
        offset_s = self._offsets_s[place.jump]
        at_s = (place.next_s or Fraction(0)) if time_s is None else time_s + offset_s + place.own_s
        if place.ahead is not None:
            yield from self._released(place, before_s=at_s)
        if offset_s and not place.sparse and place.next_s is not None and at_s + _lasts_s(packet) / 2 < place.next_s:
            return  # the sound before the jump went on for longer than its pictures
        if not place.sparse and place.next_s is not None and at_s - place.next_s > GAP_S:
            place.ahead = at_s, packet
            return
        yield self._given_out(place, packet, at_s)

    def _released(self, place: _Place, before_s: Fraction | None = None) -> Iterator[tuple[float, AnyPacket]]:
        """The packet after a gap. Where the following one comes earlier, its time is wrong: then there is no gap."""
        if place.ahead is not None:
            (at_s, packet), place.ahead = place.ahead, None
            wrong = before_s is not None and place.next_s is not None and place.next_s <= before_s < at_s
            yield self._given_out(place, packet, place.next_s if wrong and place.next_s is not None else at_s)

    def _given_out(self, place: _Place, packet: AnyPacket, at_s: Fraction) -> tuple[float, AnyPacket]:
        pts = round(at_s / packet.time_base)
        said = packet.pts if packet.pts is not None else packet.dts
        packet.dts = pts if packet.dts is None or said is None else packet.dts + pts - said
        packet.pts = pts
        place.next_s = max(place.next_s or at_s, at_s + _lasts_s(packet))
        return float(at_s), packet


def _time_s(packet: AnyPacket) -> Fraction | None:
    ticks = packet.pts if packet.pts is not None else packet.dts
    return None if ticks is None else ticks * packet.time_base


def _lasts_s(packet: AnyPacket) -> Fraction:
    """As far as it can be believed."""
    lasts_s = (packet.duration or 0) * packet.time_base
    return lasts_s if 0 <= lasts_s <= GAP_S else Fraction(0)
