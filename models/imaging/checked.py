"""What comes in through a public door, checked once for all of them: pictures and boxes."""

from __future__ import annotations

from numbers import Real

import numpy as np

FURTHEST_PX = 2.0**30
"""Where a box may lie: whole pixels are counted in 32 bits."""

ROUNDED = 1e-3
"""By so much a network's arithmetic may leave 0 to 1."""


def checked_image(image: object, name: str = "image") -> np.ndarray:
    """The image, as it came.

    Raises:
        TypeError, ValueError: it is no (height, width, 3) uint8 array of at least one pixel.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(f"{name} is a numpy array of (height, width, 3) uint8, not {type(image).__name__}")
    if image.dtype != np.uint8:
        raise TypeError(f"{name} has dtype uint8 (0..255), not {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"{name} has shape (height, width, 3) RGB, not {image.shape}")
    return image


def checked_boxes(boxes: object, name: str = "boxes") -> np.ndarray:
    """The boxes as (N, 4) float64; an empty list is none. A box without any area, as clipping leaves it, may come along.

    Raises:
        TypeError, ValueError: they are something else, or further away than any picture is large.
    """
    array = _numbers(boxes, name)
    if array.shape == (0,):
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"{name} have shape (N, 4), x1 y1 x2 y2 in pixels, not {array.shape}")
    if not (np.abs(array) <= FURTHEST_PX).all():
        raise ValueError(f"{name} must be finite, and not further away than any picture is large")
    return array


def checked_boxes_in(image: np.ndarray, boxes: object) -> np.ndarray:
    """The boxes, as `checked_boxes` gives them, of which each shows something of the image.

    Raises:
        TypeError, ValueError: they are something else; or one lies wholly outside, or ends before it begins, as x y width height do.
    """
    array = checked_boxes(boxes)
    height, width = image.shape[:2]
    begins, ends, size = array[:, :2], array[:, 2:], np.array([width, height])
    reversed_ones = (ends < begins).any(axis=1)
    has_area = (ends > begins).all(axis=1, keepdims=True)  # one that clipping left nothing of lies on the edge
    outside = np.where(has_area, (ends <= 0) | (begins >= size), (ends < 0) | (begins > size)).any(axis=1)
    for wrong, why in (
        (reversed_ones, "ends before it begins; boxes are x1 y1 x2 y2"),
        (outside, f"lies outside the image of {width}×{height} px"),
    ):
        if wrong.any():
            index = int(wrong.argmax())
            raise ValueError(f"box {index} of {len(array)}, ({', '.join(f'{value:g}' for value in array[index])}), {why}")
    return array


def checked_scores(scores: object, count: int, name: str = "scores", of: str = "crop") -> np.ndarray:
    """The scores as (count,) float64, 0..1 or NaN where there is none.

    Raises:
        TypeError, ValueError: they are something else, or not as many.
    """
    array = _numbers(scores, name)
    if array.shape != (count,):
        raise ValueError(f"{name} have shape ({count},), one for each {of}, not {array.shape}")
    if ((array < -ROUNDED) | (array > 1 + ROUNDED)).any():
        raise ValueError(f"{name} lie between 0 and 1, or are NaN")
    return array


def checked_share(value: object, name: str) -> float:
    """
    Raises:
        TypeError, ValueError: it is no number from 0 to 1.
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name} is a number from 0 to 1, not {value!r}")
    share = float(value)
    if not 0 <= share <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, not {value}")
    return share


def _numbers(values: object, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} are an array of numbers: {error}") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} are numbers, not {array.dtype}")
    return array.astype(np.float64)
