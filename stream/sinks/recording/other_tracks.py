"""What a file has beside its pictures: sound and subtitles, copied packet for packet where the output can hold them, and chapters."""

from __future__ import annotations

from collections import Counter, deque
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from stream.jumps import AnyPacket
from stream.media import SubtitleStream, av
from stream.sinks.recording.chapters import copy_chapters, left_out
from stream.sinks.recording.encoded_sound import Encoded
from stream.sinks.recording.joined_sound import Joined
from stream.sinks.recording.track_reader import TrackReader
from stream.sinks.recording.tracks import LATE_S, PRIMING_S, Copied, flag, name, silence
from stream.sinks.recording.trial import takes

Stream: TypeAlias = "av.AudioStream | SubtitleStream"
Track: TypeAlias = "Copied | Joined | Encoded"

TRIED = 8
"""Packets of a track that a container is tried with."""
LOOK_S = 30
"""So far into the pictures it is looked for a track's first packet (a guess: no file keeps sound and pictures further apart)."""
LOOK_BYTES = 2 * 10**8
"""The same in bytes: a second or two of reading."""
READ_AHEAD_S = 10
"""Sound is read no further ahead of the pictures than this, though none has come."""
WAIT_FOR_ALL = ("mp4", "mov")
"""Containers that are written only once each track has begun."""
FIRST_SUBTITLES = {"dvdsub": b"\0\x0a\0\4\0\0\0\4\2\xff", "cc_dec": b"\0\0\0"}
"""Subtitles that show nothing, for such containers: what is said after minutes is not waited for. FFmpeg does it for `mov_text`."""
REFUSALS = 50
"""Packets that a container may refuse, one after the other, before it is a failure."""


