"""Where frames come from: `open_source` turns what a user types into a `Source`.

    `camera` webcams (OpenCV) · `network` RTSP and HTTP (PyAV) · `video` files (PyAV) · `animation` GIF, APNG, WebP, AVIF ·
    `images` photos and folders of them · `demo` a camera that moves over a portrait · `loop` a video file in place of a camera

What is live goes through `live.LiveSource`, which never gives up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from stream.errors import SourceError
from stream.frame import Frame, SourceInfo
from stream.settings import schema as config

if TYPE_CHECKING:
    from stream.sources.animation import AnimationSource
    from stream.sources.live import LiveSource
    from stream.sources.loop import LoopSource
    from stream.sources.pictures import PicturesSource
    from stream.sources.video import VideoSource

    AnyFile: TypeAlias = VideoSource | AnimationSource | PicturesSource

__all__ = ["Source", "SourceStatus", "State", "expand", "open_source"]

State = Literal["opening", "up", "lost", "ended"]


@dataclass(slots=True)
class SourceStatus:
    """How a source is doing. Written by the thread that reads it, read by anyone."""

    state: State = "opening"
    cause: str = ""
    """Why the source is not up, in a few words for people; empty while it is."""
    reconnects: int = 0
    """How often a live source came back after it was lost."""
    decode_errors: int = 0
    """Packets or pictures of a live source that could not be decoded, or only in part."""
    seen_at: float | None = None
    """`time.monotonic()` when a live source last looked after its camera, which it does at least each second; None for files."""
    failures: list[str] = field(default_factory=list)
    """One sentence for each picture that could not be read; the others still came."""
    notes: list[str] = field(default_factory=list)
    """One sentence for each thing the user should know although the job went on (decoded only in part, ...)."""


class Source(Protocol):
    """Something that gives frames.

    Iterating opens the source, where that was not done before, and yields frames until the end or `close()`. A file's error is raised as
    `SourceError`; a live source tries again inside itself, for ever, and says so in `status`. Only the iterating thread
    touches the decoder; it releases it when the iteration ends.
    """

    @property
    def info(self) -> SourceInfo:
        """What is known so far."""
        ...

    @property
    def status(self) -> SourceStatus: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Ask the iteration to end, within a second. From any thread, any number of times."""
        ...


def open_source(
    address: str | int | Path,
    settings: config.Source | None = None,
    *,
    without: Path | None = None,
    name: str | None = None,
    waits: bool = False,
) -> Source:
    """The source that an address means: a camera, a network address, a video, a picture, a folder or pattern of pictures.

    A folder gives its still pictures only, but for those below `without`; `expand` also finds its videos.

    Args:
        name: what it is called; None: as it is written, without its password. Pictures keep names of their own in their frames.
        waits: a webcam that is not there is waited for, as one that has a name always is.

    Raises:
        SourceError: there is no such file or camera, or nothing in it can be read. A network address that does not answer
            is no error: the source keeps trying.
        PictureError: the one picture asked for cannot be read.
    """
    source: LiveSource | LoopSource | AnyFile = _open(str(address), settings, without, name, waits)
    if settings is not None and settings.loop and not (source.info.live or source.info.still):
        from stream.sources.loop import LoopSource

        source = LoopSource(source)
    if name is not None:
        source.info = replace(source.info, name=name, named=True)
    return source


def _open(text: str, settings: config.Source | None, without: Path | None, name: str | None, waits: bool) -> LiveSource | AnyFile:
    from stream.sources import addresses  # here, because these modules need the types above

    if text.isdecimal() or text.startswith("camera:"):
        from stream.sources.camera import open_camera

        return open_camera(text, settings, name, waits=waits or name is not None)
    if addresses.split(text) is not None:
        from stream.sources.network import open_network

        return open_network(text, settings, name)
    return _open_file(text, settings, without)


def _open_file(address: str, settings: config.Source | None, without: Path | None) -> AnyFile:
    from models.imaging.picture_formats import is_animated, is_picture, is_picture_name
    from stream.sources.addresses import is_glob
    from stream.sources.animation import AnimationSource
    from stream.sources.pictures import PicturesSource
    from stream.sources.video import VideoSource

    path = Path(address)
    if path.is_dir() or is_glob(address):
        return PicturesSource(address, without=without)
    if not path.exists():
        raise SourceError(f"{address}: there is no such file or folder.")
    if is_animated(path):
        return AnimationSource(address)
    if is_picture_name(path) or is_picture(path):
        return PicturesSource(address)
    return VideoSource(address, settings)


def expand(address: str | Path, without: Path | None = None) -> list[str]:
    """The sources that an address stands for: a folder or pattern that holds videos is itself, if it also holds pictures, and each video.

    Every other address comes back alone. What lies below `without` does not count: results may go into the folder they come from.

    Raises:
        SourceError: a folder or pattern that holds neither.
    """
    from stream.sources import addresses

    return addresses.expand(address, without)
