"""Boxes out of images, as one batch. Serving and training both cut with this, so that they cannot drift apart."""

from __future__ import annotations

import cv2
import numpy as np

from models.imaging.boxes import square
from models.imaging.checked import checked_boxes, checked_image

CROP_PX = 150
"""Side of the crop that a face is classified on (the original notebook's)."""
FURTHEST_MARGIN = 100.0
LARGEST_PATCH_PX = 4096
"""A larger square that sticks out of the picture is cut from the picture at half size: bounds its black-padded copy to 50 MB."""


def whole_squares(boxes: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """The squares of whole pixels that `crop_squares` cuts.

    Args:
        boxes: (N, 4) boxes in pixels.
        margin: share of the side by which the square grows on each side.

    Returns:
        (N, 4) float32 with whole numbers, all sides equal and at least 1 px. A square of whole pixels stays as it is when `margin` is 0.
    """
    squares = square(np.asarray(boxes, np.float64).reshape(-1, 4))
    side = squares[:, 2] - squares[:, 0]
    corner = np.rint(squares[:, :2] - margin * side[:, None])
    whole = np.maximum(np.rint(side * (1 + 2 * margin)), 1)[:, None]
    return np.concatenate([corner, corner + whole], axis=1).astype(np.float32)


def crop_squares(image: np.ndarray, boxes: np.ndarray, size_px: int, margin: float = 0.0) -> np.ndarray:
    """Square pictures of what is in each box.

    Each box is made square around its centre (longer side), grown by `margin`, and set on whole pixels; outside the picture is black.
    Resized linearly where it grows and by area where it shrinks, so that nothing aliases: exactly up to half, and from there by halves, to
    twice the size linearly, and by half again, which is as good and six times as fast.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes: (N, 4) boxes in pixels; they may lie partly or wholly outside.
        size_px: side of the result.
        margin: share of the side by which the square grows on each side.

    Returns:
        (N, size_px, size_px, 3) uint8 RGB.

    Raises:
        TypeError, ValueError: image or boxes are something else, or the size or the margin means nothing.
    """
    if size_px < 1 or not 0 <= margin < FURTHEST_MARGIN:
        raise ValueError(f"size_px is at least 1 and margin from 0 to {FURTHEST_MARGIN:g}, not {size_px} and {margin}")
    return cut_squares(checked_image(image), whole_squares(checked_boxes(boxes), margin), size_px)


def cut_squares(image: np.ndarray, squares: np.ndarray, size_px: int) -> np.ndarray:
    """What `crop_squares` does, for (N, 4) squares that `whole_squares` gave."""
    crops = np.zeros((len(squares), size_px, size_px, 3), np.uint8)
    for crop, (x1, y1, x2, _) in zip(crops, squares.astype(np.int64).tolist(), strict=True):
        _cut(image, x1, y1, x2 - x1, crop)
    return crops


def _cut(image: np.ndarray, x: int, y: int, side: int, crop: np.ndarray) -> None:
    """Writes the square at (x, y) of `image` into `crop` (size, size, 3), which is black."""
    height, width = image.shape[:2]
    left, top, right, bottom = max(x, 0), max(y, 0), min(x + side, width), min(y + side, height)
    if left >= right or top >= bottom:
        return
    patch = image[top:bottom, left:right]
    if patch.shape[:2] != (side, side):
        if side > LARGEST_PATCH_PX:
            half = cv2.resize(patch, (-(-(right - left) // 2), -(-(bottom - top) // 2)), interpolation=cv2.INTER_AREA)
            _cut(half, round((x - left) / 2), round((y - top) / 2), side // 2, crop)
            return
        patch = np.zeros((side, side, 3), np.uint8)
        patch[top - y : bottom - y, left - x : right - x] = image[top:bottom, left:right]
    size = crop.shape[0]
    if side >= 2 * size:
        while side >= 4 * size:  # a linear resize to half is the mean of four pixels
            side = -(-side // 2)
            patch = cv2.resize(patch, (side, side), interpolation=cv2.INTER_LINEAR)
        patch = cv2.resize(patch, (2 * size, 2 * size), interpolation=cv2.INTER_LINEAR)
    cv2.resize(patch, (size, size), dst=crop, interpolation=cv2.INTER_AREA if side > size else cv2.INTER_LINEAR)
