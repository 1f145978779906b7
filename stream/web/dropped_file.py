"""What a file that came from a page may be: known by what is in it alone, and refused before anything large is decoded."""

from __future__ import annotations

from pathlib import Path

from models.imaging.picture_formats import format_of_start, open_header
from models.imaging.unread_formats import START_BYTES, UnreadFormatError, is_unread_name
from stream.errors import PictureError, SourceError
from stream.media import av, ffmpeg_name

MOST_PIXELS = 50_000_000
VIDEO_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,flv,asf,ogg,mjpeg,mxf,dv,nut,ivf,obu,av1,rm,gxf,wtv,nsv,"
    "swf,bink,smk,roq,yuv4mpegpipe,vc1,h263,h261,dirac,cavsvideo,jpeg_pipe"
)
"""FFmpeg's names. Not all it knows: a list (HLS, DASH, concat) would have it open other files of this machine, or addresses."""
_NAMED_ONLY = frozenset({".tga", ".icb", ".vda", ".vst"})
"""Pictures that begin with nothing by which they could be known."""


def safe_suffix(name: str) -> str:
    """The ending of a file's name where what reads it needs that; nothing for all others."""
    suffix = Path(name).suffix.lower()
    return suffix if suffix in _NAMED_ONLY or is_unread_name(Path(f"any{suffix}")) else ""


def check_file(path: Path) -> None:
    """
    Raises:
        PictureError, SourceError: it is nothing that is read here, or too large. The sentence names the path.
    """
    try:
        picture = open_header(path)
    except UnreadFormatError:
        raise
    except PictureError as error:
        if path.stat().st_size == 0 or _begins_like_a_picture(path):
            raise
        _check_video(path, error)
        return
    with picture:
        _check_size(path, *picture.size)


def _begins_like_a_picture(path: Path) -> bool:
    with path.open("rb") as file:
        return format_of_start(file.read(START_BYTES)) is not None


def _check_video(path: Path, why_no_picture: PictureError) -> None:
    try:
        with av.open(ffmpeg_name(path), "r", metadata_errors="replace", options={"format_whitelist": VIDEO_FORMATS}) as container:
            for stream in container.streams.video:
                if stream.codec_context is not None:
                    _check_size(path, stream.codec_context.width, stream.codec_context.height)
    except av.error.FFmpegError:
        raise SourceError(f"{path}: is neither a photo nor a video that can be read.") from why_no_picture


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise PictureError(f"{path}: {width}×{height} pixels are too many; at most {MOST_PIXELS // 10**6} megapixels are read here.")
