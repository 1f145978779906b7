"""One picture file -> one upright RGB array, whatever its format; and back.

Transparent pictures are laid over white, as browsers and printers show them: what lies under full transparency is often garbage.
Samples of more than eight bits are scaled, never clipped. Colours of another profile (a phone's Display P3, a printer's CMYK) become sRGB.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, UnidentifiedImageError

from models.errors import PictureError

logger = logging.getLogger(__name__)

MAX_PIXELS = 2**28
"""Pictures of more than 268 megapixels (16384×16384, 0.8 GB as RGB) are refused: the largest phone cameras have 200."""

LEAST_DECODED = 0.5
"""A cut-off picture is given if at least this share of its rows is there (a guess at "most of it")."""

_READ_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM")
"""Pillow's names. Not all it knows: EPS would start another program."""

_WRITE_FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG",
    ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF",
    ".gif": "GIF", ".avif": "AVIF", ".jp2": "JPEG2000", ".ppm": "PPM",
}  # fmt: skip

_HEIC_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})

writable_suffixes: frozenset[str] = frozenset(_WRITE_FORMATS)
"""Lower-case suffixes that `write_picture` can write."""

picture_suffixes: frozenset[str] = writable_suffixes | _HEIC_SUFFIXES | {".apng", ".dib", ".mpo", ".j2k", ".jpx", ".pgm", ".pbm", ".pnm"}
"""Lower-case suffixes by which a folder's pictures are known."""

_ANIMATED_FORMATS = frozenset({"GIF", "PNG", "WEBP", "AVIF"})

_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: lambda image: np.rot90(image),
}
"""EXIF orientation -> what turns the stored picture upright."""

_pillow_lock = threading.Lock()


def is_picture_name(path: str | Path) -> bool:
    """Whether the name ends like a picture's; the file itself is not looked at."""
    return Path(path).suffix.lower() in picture_suffixes


def is_picture(path: str | Path) -> bool:
    """Whether the file holds a picture, by its content."""
    try:
        _open(Path(path)).close()
    except PictureError:
        return False
    return True


def is_animated(path: str | Path) -> bool:
    """Whether the file is a GIF, APNG, WebP or AVIF of more than one picture: a video, then. False for what cannot be read."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(12)
    except OSError:
        return False
    if not start.startswith((b"GIF8", b"\x89PNG", b"RIFF")) and start[8:12] not in (b"avif", b"avis"):
        return False  # Pillow takes 40 ms to load its formats
    try:
        with _open(Path(path)) as image:
            return image.format in _ANIMATED_FORMATS and bool(getattr(image, "is_animated", False))
    except (PictureError, EOFError):
        return False


def read_picture(path: str | Path, note: Callable[[str], None] = logger.warning) -> np.ndarray:
    """The picture in a file; of several (GIF, multi-page TIFF) the first.

    Args:
        path: any format of `picture_suffixes`, known by its content, not by its name.
        note: told one sentence if only a part of the picture could be decoded.

    Returns:
        (height, width, 3) uint8 RGB, upright, contiguous, read-only.

    Raises:
        PictureError: one sentence that names the file and the cause.
    """
    path = Path(path)
    with _open(path) as header:
        width, height = header.size
        if width * height > MAX_PIXELS:
            raise PictureError(f"{path}: {width}×{height} pixels are too many; at most {MAX_PIXELS // 10**6} megapixels are read.")
        try:
            image = _decode(header)
        except Exception as error:  # fed a damaged file, a decoder raises anything from KeyError to zlib.error
            image, decoded = _decode_part(path)
            if decoded < LEAST_DECODED:
                raise PictureError(f"{path}: is damaged and cannot be decoded ({_in_words(error)}).") from error
            note(f"{path}: is cut off or damaged; only a part of it could be decoded.")
        image = _upright(header, image)
    image = np.ascontiguousarray(image)
    image.flags.writeable = False
    return image


def write_picture(path: str | Path, image: np.ndarray, *, quality: int = 95) -> None:
    """Writes a picture in the format of the path's suffix, whole or not at all.

    Args:
        path: its suffix is one of `writable_suffixes`; an existing file is replaced.
        image: (height, width, 3) uint8 RGB.
        quality: 1..100, of JPEG, WebP and AVIF.

    Raises:
        PictureError: the suffix is not one of them, or the picture is too large for the format.
        OSError: the file cannot be written.
    """
    path = Path(path)
    picture_format = _WRITE_FORMATS.get(path.suffix.lower())
    if picture_format is None:
        raise PictureError(f"{path}: pictures cannot be written as '{path.suffix}'; choose one of {', '.join(sorted(writable_suffixes))}.")
    all_options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": quality, "subsampling": 0 if quality >= 90 else 2},
        "WEBP": {"quality": quality},
        "AVIF": {"quality": quality, "speed": 8},
        "PNG": {"compress_level": 2},  # level 6 takes three times as long for a tenth fewer bytes
        "TIFF": {"compression": "tiff_lzw"},
        "JPEG2000": {"quality_mode": "dB", "quality_layers": [45]},
    }
    encoded = io.BytesIO()  # encoded in memory first, so that an OSError below is always the disk's
    try:
        Image.fromarray(image).save(encoded, picture_format, **all_options.get(picture_format, {}))
    except (OSError, ValueError, RuntimeError) as error:
        raise PictureError(
            f"{path}: {image.shape[1]}×{image.shape[0]} pixels cannot be written as {picture_format} ({_in_words(error)})."
        ) from error
    _write_whole(path, encoded.getbuffer())


def _write_whole(path: Path, data: memoryview) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=path.suffix, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)  # mkstemp gives 0600, which nobody expects of a picture
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _open(path: Path) -> Image.Image:
    """The picture's header; nothing is decoded yet."""
    try:
        if path.is_dir():
            raise PictureError(f"{path}: is a folder, not a picture.")
        if not path.is_file():
            raise PictureError(f"{path}: {'is not a regular file' if path.exists() else 'there is no such file'}.")
        if path.stat().st_size == 0:
            raise PictureError(f"{path}: is empty.")
        with path.open("rb") as file:
            start = file.read(12)
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({_in_words(error)}).") from error
    heic = start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS
    try:
        with _pillow_in_peace():
            return Image.open(path, formats=_with_heic(path) if heic else _READ_FORMATS)
    except UnidentifiedImageError:
        raise PictureError(f"{path}: is not a picture in a format that can be read.") from None
    except PictureError:
        raise
    except Exception as error:  # as above
        raise PictureError(f"{path}: is damaged and cannot be read ({_in_words(error)}).") from error


