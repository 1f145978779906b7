"""What a classifier learns from: a face, or what is none, as serving cuts it, and enough of its picture to cut it a little differently."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from models.imaging.boxes import square
from models.imaging.crops import CROP_PX, crop_squares

MARGIN = 0.25
"""Of every crop that we train on: with some hair, ears and shoulders around it, a blurred or masked face is still told from a hand."""
CONTEXT = 1.0
"""Kept on each side of the box, in sides of the box: what augmentation turns, moves and zooms does not run out of picture."""
MAX_SIDE_PX = 140
"""Larger faces are kept at this size for augmentation: a face fills 100 px of its crop, and zooming in a third still finds pixels."""

Part = Literal["train", "validation", "test"]
Split = dict[Part, list["Sample"]]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One thing to classify."""

    crop: np.ndarray
    """(size, size, 3) uint8 RGB, cut from the whole picture as serving cuts it: to judge on."""
    picture: np.ndarray
    """(H, W, 3) uint8 RGB: the part of the original around `box`, to learn from. What is missing on a side is outside the original too."""
    box: np.ndarray
    """(4,) float32, pixels of `picture`: the detector's find."""
    label: int
    """Index of its class."""
    group: str
    """Samples of one group (a person, a photo, copies of one photo) are never both learnt from and judged on."""
    origin: str
    """Where it comes from, for people: the path within the data."""
    weight: int = 1
    """How often it is drawn in training, against once for the others of its class."""
    content: str = ""
    """SHA-256 of its file; empty where several samples come from one."""
    score: float = math.nan
    """The detector's, of the find; NaN where no detector found it."""
    hashes: np.ndarray = field(default_factory=lambda: np.zeros((0, 128), bool))
    """(2, 128) bool, of its whole picture and of the mirror image; none where several samples come from one."""


def cut_sample(
    image: np.ndarray,
    box: np.ndarray,
    label: int,
    group: str,
    origin: str,
    weight: int = 1,
    *,
    score: float = math.nan,
    size_px: int = CROP_PX,
    margin: float = MARGIN,
) -> Sample:
    """The find at `box` (x1, y1, x2, y2) of `image`, as its served crop and as the part of the image around it."""
    crop = crop_squares(image, box[None], size_px, margin)[0]
    picture, inside = surroundings(image, box)
    return Sample(crop, picture, inside, label, group, origin, weight, score=score)


def surroundings(image: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What augmentation may reach around `box`, shrunk where the face is large, and the box in it."""
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
    return picture.copy(), box


def crop_samples(samples: Sequence[Sample], size_px: int = CROP_PX) -> np.ndarray:
    """Each sample as serving cuts it: (N, size_px, size_px, 3) uint8 RGB."""
    return np.stack([sample.crop for sample in samples]) if samples else np.zeros((0, size_px, size_px, 3), np.uint8)


def labels_of(samples: Sequence[Sample]) -> np.ndarray:
    """(N,) int: the index of each sample's class."""
    return np.array([sample.label for sample in samples], int)


def scores_of(samples: Sequence[Sample]) -> np.ndarray:
    """(N,) float32: the detector's score of each find, NaN where no detector found it."""
    return np.array([sample.score for sample in samples], np.float32)


def part_of(group: str, validation: float, test: float) -> Part:
    """On which side a group is: by its name alone, so that more data moves nothing from one side to another."""
    place = int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big") / 2**64
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"
