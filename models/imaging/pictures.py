"""One picture file -> one upright RGB array, whatever its format; and back.

Transparent pictures are laid over white, as browsers and printers show them: what lies under full transparency is often garbage.
Samples of more than eight bits are scaled, never clipped. Colours of another profile (a phone's Display P3, a printer's CMYK) become sRGB.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile

from models.errors import PictureError
from models.imaging.picture_formats import formats_of, has_transparency, in_words, open_header, pillow_in_peace
from models.places import checked_path

logger = logging.getLogger(__name__)

MAX_PIXELS = 2**28
"""Pictures of more than 268 megapixels (16384×16384, 0.8 GB as RGB) are refused: the largest phone cameras have 200."""

LEAST_DECODED = 0.5
"""A cut-off picture is given if at least this share of its rows is there (a guess at "most of it")."""

BRIGHTEST_PERCENT = 99.9
"""Of samples without a scale of their own, how many are not brighter than white: a few hot ones must not make the rest black (a guess)."""
_OPAQUE = {"RGB": "RGB", "RGBA": "RGB", "RGBX": "RGB", "P": "RGB", "PA": "RGB", "CMYK": "CMYK", "L": "L", "LA": "L"}
"""By Pillow's mode, that of the colours which a profile is about."""

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


def read_picture(path: str | Path, note: Callable[[str], None] = logger.warning) -> np.ndarray:
    """The picture in a file; of several (GIF, multi-page TIFF) the first.

    Args:
        path: any format of `picture_suffixes`, known by its content, not by its name.
        note: told one sentence if only a part of the picture could be decoded.

    Returns:
        (height, width, 3) uint8 RGB, upright, contiguous, read-only.

    Raises:
        TypeError: this is no path.
        PictureError: one sentence that names the file and the cause.
    """
    path = checked_path(path, "a picture")
    with open_header(path) as header:
        width, height = header.size
        if width * height > MAX_PIXELS:
            raise PictureError(f"{path}: {width}×{height} pixels are too many; at most {MAX_PIXELS // 10**6} megapixels are read.")
        if header.format == "TIFF" and (pages := getattr(header, "n_frames", 1)) > 1:
            note(f"{path}: has {pages} pages; the first is read.")
        try:
            image = _decode(header)
        except Exception as error:  # fed a damaged file, a decoder raises anything from KeyError to zlib.error
            image, decoded = _decode_part(path)
            if decoded < LEAST_DECODED:
                raise PictureError(f"{path}: is damaged and cannot be decoded ({in_words(error)}).") from error
            note(f"{path}: is cut off or damaged; only a part of it could be decoded.")
        image = _upright(header, image)
    image = np.ascontiguousarray(image)
    image.flags.writeable = False
    return image


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
    colours = _to_srgb(source)
    if not has_transparency(source):
        return lambda strip: np.asarray(colours(strip))

    def over_white(strip: Image.Image) -> np.ndarray:
        shown = strip.convert("RGBA")
        opaque = colours(_without_transparency(strip)).convert("RGBA")
        opaque.putalpha(shown.getchannel("A"))
        return np.asarray(Image.alpha_composite(Image.new("RGBA", strip.size, "white"), opaque).convert("RGB"))

    return over_white


def _to_srgb(source: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What makes an opaque strip of this picture RGB, its colours those of the profile that came with it."""
    profile, mode = source.info.get("icc_profile"), _OPAQUE.get(source.mode)
    if profile and mode:
        with suppress(ImageCms.PyCMSError, OSError):  # a damaged profile, or one of other colours than the picture has, is as good as none
            given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(given):
                transform = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGB")

                def transformed(strip: Image.Image) -> Image.Image:
                    done = ImageCms.applyTransform(strip.convert(mode), transform)
                    assert done is not None
                    return done

                return transformed
    return lambda strip: strip.convert("RGB")


def _without_transparency(strip: Image.Image) -> Image.Image:
    """The colours alone, as they are stored: a colour may be marked as transparent, and is one all the same."""
    if strip.mode in ("P", "PA"):
        return strip.convert("RGBA").convert("RGB")
    return strip.convert(_OPAQUE.get(strip.mode, "RGB"))


def _full_scale(source: Image.Image) -> float:
    """The sample that means white."""
    if source.mode.startswith("I;16"):
        bits = getattr(source, "tag_v2", {}).get(258, (16,))  # TIFF's BitsPerSample: microscopes write 12 or 14
        return float(2 ** bits[0] - 1)
    samples = np.asarray(source)
    finite = samples[np.isfinite(samples)]
    brightest = float(np.percentile(finite, BRIGHTEST_PERCENT)) if len(finite) else 0.0
    return next((full for full in (1.0, 255.0, 65535.0) if brightest <= full), brightest) if source.mode == "F" else max(65535.0, brightest)


def _eight_bits(strip: Image.Image, full: float) -> np.ndarray:
    samples = np.nan_to_num(np.asarray(strip).astype(np.float32), nan=0.0, posinf=full, neginf=0.0)
    grey = np.clip(samples, 0, full) * np.float32(255 / full)
    return np.repeat(np.clip(grey + 0.5, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _decode_part(path: Path) -> tuple[np.ndarray, float]:
    """As much as there is of a damaged picture, and the share of its rows that were decoded."""
    data = path.read_bytes() + b"\xff\xd9"  # a JPEG's end mark: a progressive one gives nothing before it
    try:
        with pillow_in_peace():
            before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
            try:
                image = _decode(Image.open(io.BytesIO(data), formats=formats_of(path, data)))
            finally:
                ImageFile.LOAD_TRUNCATED_IMAGES = before
    except Exception:  # noqa: BLE001 - as above
        return np.empty((0, 0, 3), np.uint8), 0.0
    rows = image.reshape(len(image), -1)
    missing = (rows == 0).all(axis=1) | ((rows >= 127) & (rows <= 129)).all(axis=1)  # what decoders leave where data is lacking
    return image, float(np.flatnonzero(~missing).max(initial=-1) + 1) / len(image)


def _upright(header: Image.Image, image: np.ndarray) -> np.ndarray:
    try:
        with pillow_in_peace():
            orientation = header.getexif().get(ExifTags.Base.Orientation, 1)  # Pillow looks in XMP and PNG's text as well
    except Exception:  # noqa: BLE001 - the picture is there; a damaged remark about it must not cost it
        return image
    turn = _TURNS.get(orientation)
    return turn(image) if turn else image
