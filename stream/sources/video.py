"""Video files, on disk or at an http address of known length: every frame, at its exact time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

from stream.errors import SourceError
from stream.frame import Frame, SourceInfo
from stream.jumps import Jumps
from stream.media import av
from stream.settings.schema import Settings, SourceSettings
from stream.sources.addresses import redact
from stream.sources.picture_times import PictureTimes, declared_rate
from stream.sources.pyav_frame import frame_of, quarter_turns, upright_size
from stream.sources.reader_thread import pumped
from stream.sources.source import SourceStatus


class VideoSource:
    """The frames of one video file."""

    def __init__(self, address: str, settings: SourceSettings | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Opens the file and decodes its first frame, so that what cannot be read is known at once.

        Raises:
            SourceError: missing, no video, or nothing in it can be decoded.
        """
        self._address = address
        self._remote = "://" in address
        self._settings = settings or Settings().source
        self._clock = clock
        self._closing = threading.Event()
        self.status = SourceStatus()
        self.info = self._look()

    def close(self) -> None:
        self._closing.set()

    def __iter__(self) -> Iterator[Frame]:
        self.status.state = "opening"
        try:
            if self._remote:  # a network may stall, and `close()` must not wait for it
                yield from (frame for frame in pumped(lambda _: self._frames(), self._closing) if frame is not None)
            else:
                yield from self._frames()
        finally:
            self.status.state = "ended"

    def _open(self) -> av.container.InputContainer:
        name = redact(self._address)
        timeout = (self._settings.open_timeout_s, self._settings.read_timeout_s) if self._remote else None
        try:
            container = av.open(self._address, metadata_errors="replace", timeout=timeout)
        except av.error.FFmpegError as error:
            raise SourceError(f"{name}: {_why_not_opened(error, self._address)}.") from None  # FFmpeg's own text may hold a password
        if not container.streams.video or container.format.name == "tty":  # FFmpeg takes any .txt for a video of text
            container.close()
            raise SourceError(f"{name}: is not a video; there are no moving pictures in it.")
        return container

    def _look(self) -> SourceInfo:
        with closing(self._open()) as container:
            first = next(self._decoded(container, []), None)
            if first is None:
                raise SourceError(f"{redact(self._address)}: not one frame of it could be decoded.")
            width, height = upright_size(first)
            stream = _video_stream(container)
            aspect = stream.sample_aspect_ratio or None
            return SourceInfo(
                name=redact(self._address),
                width=width,
                height=height,
                rate=declared_rate(container, stream),
                path=None if self._remote else Path(self._address),
                has_audio=bool(container.streams.audio),
                has_more=len(container.streams) > 1 + len(container.streams.audio) or bool(container.chapters()),
                frames=_about_how_many(container, stream),
                pixel_aspect=1 / aspect if aspect and quarter_turns(first) % 2 else aspect,
                tags={key.lower(): value for key, value in container.metadata.items()},
                picture_flags=stream.disposition.value,
                begins_anywhere=container.format.name in ("mpegts", "hls"),
                picture_tags={key.lower(): value for key, value in stream.metadata.items()},
            )

    def _frames(self) -> Generator[Frame, None, None]:
        faults: list[str] = []
        index = 0
        with closing(self._open()) as container:
            jumps = Jumps(container, _video_stream(container))
            times = PictureTimes(container, _video_stream(container), jumps)
            if container.format.name == "mpegts" and self.info.path is not None and not _ends_with_a_packet(self.info.path):
                faults.append("cut inside a packet")
            if times.assumed:
                self.status.notes.append(f"{self.info.name}: has no times of its own; {float(1 / times.time_base):g} frames/s are assumed.")
            try:
                for decoded, pts in times.placed(self._decoded(container, faults, jumps)):
                    if self._closing.is_set():
                        break
                    if decoded.is_corrupt:
                        faults.append("damaged picture")
                    self.status.state, now = "up", self._clock()
                    yield frame_of(decoded, source=self.info.name, index=index, pts=pts, time_base=times.time_base, captured_at=now)
                    index += 1
            finally:
                self.status.notes += times.notes(self.info.name)
        if not self._closing.is_set():
            self._sum_up(index, faults, times.missing_s)

    def _sum_up(self, frames: int, faults: list[str], missing_s: float) -> None:
        if frames == 0:
            raise SourceError(f"{self.info.name}: not one frame of it could be decoded.")
        if faults:
            self.status.notes.append(f"{self.info.name}: is damaged or cut off; what could be decoded was used ({frames} frames).")
        elif missing_s:
            self.status.notes.append(f"{self.info.name}: is cut off; its last {missing_s:.1f} s are missing ({frames} frames were there).")

    def _decoded(self, container: av.container.InputContainer, faults: list[str], jumps: Jumps | None = None) -> Iterator[av.VideoFrame]:
        """Whatever can be decoded, its times led over `jumps`; what cannot is told to `faults`."""
        stream = _video_stream(container)
        if stream.codec_context is None:
            raise SourceError(f"{redact(self._address)}: its pictures are of a kind that cannot be decoded.")
        stream.codec_context.thread_type = "AUTO"
        for packet in self._continuous(self._packets(container, stream, faults), jumps):
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

    @staticmethod
    def _continuous(packets: Iterator[av.Packet[av.VideoStream] | None], jumps: Jumps | None) -> Iterator[av.Packet[av.VideoStream] | None]:
        for packet in packets:
            if jumps is None:
                yield packet
            elif packet is None or not packet.size:  # the end
                yield from jumps.flush()
                yield packet
            else:
                yield from jumps.push(packet)

    def _packets(
        self, container: av.container.InputContainer, stream: av.VideoStream, faults: list[str]
    ) -> Iterator[av.Packet[av.VideoStream] | None]:
        """None where the file breaks off: the decoder may still hold frames."""
        try:
            yield from container.demux(stream)
        except av.error.ExitError:
            raise SourceError(f"{redact(self._address)}: nothing came for {self._settings.read_timeout_s:g} s.") from None
        except IndexError:  # PyAV's, at the very end
            self.status.notes.append(f"{self.info.name}: what begins in its middle beside its first streams is left out.")
        except av.error.FFmpegError as error:
            faults.append(str(error.strerror))
            yield None


def _video_stream(container: av.container.InputContainer) -> av.VideoStream:
    best = container.streams.best("video")
    return best if isinstance(best, av.VideoStream) else container.streams.video[0]


def _ends_with_a_packet(path: Path) -> bool:
    """A transport stream says nowhere how long it should be, but it is made of packets of one size."""
    return any(path.stat().st_size % size == 0 for size in (188, 192, 204))


def _about_how_many(container: av.container.InputContainer, stream: av.VideoStream) -> int | None:
    """As the file declares them, else its length times its rate; None where it tells neither."""
    rate = stream.average_rate or stream.guessed_rate
    if stream.frames or container.duration is None or rate is None:
        return stream.frames or None
    return round(container.duration / av.time_base * float(rate))


def _why_not_opened(error: av.error.FFmpegError, address: str) -> str:
    if isinstance(error, av.error.FileNotFoundError):
        return "there is no such file"
    if isinstance(error, av.error.ExitError):
        return "did not answer in time"
    if isinstance(error, av.error.InvalidDataError):
        if _starts_like_mp4(address):
            return "is damaged, or its recording was interrupted, and cannot be read"
        return "is not a video that can be read"
    return f"cannot be opened ({error.strerror})"


def _starts_like_mp4(address: str) -> bool:
    try:
        with Path(address).open("rb") as file:
            return file.read(8)[4:] == b"ftyp"
    except OSError:  # an address, not a file
        return False
