"""Video files, on disk or at an http address of known length: every frame, at its exact time."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path

from stream.errors import SourceError
from stream.frame import USUAL_RATE, Frame, SourceInfo
from stream.media import av, ffmpeg_name
from stream.settings.schema import Settings, SourceSettings
from stream.sources.addresses import redact
from stream.sources.contents import INDEX_AT_END, is_whole_riff, moving_pictures, video_stream, why_not_opened
from stream.sources.pipe import Pipe
from stream.sources.pyav_frame import frame_of, orientation, upright_size
from stream.sources.reader_thread import pumped
from stream.sources.source import SourceStatus

EARLY_END = 0.05
"""A video that ends this share of its declared length too early (and a second at least) was cut off."""


class VideoSource:
    """The frames of one video file."""

    def __init__(
        self,
        address: str,
        settings: SourceSettings | None = None,
        *,
        pipe: Path | int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens the file and decodes its first frame, so that what cannot be read is known at once.

        Args:
            pipe: what is read, by its path or number, where it is no file; then `address` is only its name.

        Raises:
            SourceError: missing, no video, or nothing in it can be decoded.
        """
        self._address = address
        self._remote = pipe is not None or "://" in address
        self._settings = settings or Settings().source
        self._clock = clock
        self._closing = threading.Event()
        self._pipe = None if pipe is None else Pipe(pipe, self._closing)
        self.status = SourceStatus()
        self.info = self._look() if self._pipe is None else self._wait_and_look()

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

    def _open(self) -> av.container.InputContainer:
        name = redact(self._address)
        on_network = self._remote and self._pipe is None
        timeout = (self._settings.open_timeout_s, self._settings.read_timeout_s) if on_network else None
        try:
            place = self._pipe.opened() if self._pipe else self._address if self._remote else ffmpeg_name(self._address)
            container = av.open(place, "r", metadata_errors="replace", timeout=timeout)
        except av.error.FFmpegError as error:
            cause = why_not_opened(error, self._begin(), piped=self._pipe is not None)  # FFmpeg's own text may hold a password
            raise SourceError(f"{name}: {cause}.") from None
        if not moving_pictures(container) or container.format.name == "tty":  # FFmpeg takes any .txt for a video of text
            container.close()
            raise SourceError(f"{name}: is not a video; there are no moving pictures in it.")
        return container

    def _begin(self) -> bytes:
        """The first bytes; none of an address."""
        if self._pipe is not None:
            return bytes(self._pipe.begin[:8])
        with suppress(OSError), Path(self._address).open("rb") as file:
            return file.read(8)
        return b""

    def _wait_and_look(self) -> SourceInfo:
        """In a thread that is left behind on Ctrl-C: nobody knows when somebody writes into a pipe."""

        def looks(_: threading.Event) -> Generator[SourceInfo, None, None]:
            yield self._look()

        try:
            with closing(pumped(looks, self._closing)) as found:
                return next(info for info in found if info is not None)
        except BaseException:
            if self._pipe is not None:
                self._pipe.put_down()
            raise

    def _look(self) -> SourceInfo:
        with closing(self._open()) as container:
            first = next(self._decoded(container, []), None)
            if first is None:
                late = self._pipe is not None and self._begin()[4:8] == b"ftyp"
                raise SourceError(f"{redact(self._address)}: {INDEX_AT_END if late else 'not one frame of it could be decoded'}.")
            width, height = upright_size(first)
            stream = video_stream(container)
            aspect = stream.sample_aspect_ratio or None
            return SourceInfo(
                name=redact(self._address),
                width=width,
                height=height,
                rate=_rate(container, stream),
                path=None if self._remote else Path(self._address),
                has_audio=bool(container.streams.audio),
                has_more=len(container.streams) > 1 + len(container.streams.audio) or bool(container.chapters()),
                frames=_about_how_many(container, stream),
                pixel_aspect=1 / aspect if aspect and orientation(first)[0] % 2 else aspect,
                tags={key.lower(): value for key, value in container.metadata.items()},
                picture_tags={key.lower(): value for key, value in stream.metadata.items()},
            )

    def _frames(self) -> Generator[Frame, None, None]:
        faults: list[str] = []
        index = 0
        with closing(self._open()) as container:
            times = _Times(container, video_stream(container))
            if container.format.name == "mpegts" and self.info.path is not None and not _ends_with_a_packet(self.info.path):
                faults.append("cut inside a packet")
            if times.assumed:
                self.status.notes.append(f"{self.info.name}: has no times of its own; {float(1 / times.time_base):g} frames/s are assumed.")
            for decoded in self._decoded(container, faults):
                pts = times.place(decoded)
                if decoded.is_corrupt:
                    faults.append("damaged picture")
                self.status.state = "up"
                yield frame_of(decoded, source=self.info.name, index=index, pts=pts, time_base=times.time_base, captured_at=self._clock())
                index += 1
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

    def _decoded(self, container: av.container.InputContainer, faults: list[str]) -> Iterator[av.VideoFrame]:
        """Whatever can be decoded; what cannot is told to `faults`."""
        stream = video_stream(container)
        stream.codec_context.thread_type = "AUTO"
        for packet in self._packets(container, stream, faults):
            if self._closing.is_set():
                return
            if packet and not packet.size and packet.dts is not None:
                continue  # the picture before is shown on; to the decoder it would be the end
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
        self, container: av.container.InputContainer, stream: av.VideoStream, faults: list[str]
    ) -> Iterator[av.Packet[av.VideoStream] | None]:
        """None where the file breaks off: the decoder may still hold frames."""
        try:
            yield from container.demux(stream)
        except av.error.ExitError:
            raise SourceError(f"{redact(self._address)}: nothing came for {self._settings.read_timeout_s:g} s.") from None
        except av.error.FFmpegError as error:
            faults.append(str(error.strerror))
            yield None


