"""What a classifier learns from: a face, or what is none, with enough of its picture around it to be cut a little differently each time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from models.boxes import square
from models.crops import crop_squares

CONTEXT = 1.3
"""Kept on each side of the box, in sides of the box: what augmentation turns, moves and zooms never runs out of picture."""
MAX_SIDE_PX = 225
"""Larger faces are kept at this size: one and a half times the original network's input, so that zooming in still finds pixels."""

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One thing to classify."""

    picture: np.ndarray
    """(H, W, 3) uint8 RGB: the part of the original around `box`. What is missing on a side is outside the original too."""
    box: np.ndarray
    """(4,) float32, pixels of `picture`: the detector's find."""
    label: int
    """Index of its class."""
    group: str
    """Samples of one group (a person, a photo) are never both learnt from and judged on."""
    origin: str
    """Where it comes from, for people."""
    weight: int = 1
    """How often it is drawn in training, against once for the others of its class."""


def cut_sample(image: np.ndarray, box: np.ndarray, label: int, group: str, origin: str, weight: int = 1) -> Sample:
    """The part of `image` that a sample at `box` (x1, y1, x2, y2) needs."""
    x1, y1, x2, y2 = square(box[None].astype(np.float32))[0]
    side = max(float(x2 - x1), 1.0)
    reach = CONTEXT * side
    left, top = max(int(x1 - reach), 0), max(int(y1 - reach), 0)
    picture = image[top : int(y2 + reach) + 1, left : int(x2 + reach) + 1]
    box = box.astype(np.float32) - np.array([left, top, left, top], np.float32)
    if side > MAX_SIDE_PX:
        height, width = picture.shape[:2]
        size = (max(round(width * MAX_SIDE_PX / side), 1), max(round(height * MAX_SIDE_PX / side), 1))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        box = box * np.array([size[0] / width, size[1] / height] * 2, np.float32)
    return Sample(picture.copy(), box, label, group, origin, weight)


def crop_samples(samples: Sequence[Sample], size_px: int, margin: float) -> np.ndarray:
    """Each sample as serving would cut it: (N, size_px, size_px, 3) uint8 RGB."""
    crops = np.zeros((len(samples), size_px, size_px, 3), np.uint8)
    for crop, sample in zip(crops, samples, strict=True):
        crop[:] = crop_squares(sample.picture, sample.box[None], size_px, margin)[0]
    return crops


def part_of(group: str, validation: float, test: float) -> Part:
    """On which side a group is: by its name alone, so that more data moves nothing from one side to another."""
    place = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"
