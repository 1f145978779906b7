"""Results as a video file that plays everywhere, also after the program was killed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

from stream.deadline import ENCODE_S, NEVER, Deadline
from stream.errors import SinkError
from stream.frame import Frame, SourceInfo
from stream.media import av
from stream.settings.schema import OutputSettings
from stream.sinks.files import OutputFile, claim, unwritable
from stream.sinks.recording.encoding import Encoding, Packet, encoder_for, whole_rate
from stream.sinks.recording.hardware import h264_codecs
from stream.sinks.recording.other_tracks import OtherTracks
from stream.sinks.recording.tracks import MOST_TICKS, flag, name
from stream.sinks.recording.trial import plays, takes_tags
from stream.sinks.result import Result

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""FFmpeg's name of the container for each ending."""

ALWAYS_PLAYABLE = {
    # Fragments of 0.1 s (in µs) while it grows, one regular file once closed. Plain MP4 is unreadable until closed; `empty_moov` moves the
    # first frame.
    "mp4": {"movflags": "hybrid_fragmented+delay_moov+frag_keyframe", "frag_duration": "100000"},
    "mov": {"movflags": "hybrid_fragmented+delay_moov+frag_keyframe", "frag_duration": "100000"},
    "matroska": {"cluster_time_limit": "100"},  # ms; a cluster waits in memory until the next begins
    "webm": {"cluster_time_limit": "100"},
}
PROMPT = {"flush_packets": "1", "max_interleave_delta": "100000", "avoid_negative_ts": "disabled"}
"""Each packet goes to the disk at once, and none waits longer than 0.1 s (in µs) for a silent stream. Sound may begin before 0 (what a
decoder swallows at its start): Matroska would move all pictures for it."""

OF_THE_CONTAINER = frozenset({"major_brand", "minor_version", "compatible_brands", "encoder", "duration"})
"""Tags that say how the input was packed, not what it is."""
FAR_START_S = 10
"""A file whose times begin later than this (a recorded broadcast counts from the day's start) begins at 0 in the output."""

logger = logging.getLogger(__name__)


class VideoSink:
    """Writes a source's pictures with their boxes as H.264 (VP9 in WebM), each at its exact time, and a file's sound beside them.

    Odd sizes grow by one pixel: 4:2:0 has even ones only. A live source begins at 0.
    """

    def __init__(self, path: Path, info: SourceInfo, settings: OutputSettings, *, overwrite: bool = False) -> None:
        """
        Raises:
            SinkError: the file cannot be written, is the input, exists and must not be replaced, or its ending is no video's.
            UsageError: the encoder that is asked for does not work here.
        """
        self.path = path
        self.notes: list[str] = []
        """One sentence for each thing that could not be kept as it was in the input."""
        self._info = info
        self._settings = settings
        if path.suffix.lower() not in FORMATS:
            raise SinkError(f"{path}: a video cannot be written as '{path.suffix}'; choose one of {', '.join(FORMATS)}.")
        self._codecs = ("libvpx-vp9",) if FORMATS[path.suffix.lower()] == "webm" else h264_codecs(settings)
        claim(path, info.path, overwrite=overwrite)
        if info.path is None and info.has_audio and settings.audio:  # a second connection could stall while the run is asked to stop
            self.notes.append(
                f"{info.name}: its sound is left out: only a file on this machine is read a second time for it. Download it first."
            )
        self._recording: Recording | None = None
        self._overwrite = overwrite
        self._closed = False
        self._deadline = NEVER

    def write(self, result: Result) -> None:
        """Encode one picture and the sound that goes with it.

        Raises:
            SinkError: the disk is full or gone. What was written until then plays.
        """
        if self._closed:
            raise SinkError(f"{self.path}: is closed; nothing more can be written to it.")
        try:
            if self._recording is None:
                if not self._overwrite:
                    self.path.open("xb").close()  # refuses what somebody else has begun since it was claimed
                kind = FORMATS[self.path.suffix.lower()]
                self._recording = begin_recording(self.path, kind, self._info, self._settings, self._codecs, result.frame, self.notes)
            self._recording.write(result)
        except (OSError, av.error.FFmpegError) as error:
            self._break_off()
            raise SinkError(unwritable(self.path, error)) from error

    @property
    def full(self) -> bool:
        """Never: writing waits for the encoder."""
        return False

    def hurry(self, deadline: Deadline) -> None:
        """The encoder may go on until then with what it holds."""
        if not self._deadline.asked:
            self._deadline = deadline

    def close(self) -> None:
        """Finish the file. Any number of times; a sink that got no picture leaves no file."""
        if self._closed:
            return
        self._closed = True
        if self._recording is None:
            return
        try:
            self._recording.finish(self._deadline)
        except (OSError, av.error.FFmpegError) as error:
            self._break_off()
            raise SinkError(unwritable(self.path, error)) from error

    def _break_off(self) -> None:
        self._closed = True
        if self._recording is not None:
            with suppress(OSError, av.error.FFmpegError):  # the first error is the one to tell
                self._recording.let_go()


def begin_recording(
    path: Path, kind: str, info: SourceInfo, settings: OutputSettings, codecs: Sequence[str], first: Frame, notes: list[str]
) -> Recording:
    """A recording that has begun, by the first codec that can; what the container refuses to take as it is is encoded anew.

    Args:
        kind: FFmpeg's name of the container.
        first: the source's first picture.

    Raises:
        OSError, FFmpegError, ValueError: it cannot be begun.
    """
    said_before = len(notes)
    attempts = [(codec, copies) for codec in codecs for copies in (True, False)]
    for attempt in attempts:
        try:
            return Recording(path, kind, info, settings, attempt, first, notes)
        except (av.error.FFmpegError, ValueError) as error:
            if attempt == attempts[-1]:
                raise
            logger.info("%s: is tried in another way (%s)", path, error)
            del notes[said_before:]
    raise AssertionError("the last attempt returns or raises")


