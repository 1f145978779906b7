"""Photos of a face altered as life alters them, whole, so that the detector can be asked again: to choose on more than easy faces."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from models.data.augmentation import draw_mask
from models.imaging.boxes import square
from models.imaging.crops import CROP_PX

SMALL_PX = 26
"""A face of this side is found by few others than those who look for it."""


def altered(image: np.ndarray, box: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The photo mirrored, turned a little and a lot, with the face small, cut at the picture's edge, and masked.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: (4,) of the face.

    Yields:
        A picture and where the face is in it.
    """
    x1, y1, x2, y2 = box
    yield np.ascontiguousarray(image[:, ::-1]), np.array([image.shape[1] - x2, y1, image.shape[1] - x1, y2], np.float32)
    for least, most in ((15, 25), (25, 40)):
        yield turned(image, box, rng.uniform(least, most) * rng.choice([-1, 1]))
    scale = SMALL_PX / max(x2 - x1, y2 - y1)
    if scale < 1:
        yield cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), box * np.float32(scale)
    yield _cut_at_edge(image, box, rng)
    yield _masked(image, box, rng)


def turned(image: np.ndarray, box: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """The whole picture turned counter-clockwise, black where there was none, and the square of the box's size around the same place."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), degrees, 1.0)
    across, down = np.abs(matrix[0, :2])
    size = (int(height * down + width * across), int(height * across + width * down))
    matrix[:, 2] += [(size[0] - width) / 2, (size[1] - height) / 2]
    centre = matrix[:, :2] @ (box[:2] + box[2:]) / 2 + matrix[:, 2]
    half = (box[2:] - box[:2]) / 2
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR), np.concatenate([centre - half, centre + half]).astype(np.float32)


def _cut_at_edge(image: np.ndarray, box: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The picture ends in the face: a tenth to three tenths of it are missing at the left, the top or the bottom."""
    missing, side = rng.uniform(0.1, 0.3) * (box[2:] - box[:2]), rng.integers(3)
    left = max(int(box[0] + missing[0]), 0) if side == 0 else 0
    top = max(int(box[1] + missing[1]), 0) if side == 1 else 0
    bottom = max(int(box[3] - missing[1]), 1) if side == 2 else image.shape[0]
    return np.ascontiguousarray(image[top:bottom, left:]), box - np.array([left, top, left, top], np.float32)


def _masked(image: np.ndarray, box: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x1, y1, x2, y2 = np.maximum(square(box[None])[0], 0).astype(int)
    face = image[y1:y2, x1:x2]
    if not face.size:
        return image, box
    masked = image.copy()
    drawn = draw_mask(cv2.resize(face, (CROP_PX, CROP_PX)), 0.0, rng)
    masked[y1:y2, x1:x2] = cv2.resize(drawn, face.shape[1::-1], interpolation=cv2.INTER_AREA)
    return masked, box
