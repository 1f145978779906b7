"""Which formats of pictures are read and written, and which of them a file holds."""

from __future__ import annotations

import importlib.util
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from models.errors import PictureError
from models.forks import lock_free_after_forks
from models.imaging.unread_formats import (
    START_BYTES,
    UnreadFormatError,
    is_unread_name,
    refuse_camera_raw,
    refuse_layers_alone,
    refuse_unread,
    seek_photo,
)

READ_FORMATS = (
    "JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM", "PSD", "ICO", "PCX", "SGI", "SUN", "QOI", "DDS",
)  # fmt: skip
"""Pillow's names. Not all it knows: EPS would start another program."""
SERIAL_FORMATS = frozenset({"JPEG", "PNG", "WEBP", "BMP", "PPM"})
"""Of them, those of which several, one after the other, may make a video."""
WRITE_FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG",
    ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF",
    ".gif": "GIF", ".avif": "AVIF", ".jp2": "JPEG2000", ".ppm": "PPM",
}  # fmt: skip
_HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_TGA_SUFFIXES = frozenset({".tga", ".icb", ".vda", ".vst"})
"""Only these names make a file a TGA: it begins with nothing by which it could be known."""
writable_suffixes: frozenset[str] = frozenset(WRITE_FORMATS)
"""Lower-case suffixes that `write_picture` can write."""
picture_suffixes: frozenset[str] = writable_suffixes | _HEIC_SUFFIXES | _TGA_SUFFIXES | {
    ".apng", ".dib", ".mpo", ".j2k", ".jpx", ".pgm", ".pbm", ".pnm", ".psd", ".ico", ".pcx", ".sgi", ".ras", ".qoi", ".dds",
}  # fmt: skip
"""Lower-case suffixes by which a folder's pictures are known."""
unwritable_suffixes: frozenset[str] = picture_suffixes - writable_suffixes
"""Lower-case suffixes of pictures that are read, and written as something else."""
_ANIMATED_FORMATS = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
_pillow_lock = lock_free_after_forks()


def is_picture_name(path: str | Path) -> bool:
    """Whether the name ends like a picture's; the file itself is not looked at."""
    return Path(path).suffix.lower() in picture_suffixes or is_unread_name(path)


def is_picture(path: str | Path) -> bool:
    """Whether the file holds a picture, by its content; also in a format that nobody here can read."""
    try:
        open_header(Path(path)).close()
    except UnreadFormatError:
        return True
    except PictureError:
        return False
    return True


def is_animated(path: str | Path) -> bool:
    """Whether the file is a GIF, APNG, WebP or AVIF of more than one picture: a video, then. False for what cannot be read."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(START_BYTES)
    except OSError:
        return False
    if not start.startswith((b"GIF8", b"\x89PNG", b"RIFF")) and not _brands(start) & _AVIF_BRANDS:
        return False  # Pillow takes 40 ms to load its formats
    try:
        with open_header(Path(path)) as image:
            return image.format in _ANIMATED_FORMATS and bool(getattr(image, "is_animated", False))
    except (PictureError, EOFError):
        return False


def open_header(path: Path) -> Image.Image:
    """The picture's header; nothing is decoded yet."""
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            raise PictureError(f"{path}: is a folder, not a picture.")
        if not stat.S_ISREG(about.st_mode):
            raise PictureError(f"{path}: is not a regular file.")
        if about.st_size == 0:
            raise PictureError(f"{path}: is empty.")
        with path.open("rb") as file:
            start = file.read(START_BYTES)
    except FileNotFoundError:
        raise PictureError(f"{path}: there is no such file.") from None
    except (OSError, ValueError) as error:
        raise PictureError(f"{path}: cannot be read ({in_words(error)}).") from error
    refuse_unread(path, start)
    formats = formats_of(path, start)
    try:
        with pillow_in_peace():
            image = Image.open(path, formats=formats)
        try:
            refuse_camera_raw(path, image)
            refuse_layers_alone(path, image)
            seek_photo(image)
        except Exception:
            image.close()
            raise
        return image
    except UnidentifiedImageError:
        if is_unread_name(path):
            refuse_unread(path)
        raise PictureError(f"{path}: is not a picture in a format that can be read.") from None
    except PictureError:
        raise
    except Exception as error:  # fed a damaged file, Pillow raises anything
        raise PictureError(f"{path}: is damaged and cannot be read ({in_words(error)}).") from error


def formats_of(path: Path, start: bytes) -> tuple[str, ...]:
    """As what Pillow may read a file, by its name and how it begins.

    Raises:
        PictureError: what reads it is not installed.
    """
    brands = _brands(start)
    if brands & _HEIC_BRANDS and not brands & _AVIF_BRANDS:
        return _with_heic(path)
    return (*READ_FORMATS, "TGA") if path.suffix.lower() in _TGA_SUFFIXES else READ_FORMATS


def format_of_start(start: bytes) -> str | None:
    """Pillow's name of the format that a file begins like; None where it is none that is read."""
    brands = _brands(start)
    if brands & _HEIC_BRANDS and not brands & _AVIF_BRANDS:
        return "HEIF"
    if len(start) < 16:  # so much Pillow looks at
        return None
    Image.init()
    accepts = ((name, Image.OPEN[name][1]) for name in READ_FORMATS)
    return next((name for name, accept in accepts if accept is not None and accept(start) is True), None)


def has_transparency(image: Image.Image) -> bool:
    """Whether some of a picture may be seen through. A TGA's fourth channel is none where it is 0 everywhere: many programs leave it so."""
    if image.format == "TGA" and image.has_transparency_data:
        return image.convert("RGBA").getchannel("A").getextrema() != (0, 0)
    return image.has_transparency_data


def _brands(start: bytes) -> frozenset[bytes]:
    """What a file of the family of MP4 says that it can be read as; nothing for any other."""
    if start[4:8] != b"ftyp":
        return frozenset()
    end = min(int.from_bytes(start[:4], "big"), len(start))
    return frozenset({start[8:12], *(start[place : place + 4] for place in range(16, end - 3, 4))})


def _with_heic(path: Path) -> tuple[str, ...]:
    if importlib.util.find_spec("pillow_heif") is None:
        raise PictureError(f"{path}: HEIC pictures need one more package: pip install 'facestream[heic]'.")
    import pillow_heif

    pillow_heif.register_heif_opener()
    return (*READ_FORMATS, "HEIF")


@contextmanager
def pillow_in_peace() -> Iterator[None]:
    """Pillow without its size limit, for ours counts, and without its warnings about odd metadata. Both are global, hence the lock."""
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def in_words(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    return " ".join(reason.split()).rstrip(".")
