"""What a file has beside its pictures: sound and subtitles, copied packet for packet where the output can hold them, and chapters."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias, cast

from stream.media import SubtitleStream, av, ffmpeg_name

AnyPacket: TypeAlias = "av.Packet[Any]"

AAC_RATES = frozenset({96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350})
"""Samples per second that AAC can have."""


class OtherTracks:
    """Sound, subtitles and chapters of a file on their way into an output. Opens the input a second time: none of them passes the feed."""

    def __init__(
        self, path: Path, output: av.container.OutputContainer, notes: list[str], *, shift_s: Fraction, copies: bool, sound: bool
    ) -> None:
        """
        Args:
            output: takes the tracks; nothing has been written to it yet.
            notes: takes a sentence for each thing that cannot be kept as it was.
            shift_s: taken off every time, as off the pictures' times.
            copies: False where the output has refused a copy: sound is encoded anew, and subtitles are left out.
            sound: False: the sound is not wanted.
        """
        self._path = path
        self._output = output
        self._notes = notes
        self._shift_s = shift_s
        self._pictures_until_s = float("-inf")
        self._input = av.open(ffmpeg_name(path), metadata_errors="replace")
        self._tracks: dict[int, _Copied | _Encoded] = {}
        tracks = [(stream, self._track(stream, copies)) for stream in self._input.streams.audio if sound]
        for stream, track in [*tracks, *((stream, self._subtitles(stream, copies)) for stream in self._input.streams.subtitles)]:
            if track is not None:
                track.stream.metadata.update({key: value for key, value in stream.metadata.items() if key in ("language", "title")})
                self._tracks[stream.index] = track
        self._copy_chapters()
        self._tell_what_is_left_out()
        self._damaged = False
        self._packets = self._timed_packets()
        self._held: list[tuple[float, AnyPacket]] = []

    def write_until(self, time_s: float) -> None:
        """Write what is heard before the time, seconds in the input: no more, for the run may be stopped there."""
        waiting, self._held = self._held, []
        for time_of_packet_s, packet in waiting:
            self._write_or_hold(time_of_packet_s, packet, time_s)
        while not self._held:
            following = next(self._packets, None)
            if following is None:
                return
            self._write_or_hold(*following, time_s)

    def finish(self, last_s: float, end_s: float) -> None:
        """Write the rest of the sound: all of it after the input's last picture, else (the run was stopped) what the pictures cover.

        Args:
            last_s: the time of the last picture written, seconds in the input.
            end_s: when that picture ends.
        """
        waiting, self._held = self._held, []
        for time_s, packet in waiting:
            self._write_or_hold(time_s, packet, end_s)
        slack_s = (end_s - last_s) / 2  # a picture later than this is another one
        while self._pictures_until_s < last_s + slack_s and (following := next(self._packets, None)):
            self._write_or_hold(*following, end_s)
        if self._pictures_until_s < last_s + slack_s:
            for _, packet in self._held:
                self._write(packet)
        for track in self._tracks.values():
            self._output.mux(track.rest())

    def close(self) -> None:
        """Let go of the input. Any number of times."""
        self._input.close()

    def _track(self, stream: av.AudioStream, copies: bool) -> _Copied | _Encoded | None:
        codec = stream.codec_context.codec.name if stream.codec_context is not None else "unknown"
        try:
            track: _Copied | _Encoded
            if copies and codec in self._output.supported_codecs:
                track = _Copied(stream, self._output)
            else:
                track = _Encoded(stream, self._output)
                self._notes.append(
                    f"{self._path}: its {codec} sound does not fit into {self._output.format.name}; encoded as {track.codec}."
                )
        except (av.error.FFmpegError, ValueError) as error:
            self._notes.append(f"{self._path}: its {codec} sound is left out ({error}).")
            return None
        return track

    def _subtitles(self, stream: SubtitleStream, copies: bool) -> _Copied | None:
        codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
        if copies and codec in self._output.supported_codecs:
            return _Copied(stream, self._output)
        self._notes.append(f"{self._path}: its {codec} subtitles do not fit into {self._output.format.name}; left out.")
        return None

    def _copy_chapters(self) -> None:
        chapters = self._input.chapters()
        for chapter in chapters:
            ticks = round(self._shift_s / chapter["time_base"]) if chapter["time_base"] else 0
            chapter["start"], chapter["end"] = max(chapter["start"] - ticks, 0), max(chapter["end"] - ticks, 0)
        if chapters:
            self._output.set_chapters(chapters)

    def _tell_what_is_left_out(self) -> None:
        streams = self._input.streams
        covers = sum(bool(stream.disposition & av.stream.Disposition.attached_pic) for stream in streams.video)
        chapters = self._input.format.name.startswith("mov") and bool(self._input.chapters())  # there they are a stream of data too
        left_out = {
            "cover picture": covers,
            "video stream": len(streams.video) - covers - 1,
            "data stream": len(streams.data) - chapters,
            "attached file": len(streams.attachments),
        }
        for what, count in left_out.items():
            if count > 0:
                self._notes.append(f"{self._path}: {f'{count} {what}s are' if count > 1 else f'a {what} is'} left out.")

    def _timed_packets(self) -> Iterator[tuple[float, AnyPacket]]:
        """The packets to write, each with its time in seconds. Passing pictures are noted: they tell whether the input goes on."""
        if not self._tracks:
            return
        try:
            for packet in self._input.demux():
                ticks = packet.pts if packet.pts is not None else packet.dts
                time_s = None if ticks is None else float(ticks * packet.time_base)
                track = self._tracks.get(packet.stream_index)
                if track is not None and packet.size:
                    yield track.time_s if time_s is None else time_s, cast(AnyPacket, packet)
                elif (
                    packet.stream.type == "video"
                    and time_s is not None
                    and not packet.stream.disposition & av.stream.Disposition.attached_pic
                ):
                    self._pictures_until_s = max(self._pictures_until_s, time_s)
        except av.error.FFmpegError as error:
            self._notes.append(f"{self._path}: its sound is damaged and ends early ({error.strerror}).")

    def _write_or_hold(self, time_s: float, packet: AnyPacket, until_s: float) -> None:
        if time_s < until_s:
            self._write(packet)
        else:
            self._held.append((time_s, packet))

    def _write(self, packet: AnyPacket) -> None:
        try:
            ready = self._tracks[packet.stream_index].ready(packet, self._shift_s)
        except av.error.InvalidDataError:  # one damaged packet: a short silence
            if not self._damaged:
                self._notes.append(f"{self._path}: its sound is damaged; what could be read was used.")
            self._damaged = True
            return
        self._output.mux(ready)


class _Copied:
    """A stream whose packets are passed on as they are."""

    def __init__(self, stream: av.AudioStream | SubtitleStream, output: av.container.OutputContainer) -> None:
        self.stream: av.AudioStream | SubtitleStream = output.add_stream_from_template(stream)
        self._time_base: Fraction = stream.time_base or Fraction(1, 1000)
        self._last: int | None = None
        self._next = 0
        self._filter: av.bitstream.BitStreamFilterContext | None = None
        if stream.codec_context.name == "aac" and not stream.codec_context.extradata:  # of a broadcast: each packet brings its own header
            self._filter = av.bitstream.BitStreamFilterContext("aac_adtstoasc", stream)

    @property
    def time_s(self) -> float:
        """When the next packet comes if it does not say so itself."""
        return float(self._next * self._time_base)

    def ready(self, packet: AnyPacket, shift_s: Fraction) -> list[AnyPacket]:
        pts = packet.pts if packet.pts is not None else packet.dts if packet.dts is not None else self._next
        dts = packet.dts if packet.dts is not None else pts
        self._next = pts + (packet.duration or 1)
        ticks = round(shift_s / self._time_base)
        dts -= ticks
        if self._last is not None:
            dts = max(dts, self._last + 1)  # containers refuse times that do not grow
        self._last = dts
        packet.dts, packet.pts = dts, max(pts - ticks, dts)
        packets = [packet] if self._filter is None else self._filter.filter(packet)
        for one in packets:
            one.stream = self.stream
        return packets

    def rest(self) -> list[AnyPacket]:
        return []


class _Encoded:
    """A stream that the output cannot hold as it is: decoded, and encoded as AAC, in WebM as Opus."""

    def __init__(self, stream: av.AudioStream, output: av.container.OutputContainer) -> None:
        webm = output.format.name == "webm"
        self.codec = "Opus" if webm else "AAC"
        rate = stream.codec_context.sample_rate
        if webm or rate not in AAC_RATES:
            rate = 48000
        self.stream = output.add_stream("libopus" if webm else "aac", rate=rate)
        self.stream.codec_context.layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
        self.time_s = 0.0

    def ready(self, packet: AnyPacket, shift_s: Fraction) -> list[AnyPacket]:
        encoded: list[AnyPacket] = []
        for frame in cast(list[av.AudioFrame], packet.decode()):
            self.time_s = (frame.time or 0.0) + frame.samples / frame.sample_rate
            if frame.pts is not None and frame.time_base:
                frame.pts -= round(shift_s / frame.time_base)
            encoded += self.stream.encode(frame)
        return encoded

    def rest(self) -> list[AnyPacket]:
        return list(self.stream.encode(None))