def _with_heic(path: Path) -> tuple[str, ...]:
    if importlib.util.find_spec("pillow_heif") is None:
        raise PictureError(f"{path}: HEIC pictures need one more package: pip install 'facestream[heic]'.")
    import pillow_heif

    pillow_heif.register_heif_opener()
    return (*_READ_FORMATS, "HEIF")


@contextmanager
def _pillow_in_peace() -> Iterator[None]:
    """Pillow without its size limit, for ours counts, and without its warnings about odd metadata. Both are global, hence the lock."""
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _decode(source: Image.Image) -> np.ndarray:
    """(height, width, 3) uint8, as stored: not yet turned upright. In strips, so that no second copy of a large picture is made."""
    source.load()
    to_rgb = _converter(source)
    width, height = source.size
    image = np.empty((height, width, 3), np.uint8)
    step = max(1, 2**22 // width)
    for top in range(0, height, step):
        bottom = min(height, top + step)
        image[top:bottom] = to_rgb(source.crop((0, top, width, bottom)))
    return image


def _converter(source: Image.Image) -> Callable[[Image.Image], np.ndarray]:
    """What makes a strip of this picture RGB."""
    if source.mode.startswith("I") or source.mode == "F":
        full = _full_scale(source)
        return lambda strip: _eight_bits(strip, full)
    profile = source.info.get("icc_profile")
    if profile and source.mode in ("RGB", "CMYK"):
        with suppress(ImageCms.PyCMSError, OSError):  # a damaged profile is as good as none
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(given):
                transform = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), source.mode, "RGB")
                return lambda strip: np.asarray(ImageCms.applyTransform(strip, transform))
    if source.has_transparency_data:
        return _over_white
    return lambda strip: np.asarray(strip.convert("RGB"))


def _over_white(strip: Image.Image) -> np.ndarray:
    white = Image.new("RGBA", strip.size, "white")
    return np.asarray(Image.alpha_composite(white, strip.convert("RGBA")).convert("RGB"))


def _full_scale(source: Image.Image) -> float:
    """The sample that means white."""
    if source.mode.startswith("I;16"):
        bits = getattr(source, "tag_v2", {}).get(258, (16,))  # TIFF's BitsPerSample: microscopes write 12 or 14
        return float(2 ** bits[0] - 1)
    brightest = float(np.nanmax(np.asarray(source)))
    return next((full for full in (1.0, 255.0, 65535.0) if brightest <= full), brightest) if source.mode == "F" else max(65535.0, brightest)


def _eight_bits(strip: Image.Image, full: float) -> np.ndarray:
    grey = np.nan_to_num(np.asarray(strip).astype(np.float32)) * np.float32(255 / full)
    return np.repeat(np.clip(grey + 0.5, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _decode_part(path: Path) -> tuple[np.ndarray, float]:
    """As much as there is of a damaged picture, and the share of its rows that were decoded."""
    data = path.read_bytes() + b"\xff\xd9"  # a JPEG's end mark: a progressive one gives nothing before it
    try:
        with _pillow_in_peace():
            before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
            try:
                image = _decode(Image.open(io.BytesIO(data), formats=_READ_FORMATS))
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = before
    except Exception:  # noqa: BLE001 - as above
        return np.empty((0, 0, 3), np.uint8), 0.0
    rows = image.reshape(len(image), -1)
    missing = (rows == 0).all(axis=1) | ((rows >= 127) & (rows <= 129)).all(axis=1)  # what decoders leave where data is lacking
    return image, float(np.flatnonzero(~missing).max(initial=-1) + 1) / len(image)


def _upright(header: Image.Image, image: np.ndarray) -> np.ndarray:
    try:
        with _pillow_in_peace():
            orientation = header.getexif().get(ExifTags.Base.Orientation, 1)  # Pillow looks in XMP and PNG's text as well
    except Exception:  # noqa: BLE001 - the picture is there; a damaged remark about it must not cost it
        return image
    turn = _TURNS.get(orientation)
    return turn(image) if turn else image


def _in_words(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
    return " ".join(reason.split()).rstrip(".")