class Recording:
    """One open output file: pictures, and what their source has beside them."""

    def __init__(
        self, path: Path, kind: str, info: SourceInfo, settings: OutputSettings, attempt: tuple[str, bool], first: Frame, notes: list[str]
    ) -> None:
        """Use `begin_recording`."""
        codec, copies = attempt
        self._file = OutputFile(path)
        self._container = av.open(self._file, "w", format=kind, options=ALWAYS_PLAYABLE[kind] | PROMPT)
        self._name, self._notes = info.name, notes
        self._time_base = first.time_base
        self._begin_s = first.pts * first.time_base
        anywhere = info.live or info.begins_anywhere or self._begin_s >= FAR_START_S or self._begin_s < 0
        self._shift_s = self._begin_s if anywhere else Fraction(0)
        if kind == "webm" and info.pixel_aspect not in (None, 1):  # its header has a place for it, which PyAV cannot fill
            notes.append(f"{info.name}: its pixels are {info.pixel_aspect} as wide as high; in WebM they are shown as squares.")
        if self._shift_s and not info.live and (self._begin_s >= FAR_START_S or not info.begins_anywhere):
            notes.append(f"{info.name}: begins at {float(self._begin_s):.1f} s by its own clock; the output begins at 0.")
        self._ends: tuple[int, int] | None = None
        """When the newest picture is shown, and how long, ticks of the input."""
        self._others: OtherTracks | None = None
        try:
            self._stream = self._add_pictures(codec, info, settings)
            context = self._stream.codec_context
            self._encoding = Encoding(context, encoder_for(codec, info, settings), info, first, notes, shift_s=self._shift_s)
            tags = {key: value for key, value in info.tags.items() if key not in OF_THE_CONTAINER}
            for taken in (tags, {key: value for key, value in tags.items() if key != "timecode"}, {}):
                if takes_tags(kind, ALWAYS_PLAYABLE[kind] | PROMPT, taken, self._stream.average_rate):
                    break
            self._container.metadata.update(taken)
            if lost := sorted(tags.keys() - taken.keys()):
                notes.append(f"{info.name}: its {' and '.join(lost)} {'does' if len(lost) == 1 else 'do'} not fit into {kind}; left out.")
            if info.path is not None and not info.live and (info.has_more or (info.has_audio and settings.audio)):
                self._others = OtherTracks(
                    info.path,
                    self._container,
                    notes,
                    begin_s=self._begin_s,
                    shift_s=self._shift_s,
                    copies=copies,
                    sound=settings.audio,
                    options=ALWAYS_PLAYABLE[kind] | PROMPT,
                )
            self._container.start_encoding()
            self._encoding.most = int(MOST_TICKS * (self._stream.time_base or self._time_base) / self._time_base)
        except BaseException:
            self.let_go()
            raise

    def write(self, result: Result) -> None:
        self._mux(self._encoding.packets(result))
        if self._encoding.last is not None:
            self._ends = self._encoding.last, self._encoding.lasts

    def copy(self, packets: Iterable[Packet]) -> None:
        """Pictures that were encoded elsewhere, just as they would be here: packets at their times in the input, none shown earlier than
        the one before.
        """
        shift = round(self._shift_s / self._time_base)
        for packet in packets:
            assert packet.pts is not None
            self._ends = packet.pts - shift, packet.duration or 1
            packet.pts, packet.dts = self._ends[0], self._ends[0]
            self._mux([packet])

    @property
    def header(self) -> bytes:
        """What a decoder must know before the first packet."""
        return bytes(self._stream.codec_context.extradata or b"")

    def finish(self, deadline: Deadline) -> None:
        """The encoder's last pictures as far as there is time, the rest of the sound, and the container's index."""
        for packet in self._encoding.rest() if self._encoding.last is not None else ():
            self._mux([packet])
            if deadline.left_s(ENCODE_S) == 0:  # slow presets look ahead by fifty pictures
                self._notes.append(f"{self._name}: the last pictures are missing: there was no time to encode them.")
                break
        if self._others is not None and self._ends is not None:
            last_s = self._ends[0] * self._time_base + self._shift_s
            end_s = last_s + self._ends[1] * self._time_base
            self._others.finish(float(last_s), float(end_s), stopped=deadline.asked)
        try:
            self.let_go()
        except av.error.FFmpegError as error:
            if self._others is None or not plays(Path(self._file.name)):
                raise
            self._others.refused(error)
        if self._file.failure is not None:
            raise self._file.failure

    def let_go(self) -> None:
        """Close everything, whatever went wrong before."""
        try:
            if self._others is not None:
                self._others.close()
            self._container.close()
        finally:
            self._file.close()

    def _mux(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            packet.stream = self._stream
            try:
                self._container.mux(
                    packet
                )  # before its sound: a fragment of MP4 that ends with a sound must know when the next picture comes
            except av.error.FFmpegError as error:
                if self._others is None:
                    raise
                self._others.refused(error)  # of a packet of theirs, which waited
            if self._others is not None and packet.pts is not None:
                self._others.write_until(float(packet.pts * packet.time_base + self._shift_s))
        if self._file.failure is not None:
            raise self._file.failure

    def _add_pictures(self, codec: str, info: SourceInfo, settings: OutputSettings) -> av.VideoStream:
        encoder = encoder_for(codec, info, settings)
        stream = cast(av.VideoStream, self._container.add_stream(encoder.codec, rate=whole_rate(info), options=encoder.options))
        stream.time_base = self._time_base
        name(stream, info.picture_tags, self._container.format.name)
        flag(stream, info.picture_flags, self._container.format.name)
        return stream