class OtherTracks:
    """Sound, subtitles and chapters of a file on their way into an output. Opens the input a second time: none of them passes the feed."""

    def __init__(
        self,
        path: Path,
        output: av.container.OutputContainer,
        notes: list[str],
        *,
        begin_s: Fraction,
        shift_s: Fraction,
        copies: bool,
        sound: bool,
        options: dict[str, str],
    ) -> None:
        """
        Args:
            output: takes the tracks; nothing has been written to it yet.
            notes: takes a sentence for each thing that cannot be kept as it was.
            begin_s: the time of the first picture, seconds in the input.
            shift_s: taken off every time, as off the pictures' times.
            copies: False where the output has refused a copy: sound is encoded anew, and subtitles are left out.
            sound: False: the sound is not wanted.
            options: what the output was opened with.
        """
        self._path, self._output, self._notes, self._options = path, output, notes, options
        self._begin_s, self._shift_s = begin_s, shift_s
        self._reader = TrackReader(path)
        self._tracks: dict[int, Track] = {}
        self._damaged, self._refused, self._first_subtitles = False, 0, list[AnyPacket]()
        sounds: list[Stream] = [stream for stream in self._reader.parts.sounds if sound]
        wanted: list[Stream] = [*sounds, *self._reader.container.streams.subtitles]
        number, self._held = self._reader.parts.number, deque[tuple[float, AnyPacket]]()
        self._packets = self._reader.packets(set(map(number, wanted)))
        try:
            self._look_ahead(set(map(number, sounds)))
            said_before = len(notes)
            for stream in wanted:
                self._add(stream, copies)
            notes[said_before:] = counted(notes[said_before:])
            notes += left_out(path, self._reader.container)
            notes += copy_chapters(path, self._reader.container, output, shift_s)
        except BaseException:
            self.close()
            raise

    def write_until(self, time_s: float) -> None:
        """Write what is heard before the time, seconds in the input: no more, for the run may be stopped there."""
        if not self._tracks:
            return
        while self._first_subtitles:
            self._mux([self._first_subtitles.pop()])
        self._write_held(time_s)
        while not self._held and self._reader.pictures_until_s < time_s + READ_AHEAD_S and self._read(time_s):
            pass
        for track in self._tracks.values():
            self._mux(track.fill(Fraction(time_s) - self._shift_s))

    def finish(self, last_s: float, end_s: float, *, stopped: bool) -> None:
        """Write the rest of the sound: all of it after the input's last picture, else (the run was stopped) what the pictures cover.

        Args:
            last_s: the time of the last picture written, seconds in the input.
            end_s: when that picture ends.
            stopped: the run surely was.
        """
        if not self._tracks:
            return
        self._write_held(end_s)
        slack_s = (end_s - last_s) / 2  # a picture later than this is another one
        while self._reader.pictures_until_s < last_s + slack_s and self._read(end_s):
            pass
        goes_on = self._reader.pictures_until_s >= last_s + slack_s
        if goes_on and not stopped and not self._reader.shows_more(last_s + slack_s):
            self._notes.append(f"{self._path}: nothing after {end_s:.1f} s of its pictures can be decoded; the sound goes on to its end.")
            goes_on = False
        self._write_held(end_s if goes_on else float("inf"))
        while not goes_on and self._read(float("inf")):
            pass
        self._notes += counted(_remarks(self._path, self._reader, self._tracks, self._begin_s))
        for track in self._tracks.values():
            self._mux(track.rest())

    def close(self) -> None:
        """Let go of the input. Any number of times."""
        self._reader.parts.close()

    def _look_ahead(self, sounds: set[int]) -> None:
        """Read until each sound has begun, but not for ever: what a container refuses must be known before it is begun."""
        until_s, missing = float(self._begin_s), set(sounds)
        for found in self._packets if sounds else ():
            if found is not None:
                self._held.append(found)
                missing.discard(self._reader.parts.track(found[1]))
            far = self._reader.pictures_until_s >= until_s + (LOOK_S if missing else float(LATE_S))
            if far or self._reader.bytes_passed > LOOK_BYTES:
                return

    def _add(self, stream: Stream, copies: bool) -> None:
        if stream.codec_context is None:
            self._notes.append(f"{self._path}: its {stream.type} of an unknown kind is left out.")
            return
        try:
            track = self._sound(stream, copies) if isinstance(stream, av.AudioStream) else self._subtitles(stream, copies)
        except (av.error.FFmpegError, ValueError) as error:
            self._notes.append(f"{self._path}: its {stream.codec_context.name} {_what(stream)} is left out ({error}).")
            return
        if track is not None:
            name(track.stream, stream.metadata, self._output.format.name)
            if lost := flag(track.stream, stream.disposition.value, kind := self._output.format.name):
                what = f"{stream.codec_context.name} {_what(stream)}"
                self._notes.append(f"{self._path}: its {what} is marked as {' and '.join(lost)}, which {kind} cannot say.")
            self._tracks[self._reader.parts.number(stream)] = track

    def _sound(self, stream: av.AudioStream, copies: bool) -> Track | None:
        codec, kind = stream.codec_context.name, self._output.format.name
        if stream is self._reader.parts.late_sound:
            later = Encoded(stream, self._output, self._begin_s - self._shift_s)
            self._notes.append(f"{self._path}: its {codec} sound begins in a later part; encoded as {later.codec}{later.fewer}.")
            return later
        first = [packet for _, packet in self._held if packet.stream is stream][:TRIED]
        if not first and self._reader.over:
            self._notes.append(f"{self._path}: its {codec} sound is empty; left out.")
            return None
        late = kind in WAIT_FOR_ALL and (not first or _seconds(first[0]) - self._begin_s > LATE_S)
        is_pcm = kind == "mp4" and codec.startswith("pcm_")  # few players know it there
        fits = copies and codec in self._output.supported_codecs and not is_pcm
        fits = fits and ((late and not first) or takes(kind, self._options, stream, first, self._shift_s))
        begin_s = self._begin_s - self._shift_s
        if fits and not late:
            return _copied(stream, self._output, self._reader)
        if fits and (quiet := silence(stream)):
            self._notes.append(f"{self._path}: its {codec} sound begins late; silence is put before it.")
            return _copied(stream, self._output, self._reader, quiet, begin_s)
        track = Encoded(stream, self._output, begin_s)
        why = f"does not fit into {kind}" if kind != "matroska" else "cannot be copied into matroska"
        if fits:
            why = "begins late; silence is put before it"
        self._notes.append(f"{self._path}: its {codec} sound {why}; encoded as {track.codec}{track.fewer}.")
        return track

    def _subtitles(self, stream: SubtitleStream, copies: bool) -> Copied | None:
        codec, kind = stream.codec_context.name, self._output.format.name
        first = [packet for _, packet in self._held if packet.stream is stream][:TRIED]
        if not copies or not takes(kind, self._options, stream, first, self._shift_s):
            self._notes.append(f"{self._path}: its {codec} subtitles do not fit into {kind}; left out.")
            return None
        track = Copied(stream, self._output)
        if kind in WAIT_FOR_ALL and codec in FIRST_SUBTITLES and not (first and _seconds(first[0]) <= self._begin_s):
            self._first_subtitles.append(_empty(FIRST_SUBTITLES[codec], stream, track, self._begin_s - self._shift_s))
        return track

    def _read(self, until_s: float) -> bool:
        """One packet more of the input, written if it belongs before that time. Whether there was one."""
        try:
            found = next(self._packets)
        except StopIteration:
            return False
        if found is not None and found[0] < until_s:
            self._write(found[1])
        elif found is not None:
            self._held.append(found)
        return True

    def _write_held(self, until_s: float) -> None:
        for _ in range(len(self._held)):
            time_s, packet = self._held.popleft()
            if time_s < until_s:
                self._write(packet)
            else:
                self._held.append((time_s, packet))

    def _write(self, packet: AnyPacket) -> None:
        track = self._tracks.get(self._reader.parts.track(packet))
        lasts_s = (packet.duration or 0) * packet.time_base
        if track is None or (self._shift_s and _seconds(packet) + lasts_s < self._begin_s - PRIMING_S):  # before the output's begin
            return
        try:
            ready = track.ready(packet, self._shift_s)
        except (av.error.FFmpegError, ValueError):  # one damaged packet: a short silence
            if not self._damaged:
                self._notes.append(f"{self._path}: its sound is damaged; what could be read was used.")
            self._damaged = True
            return
        self._mux(ready)

    def _mux(self, packets: list[AnyPacket]) -> None:
        for packet in packets:
            try:
                self._output.mux(packet)
                self._refused = 0
            except av.error.FFmpegError as error:
                self.refused(error)

    def refused(self, error: av.error.FFmpegError) -> None:
        """The container has refused a packet, which is missing. A full disk is not among the causes: the file itself keeps that."""
        self._refused += 1
        if self._refused > REFUSALS:
            raise error
        note = f"{self._path}: {self._output.format.name} refused some of its sound, which is missing ({error.strerror})."
        if note not in self._notes:
            self._notes.append(note)


