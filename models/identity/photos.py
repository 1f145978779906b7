"""Photos of one person each, as vectors: the face nearest to the middle counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from models.detection.detector import Detector
from models.errors import PictureError
from models.identity.embedder import FaceEmbedder
from models.imaging.pictures import read_picture

SMALLEST_FACE_PX = 40
PHOTOS_AT_ONCE = 32


def middle_faces(photos: Sequence[Path], detector: Detector) -> Iterator[tuple[Path, np.ndarray, np.ndarray]]:
    """Photos that show a face, (H, W, 3) uint8 RGB, and its landmarks, (1, 5, 2) px. Those that cannot be read are left out."""
    for first in range(0, len(photos), PHOTOS_AT_ONCE):
        readable = [(path, image) for path in photos[first : first + PHOTOS_AT_ONCE] if (image := _picture(path)) is not None]
        for (path, image), found in zip(readable, detector.detect([image for _, image in readable], SMALLEST_FACE_PX), strict=True):
            if len(found):
                away = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - np.array(image.shape[1::-1]) / 2
                yield path, image, found.landmarks[np.argmin((away**2).sum(axis=1))][None]


def describe_photos(photos: Sequence[Path], detector: Detector, embedder: FaceEmbedder) -> dict[Path, np.ndarray]:
    """For each photo that shows a face, (F,) of unit length."""
    return {path: embedder.embed(image, landmarks)[0] for path, image, landmarks in middle_faces(photos, detector)}


def _picture(path: Path) -> np.ndarray | None:
    try:
        return read_picture(path)
    except PictureError:
        return None
