"""What is in a file, by FFmpeg's word: moving pictures, one picture, or nothing that can be read, and why."""

from __future__ import annotations

import itertools
from contextlib import suppress
from pathlib import Path

from stream.errors import SourceError
from stream.media import av, ffmpeg_name
from stream.sources.picture_times import are_all_one
from stream.sources.pipe import Pipe

INDEX_AT_END = "is an MP4 with its index at the end, which no pipe can give first; name the file itself, or send Matroska (-f matroska)"

LOOKED_AT = 32
"""Pictures whose times tell whether those of all can be believed."""


def holds_several(file: Path | Pipe) -> bool:
    """Whether FFmpeg finds more than one picture in a file that begins with one."""
    try:
        with av.open(ffmpeg_name(file) if isinstance(file, Path) else file, "r") as container:
            pictures = (packet for packet in container.demux(video=0) if packet.size)
            return container.format.name.endswith(("_pipe", "mjpeg")) and len(list(itertools.islice(pictures, 2))) > 1
    except (av.error.FFmpegError, IndexError):
        return False


def moving_pictures(container: av.container.InputContainer) -> list[av.VideoStream]:
    """The streams of pictures that are no covers: of a song, of a book."""
    cover = av.stream.Disposition.attached_pic
    return [stream for stream in container.streams.video if not stream.disposition & cover]


def video_stream(container: av.container.InputContainer) -> av.VideoStream:
    best, moving = container.streams.best("video"), moving_pictures(container)
    return best if isinstance(best, av.VideoStream) and best in moving else moving[0]


def refuse_other_than_video(container: av.container.InputContainer, name: str) -> None:
    """
    Raises:
        SourceError: there are no moving pictures in it, or none that can be decoded, or it is a single picture. It is closed then.
    """
    if not moving_pictures(container) or container.format.name == "tty":  # FFmpeg takes any .txt for a video of text
        container.close()
        raise SourceError(f"{name}: is not a video; there are no moving pictures in it.")
    if (codec := video_stream(container).codec_context) is None:
        container.close()
        raise SourceError(f"{name}: its pictures cannot be read; there is no decoder for their format here.")
    if container.format.name == "image2":  # what FFmpeg takes for one picture by its name
        container.close()
        raise SourceError(f"{name}: is a picture in a format ({codec.name}) that is not read here; convert it to JPEG or PNG first.")


def begin_of(path: Path) -> bytes:
    """A file's first bytes; none of what cannot be read, or is no file."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(8)
    return b""


def edits_hide_all(container: av.container.InputContainer) -> bool:
    """Whether an MP4 or MOV says of its pictures that there is no time between two: its list of edits then cuts nearly all of them away."""
    if not container.format.name.startswith("mov") or not moving_pictures(container):
        return False
    stream = video_stream(container)
    times = [entry.timestamp for entry in itertools.islice(stream.index_entries, LOOKED_AT)]
    return stream.time_base is not None and are_all_one(times, stream.time_base)


def ends_with_a_packet(path: Path) -> bool:
    """A transport stream says nowhere how long it should be, but it is made of packets of one size."""
    return any(path.stat().st_size % size == 0 for size in (188, 192, 204))


def is_whole_riff(path: Path) -> bool:
    """Whether an AVI is as long as it says; pictures that are missing at its end are then those that its maker left out."""
    with path.open("rb") as file:
        begin = file.read(8)
    return begin[:4] == b"RIFF" and 8 + int.from_bytes(begin[4:], "little") in (path.stat().st_size, path.stat().st_size - 1)


def why_not_opened(error: av.error.FFmpegError, begin: bytes, *, piped: bool) -> str:
    if isinstance(error, av.error.FileNotFoundError):
        return "there is no such file"
    if isinstance(error, av.error.ExitError):
        return "did not answer in time"
    if isinstance(error, av.error.InvalidDataError):
        if piped and not begin:
            return "is empty: nothing came"
        if piped and begin[4:8] == b"ftyp":
            return INDEX_AT_END
        if begin[4:8] == b"ftyp":
            return "is damaged, or its recording was interrupted, and cannot be read"
        return "is not a video that can be read"
    return f"cannot be opened ({error.strerror})"
