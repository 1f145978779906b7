"""Video files, on disk or at an http address of known length: every frame, at its exact time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import cast

from stream.errors import SourceError
from stream.frame import Frame, SourceInfo
from stream.jumps import Jumps
from stream.media import av, ffmpeg_name
from stream.settings.schema import Settings, SourceSettings
from stream.sources.addresses import redact
from stream.sources.contents import (
    INDEX_AT_END,
    begin_of,
    edits_hide_all,
    ends_with_a_packet,
    is_whole_riff,
    refuse_other_than_video,
    video_stream,
    why_not_opened,
)
from stream.sources.picture_times import PictureTimes, declared_rate, longest_sound_s
from stream.sources.pipe import Pipe, waited_for
from stream.sources.pyav_frame import Orientations, frame_of, orientation, upright_size
from stream.sources.reader_thread import pumped
from stream.sources.source import SourceStatus
from stream.transport_parts import BUFFER, PipedPart, TransportPart, first_part, has_sound_behind

PATIENCE = 10
"""A web server may pause for so many `read_timeout_s`. A file is no camera: there is nothing newer for which to connect anew (a guess)."""

RESUMED = {"reconnect": "1", "reconnect_on_network_error": "1", "reconnect_delay_max": "8"}
"""Where a connection breaks off FFmpeg asks for the rest of the file, after pauses of 0, 1, 3 and 7 s."""


class VideoSource:
    """The frames of one video file."""

    def __init__(
        self,
        address: str,
        settings: SourceSettings | None = None,
        *,
        pipe: Pipe | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens the file and decodes its first frame, so that what cannot be read is known at once.

        Args:
            pipe: what is read, where it is no file; then `address` is only its name.

        Raises:
            SourceError: missing, no video, or nothing in it can be decoded.
        """
        self._address = address
        self._remote = pipe is not None or "://" in address
        self._settings = settings or Settings().source
        self._clock = clock
        self._pipe = pipe
        self._closing = threading.Event() if pipe is None else pipe.closing
        self._sound_s: Fraction | None = None
        self.status = SourceStatus()
        self.info = self._look() if pipe is None else waited_for(pipe, self._look)

    def close(self) -> None:
        self._closing.set()
        if self._pipe is not None and not self._pipe.used:
            self._pipe.put_down()  # else whoever reads it does

    def __iter__(self) -> Iterator[Frame]:
        if self._pipe is not None and self._pipe.used:
            return
        self.status.state = "opening"
        try:
            if self._pipe is not None:
                self._pipe.used = True
            if self._remote:  # a network may stall, and `close()` must not wait for it
                for frame in pumped(lambda _: self._frames(), self._closing):
                    if self._pipe is not None:
                        self.status.seen_at = time.monotonic()  # it may be silent for as long as it likes
                    if frame is not None:
                        yield frame
            else:
                yield from self._frames()
        finally:
            self.status.state = "ended"
            if self._pipe is not None:
                self._pipe.put_down()

    def _open(self, part: TransportPart | PipedPart | None = None) -> av.container.InputContainer:
        name = redact(self._address)
        timeout, options = None, {}
        if self._remote and self._pipe is None:
            patience_s = PATIENCE * self._settings.read_timeout_s
            timeout = (self._settings.open_timeout_s, patience_s)
            options = {**RESUMED, "rw_timeout": str(round(patience_s / 2 * 1e6))}  # then the rest is asked for, too, where that is possible
        try:
            place = part or (self._address if self._remote else ffmpeg_name(self._address))
            container = av.open(place, "r", metadata_errors="replace", timeout=timeout, options=options, buffer_size=BUFFER)
            self._sound_s = longest_sound_s(container)
            if not self._remote and edits_hide_all(container):
                container.close()
                container = av.open(place, "r", metadata_errors="replace", options={"advanced_editlist": "0"})
        except av.error.FFmpegError as error:
            cause = why_not_opened(error, self._begin(), piped=self._pipe is not None)  # FFmpeg's own text may hold a password
            raise SourceError(f"{name}: {cause}.") from None
        refuse_other_than_video(container, name)
        return container

    @contextmanager
    def _opened(self, part: TransportPart | PipedPart | None) -> Generator[av.container.InputContainer, None, None]:
        """The file, or a part of it, until it was read."""
        with closing(part) if part is not None else nullcontext(), closing(self._open(part)) as container:
            yield container

    def _first_part(self) -> TransportPart | PipedPart | None:
        if self._pipe is not None:
            return PipedPart(self._pipe.opened())
        return None if self._remote else first_part(Path(self._address), pictures_only=True)

    def _begin(self) -> bytes:
        """The first bytes; none of an address."""
        return begin_of(Path(self._address)) if self._pipe is None else bytes(self._pipe.begin[:8])

    def _look(self) -> SourceInfo:
        with self._opened(self._first_part()) as container:
            first = next(self._decoded(container, []), None)
            if first is None:
                late = self._pipe is not None and self._begin()[4:8] == b"ftyp"
                raise SourceError(f"{redact(self._address)}: {INDEX_AT_END if late else 'not one frame of it could be decoded'}.")
            return _info_of(container, first, redact(self._address), None if self._remote else Path(self._address))

    def _frames(self) -> Generator[Frame, None, None]:
        faults: list[str] = []
        index = 0
        with self._opened(part := self._first_part()) as container:
            jumps = Jumps(container, video_stream(container))
            times, orientations = PictureTimes(container, video_stream(container), jumps, self._sound_s), Orientations()
            if container.format.name == "mpegts" and self.info.path is not None and not ends_with_a_packet(self.info.path):
                faults.append("cut inside a packet")
            if times.assumed:
                self.status.notes.append(f"{self.info.name}: has no times of its own; {float(1 / times.time_base):g} frames/s are assumed.")
            try:
                for decoded, pts in times.placed(self._decoded_parts(container, part, faults, jumps)):
                    if self._closing.is_set():
                        break
                    if decoded.is_corrupt:
                        faults.append("damaged picture")
                    self.status.state, now = "up", self._clock()
                    lies, time_base = orientations.of(decoded), times.time_base
                    yield frame_of(decoded, lies, source=self.info.name, index=index, pts=pts, time_base=time_base, captured_at=now)
                    index += 1
            finally:
                self.status.notes += times.notes(self.info.name)
        if not self._closing.is_set():
            whole = self.info.path is not None and is_whole_riff(self.info.path)
            self._sum_up(index, faults, 0.0 if whole else times.missing_s)

    def _sum_up(self, frames: int, faults: list[str], missing_s: float) -> None:
        if frames == 0:
            raise SourceError(f"{self.info.name}: not one frame of it could be decoded.")
        if faults:
            self.status.notes.append(f"{self.info.name}: is damaged or cut off; what could be decoded was used ({frames} frames).")
        elif missing_s:
            self.status.notes.append(f"{self.info.name}: is cut off; its last {missing_s:.1f} s are missing ({frames} frames were there).")

    def _decoded_parts(
        self, container: av.container.InputContainer, part: TransportPart | PipedPart | None, faults: list[str], jumps: Jumps
    ) -> Iterator[av.VideoFrame]:
        """Of a transport stream that was joined of several, one after the other, each with its own decoder."""
        yield from self._decoded(container, faults, jumps)
        while part is not None and not self._closing.is_set() and (part := part.following()) is not None:
            at_s = jumps.end_s
            with ExitStack() as opened:
                try:
                    further = opened.enter_context(self._opened(part))
                except SourceError as error:
                    stream = video_stream(container)
                    since_first_s = float(at_s - (stream.start_time or 0) * (stream.time_base or 0))
                    why = str(error).removeprefix(f"{self.info.name}: ")
                    raise SourceError(f"{self.info.name}: another part of it begins at {since_first_s:.1f} s, and {why}") from None
                jumps.joined.append((at_s, video_stream(further).codec_context.name))
                yield from self._decoded(further, faults, jumps)

    def _decoded(self, container: av.container.InputContainer, faults: list[str], jumps: Jumps | None = None) -> Iterator[av.VideoFrame]:
        """Whatever can be decoded, its times led over `jumps`; what cannot is told to `faults`."""
        stream = video_stream(container)
        if stream.codec_context is None:
            raise SourceError(f"{redact(self._address)}: its pictures are of a kind that cannot be decoded.")
        stream.codec_context.thread_type = "AUTO"
        for packet in _continuous(self._packets(container, stream, faults, jumps), jumps):
            if self._closing.is_set():
                return
            try:
                decoded = packet.decode() if packet else stream.codec_context.decode(None)
            except av.error.FFmpegError as error:
                faults.append(str(error.strerror))
                continue
            for frame in decoded:
                if self._closing.is_set():
                    return
                yield frame

    def _packets(
        self, container: av.container.InputContainer, stream: av.VideoStream, faults: list[str], jumps: Jumps | None
    ) -> Iterator[av.Packet[av.VideoStream] | None]:
        """None where the file breaks off: the decoder may still hold frames."""
        came_at = time.monotonic()
        try:
            for packet in container.demux(stream, *container.streams.audio):
                if packet.stream.index != stream.index:  # of the last one, which is empty, PyAV tells only the stream
                    if jumps is not None and packet.size:
                        jumps.hear(packet)
                elif packet.size or packet.dts is None:  # else the picture before is shown on; to the decoder it would be the end
                    yield cast("av.Packet[av.VideoStream]", packet)
                came_at = time.monotonic()
        except (av.error.ExitError, av.error.TimeoutError):
            raise SourceError(f"{redact(self._address)}: nothing came for {time.monotonic() - came_at:.0f} s.") from None
        except IndexError:  # PyAV's, at the very end
            self.status.notes.append(f"{self.info.name}: what begins in its middle beside its first streams is left out.")
        except av.error.FFmpegError as error:
            faults.append(str(error.strerror))
            yield None


