"""What a web address gives that FFmpeg cannot read."""

from __future__ import annotations

from contextlib import closing

from stream.media import av
from stream.settings.schema import SourceSettings


def why_never(address: str, settings: SourceSettings) -> str | None:
    """Why trying again cannot help, in a few words; None where it may: nothing comes, or a playlist that has no segments yet."""
    try:
        with closing(av.open(address, format="data", timeout=(settings.open_timeout_s, settings.read_timeout_s))) as container:
            head = bytes(next(iter(container.demux()), b"")).lstrip(b"\xef\xbb\xbf \t\r\n")
            ends = container.size > 0
    except av.error.FFmpegError:
        return None
    if not head or head.startswith(b"#EXTM3U"):
        return None
    if b"<MPD" in head and not _reads("dash"):
        return "is a DASH manifest, which cannot be read here; take the address of its HLS playlist (.m3u8)"
    if head[:1] in b"<{[" and b"\0" not in head and b"<MPD" not in head:
        return "is a page or data for programs, not a video; take the address of the video or stream itself"
    return "is not a video that can be read" if ends else None


def _reads(format: str) -> bool:
    try:
        av.format.ContainerFormat(format, "r")
    except ValueError:  # an FFmpeg built without it
        return False
    return True
