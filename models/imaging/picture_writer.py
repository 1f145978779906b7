"""One upright RGB array -> a picture file, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models.atomic import file_written_whole
from models.errors import PictureError
from models.imaging.checked import checked_image
from models.imaging.metadata import Metadata
from models.imaging.picture_formats import WRITE_FORMATS, in_words, writable_suffixes


def write_picture(path: str | Path, image: np.ndarray, *, quality: int = 95, metadata: Metadata | None = None) -> tuple[str, ...]:
    """Writes a picture in the format of the path's suffix, whole or not at all.

    Args:
        path: its suffix is one of `writable_suffixes`; an existing file is replaced.
        image: (height, width, 3) uint8 RGB.
        quality: 1..100, of JPEG, WebP and AVIF.
        metadata: what the file says besides.

    Returns:
        What of `metadata` the format has no place for, in words.

    Raises:
        PictureError: the suffix is not one of them, or the picture is too large for the format.
        TypeError, ValueError: the image is something else.
        OSError: the file cannot be written.
    """
    path, image = Path(path), checked_image(image)
    picture_format = WRITE_FORMATS.get(path.suffix.lower())
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
    options, lost = metadata.options(picture_format) if metadata else ({}, ())
    usual = all_options.get(picture_format, {})
    try:
        encoded = _encoded(image, picture_format, {**usual, **options})
    except Exception as error:  # noqa: BLE001 - whatever Pillow has against what the file says besides must not cost the picture
        try:
            encoded = _encoded(image, picture_format, usual)
            lost = (*lost, f"EXIF or other remarks that cannot be written as {picture_format} ({in_words(error)})")
        except (OSError, ValueError, RuntimeError) as error_of_pixels:
            raise PictureError(
                f"{path}: {image.shape[1]}×{image.shape[0]} pixels cannot be written as {picture_format} ({in_words(error_of_pixels)})."
            ) from error_of_pixels
    with file_written_whole(path) as file:  # waiting for the disk takes 0.1 s of the 3.5 that a folder of 100 photos takes: worth it
        file.write(encoded)
    return lost


def _encoded(image: np.ndarray, picture_format: str, options: dict[str, Any]) -> memoryview:
    """In memory first, so that an OSError afterwards is always the disk's."""
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, picture_format, **options)
    return encoded.getbuffer()