def _copied(
    stream: av.AudioStream,
    output: av.container.OutputContainer,
    reader: TrackReader,
    silence: bytes = b"",
    begin_s: Fraction = Fraction(0),
) -> Copied | Joined:
    copied = Copied(stream, output, silence, begin_s)
    return Joined(copied, stream) if reader.may_be_joined else copied


def _remarks(path: Path, reader: TrackReader, tracks: dict[int, Track], begin_s: Fraction) -> list[str]:
    """What the reader and the tracks have met on their way."""
    found: list[str] = []
    if reader.error is not None:
        found.append(f"{path}: its sound is damaged and ends early ({reader.error.strerror}).")
    for index, track in tracks.items():
        for at_s, what, becomes in track.notes if isinstance(track, Joined) else ():
            codec = reader.container.streams[index].codec_context.name
            found.append(f"{path}: its {codec} sound goes on as {what} at {float(at_s - begin_s):.1f} s; {becomes}.")
    for after_s, what in reader.left_out:
        where = f"from {after_s - float(begin_s):.1f} s on"
        found.append(f"{path}: its {what} {where} is left out; the part before has no {what} to go on.")
    for at_s in reader.alone_s[:1]:
        where = f"at {float(at_s - begin_s):.1f} s"
        found.append(f"{path}: its sound's times jump alone {where}; it goes on without a gap.")
    return found


def counted(notes: list[str]) -> list[str]:
    """Each note once, with the number of tracks that it is said of."""
    return [note if count == 1 else f"{note.removesuffix('.')} ({count} tracks)." for note, count in Counter(notes).items()]


def _seconds(packet: AnyPacket) -> Fraction:
    return (packet.pts or 0) * packet.time_base


def _empty(content: bytes, stream: SubtitleStream, track: Copied, at_s: Fraction) -> AnyPacket:
    packet: AnyPacket = av.Packet(content)
    packet.time_base, packet.stream, packet.is_keyframe = stream.time_base or Fraction(1, 1000), track.stream, True
    packet.pts = packet.dts = round(at_s / packet.time_base)
    return packet


def _what(stream: Stream) -> str:
    return "sound" if stream.type == "audio" else "subtitles"