class _Times:
    """Gives each decoded picture its own time, in ticks; strictly increasing whatever the file says."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self.assumed = _untimed(container)
        """The stream has no times: frames are a declared rate apart."""
        self.time_base: Fraction = stream.time_base or Fraction(1, 1000)
        self._declared_end: int | None = None
        self._by_decoding = container.format.name == "avi"  # has no times of showing; what FFmpeg makes up is a frame late for H.264
        if self.assumed:
            self.time_base = 1 / (_rate(container, stream) or USUAL_RATE)
        elif not _declares_pictures(container):
            pass
        elif stream.duration is not None:
            self._declared_end = (stream.start_time or 0) + stream.duration
            self._declared = stream.duration
        elif end_s := _declared_end_s(container, stream):
            self._declared_end = self._declared = round(end_s / self.time_base)
        self._last: int | None = None
        self._step = 1

    def place(self, decoded: av.VideoFrame) -> int:
        pts = None if self.assumed else decoded.dts if self._by_decoding else decoded.pts
        if self._last is None:
            self._last = pts or 0
        elif pts is None:
            self._last += self._step
        else:
            self._last = max(pts, self._last + 1)
        self._step = 1 if self.assumed else max(1, int(decoded.duration or 1))
        return self._last

    @property
    def missing_s(self) -> float:
        """Seconds between the end of the last picture and the declared end; 0 where that is the usual imprecision."""
        if self._declared_end is None or self._last is None:
            return 0.0
        missing = float((self._declared_end - self._last - self._step) * self.time_base)
        return missing if missing > max(1.0, EARLY_END * float(self._declared * self.time_base)) else 0.0


def _untimed(container: av.container.InputContainer) -> bool:
    return av.format.Flags.no_timestamps in av.format.Flags(container.format.flags) or container.format.name.endswith("_pipe")


def _declares_pictures(container: av.container.InputContainer) -> bool:
    """Whether the declared length is one that says that pictures are missing.

    That of Ogg is found at the end of what is there, perhaps a still picture that is shown on; that of ASF is that of the longest stream.
    """
    return container.format.name != "ogg" and (container.format.name != "asf" or len(container.streams) == 1)


def _declared_end_s(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """When the pictures of a Matroska file end, in seconds: as a tag of theirs says, or the file if nothing else is in it."""
    written = re.fullmatch(r"(\d+):(\d+):(\d+\.?\d*)", stream.metadata.get("DURATION", ""))
    if written:
        hours, minutes, seconds = map(float, written.groups())
        return 3600 * hours + 60 * minutes + seconds
    alone = len(container.streams) == 1 and container.duration is not None
    return float(container.duration / av.time_base) if alone and container.duration else None


def _ends_with_a_packet(path: Path) -> bool:
    """A transport stream says nowhere how long it should be, but it is made of packets of one size."""
    return any(path.stat().st_size % size == 0 for size in (188, 192, 204))


def _rate(container: av.container.InputContainer, stream: av.VideoStream) -> Fraction | None:
    """Frames per second, as declared. A stream without times has no average; FFmpeg then reports 25 as such."""
    rates = (stream.guessed_rate, stream.average_rate) if _untimed(container) else (stream.average_rate, stream.guessed_rate)
    return next((Fraction(rate) for rate in rates if rate), None)


def _about_how_many(container: av.container.InputContainer, stream: av.VideoStream) -> int | None:
    """As the file declares them, else its length times its rate; None where it tells neither."""
    rate = stream.average_rate or stream.guessed_rate
    if stream.frames or container.duration is None or rate is None:
        return stream.frames or None
    return round(container.duration / av.time_base * float(rate))