def _continuous(packets: Iterator[av.Packet[av.VideoStream] | None], jumps: Jumps | None) -> Iterator[av.Packet[av.VideoStream] | None]:
    """The packets with their times led over `jumps`, where there are such to lead over."""
    for packet in packets:
        if jumps is None:
            yield packet
        elif packet is None or not packet.size:  # the end
            yield from jumps.flush()
            yield packet
        else:
            yield from jumps.push(packet)
    if jumps is not None:
        yield from jumps.flush()


def _about_how_many(container: av.container.InputContainer, stream: av.VideoStream) -> int | None:
    """As the file declares them, else its length times its rate; None where it tells neither."""
    rate = stream.average_rate or stream.guessed_rate
    if stream.frames or container.duration is None or rate is None:
        return stream.frames or None
    return round(container.duration / av.time_base * float(rate))


def _info_of(container: av.container.InputContainer, first: av.VideoFrame, name: str, path: Path | None) -> SourceInfo:
    quarter_turns, _ = orientation(first)
    width, height = upright_size(first, quarter_turns)
    stream = video_stream(container)
    aspect = stream.sample_aspect_ratio or None
    return SourceInfo(
        name=name,
        width=width,
        height=height,
        rate=declared_rate(container, stream),
        path=path,
        has_audio=bool(container.streams.audio) or (path is not None and has_sound_behind(path)),
        has_more=len(container.streams) > 1 + len(container.streams.audio) or bool(container.chapters()),
        frames=_about_how_many(container, stream),
        pixel_aspect=1 / aspect if aspect and quarter_turns % 2 else aspect,
        tags={key.lower(): value for key, value in container.metadata.items()},
        picture_flags=stream.disposition.value,
        begins_anywhere=container.format.name in ("mpegts", "hls"),
        picture_tags={key.lower(): value for key, value in stream.metadata.items()},
    )
