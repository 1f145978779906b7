"""What detectors are handed, checked once for all of them: pictures, smallest faces, places to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral

import numpy as np

from models.imaging.checked import checked_boxes as checked_boxes_of_one
from models.imaging.checked import checked_image


def checked_images(images: Iterable[object]) -> list[np.ndarray]:
    """The images, each contiguous.

    Raises:
        TypeError, ValueError: one is no picture, or this is a single picture.
    """
    if not isinstance(images, Iterable) or isinstance(images, str | bytes):
        raise TypeError(f"images are a list of arrays, not {type(images).__name__}")
    return [_checked_image(image, number) for number, image in enumerate(images)]


def checked_min_faces(min_face_px: int | Sequence[int] | None, count: int, default: int, least: int) -> list[int]:
    """The smallest face for each of `count` images, given one for all, one for each, or none.

    Raises:
        TypeError, ValueError: one is no whole number of at least `least`, or they are not as many as the images.
    """
    if min_face_px is None:
        return [default] * count
    if not isinstance(min_face_px, Sequence | np.ndarray):
        return [checked_min_face(min_face_px, least)] * count
    if len(min_face_px) != count:
        raise ValueError(f"min_face_px has {len(min_face_px)} values for {count} images")
    return [checked_min_face(value, least) for value in min_face_px]


def checked_min_face(min_face_px: object, least: int) -> int:
    if not isinstance(min_face_px, Integral) or isinstance(min_face_px, bool):
        raise TypeError(f"min_face_px is a whole number of pixels, not {min_face_px!r}")
    if min_face_px < least:
        raise ValueError(f"min_face_px is at least {least}, the smallest face that this detector can see, not {min_face_px}")
    return int(min_face_px)


def checked_boxes(boxes: Sequence[object], count: int) -> list[np.ndarray]:
    """(N, 4) float32 boxes for each of `count` images.

    Raises:
        TypeError, ValueError: they are not as many as the images, or one holds something other than boxes.
    """
    if not isinstance(boxes, Sequence | np.ndarray) or isinstance(boxes, str | bytes):
        raise TypeError(f"boxes are a list, with an array for each picture, not {type(boxes).__name__}")
    if len(boxes) != count:
        raise ValueError(f"boxes has {len(boxes)} arrays for {count} images")
    return [_checked_boxes(mine, number) for number, mine in enumerate(boxes)]


def _checked_image(image: object, number: int) -> np.ndarray:
    try:
        return np.ascontiguousarray(checked_image(image, f"image {number}"))
    except ValueError as error:
        raise ValueError(f"{error}; a detector takes a list of images") from None


def _checked_boxes(boxes: object, number: int) -> np.ndarray:
    array = checked_boxes_of_one(boxes, f"boxes of image {number}").astype(np.float32)
    if (array[:, 2:] <= array[:, :2]).any():
        raise ValueError(f"boxes of image {number} must be finite, and each at least a little wide and high")
    return array
