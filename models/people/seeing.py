"""The faces of a photo file, described."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from models.detection.detector import Detector, DetectorOptions, load_detector
from models.errors import PictureError
from models.identity.chips import eye_distances
from models.identity.embedder import FaceEmbedder
from models.identity.network_file import NetworkFile
from models.imaging.pictures import read_picture
from models.places import is_file, is_folder

SMALLEST_EYE_PX = 15.0
"""Between the eyes. Of LFW, whose faces have 41, at one false pair in a thousand: .942 are known at 41, .916 at 15, .853 at 11."""
LOWEST_SHARPNESS = 10.0
"""Below are 0.5 % of sharp faces, 92 % of those blurred by a sigma of 2 px, 99.5 % of 3 px (LFW): blurred faces look alike."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class SeenFace:
    """A face in a photo."""

    box: np.ndarray
    """(4,) float32 px, x1 y1 x2 y2, of the photo upright."""
    descriptor: np.ndarray
    """(F,) float32 of unit length."""
    eye_px: float
    """How far the eyes are apart."""
    sharpness: float
    score: float
    """The detector's, 0..1."""
    shipped: np.ndarray | None = None
    """(FEATURES,): the descriptor by the network that ships, where it was asked for beside another."""

    @property
    def width_px(self) -> float:
        """The side of a square as large as the box."""
        return float(np.sqrt(max(0.0, (self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))))

    @property
    def flaw(self) -> str:
        """Why it tells nobody apart, in a sentence's end; empty where it does."""
        if self.eye_px < SMALLEST_EYE_PX:
            return f"too small: {self.eye_px:.0f} px between the eyes, {SMALLEST_EYE_PX:.0f} are needed"
        if self.sharpness < LOWEST_SHARPNESS:
            return "too blurred"
        return ""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        left, top, right, bottom = (round(float(side)) for side in self.box)
        return f"{right - left}×{bottom - top} px at {left},{top}"


@dataclass(frozen=True, slots=True, eq=False)
class SeenPhoto:
    """A photo that was looked at."""

    path: Path
    sha256: str
    """Of the file."""
    faces: tuple[SeenFace, ...]
    """From left to right."""


class PhotoReader:
    """Looks at photos: finds their faces and describes them. For one thread at a time."""

    def __init__(self, detector: Detector, embedder: FaceEmbedder, shipped: FaceEmbedder | None = None) -> None:
        """Use `load`."""
        self._detector = detector
        self._embedder = embedder
        self._shipped = shipped

    @classmethod
    def load(cls, detector: DetectorOptions | None = None, network: NetworkFile | None = None, *, beside: bool = False) -> Self:
        """Takes a moment.

        Args:
            detector: None: MTCNN, which looks at each face mirrored as well, for landmarks that are 7 % closer.
            network: that describes faces; None: the one that ships.
            beside: the one that ships describes them too.

        Raises:
            ModelError: weights are missing or damaged.
        """
        shipped = FaceEmbedder.load(precision="f32") if beside else None
        found = load_detector(detector or DetectorOptions(mirror=True))
        return cls(found, FaceEmbedder.load(network or NetworkFile(), precision="f32"), shipped)

    def look(self, path: Path, note: Callable[[str], None] | None = None) -> SeenPhoto:
        """
        Args:
            note: told one sentence where only a part of the photo could be decoded.

        Raises:
            PictureError: it cannot be read.
        """
        image = read_picture(path) if note is None else read_picture(path, note)
        return SeenPhoto(path, digest(path), self.faces(image))

    def faces(self, image: np.ndarray) -> tuple[SeenFace, ...]:
        """The faces of a picture, (H, W, 3) uint8 RGB, from left to right."""
        found = self._detector.detect([image])[0]
        if not len(found):
            return ()
        chips = self._embedder.cut(image, found.landmarks)
        sharp = self._embedder.sharpness(chips)
        about = zip(found.boxes, self._embedder.describe(chips), eye_distances(found.landmarks), sharp, found.scores, strict=True)
        faces = [SeenFace(box, descriptor, float(eyes), float(shows), float(score)) for box, descriptor, eyes, shows, score in about]
        if self._shipped is not None:
            beside = self._shipped.embed(image, found.landmarks)
            faces = [replace(face, shipped=vector) for face, vector in zip(faces, beside, strict=True)]
        return tuple(sorted(faces, key=lambda face: (float(face.box[0] + face.box[2]), float(face.box[1]))))


def digest(path: Path) -> str:
    """The file's sha256.

    Raises:
        PictureError: there is no such file, or it cannot be read.
    """
    if not is_file(path):
        raise PictureError(f"{path}: {'is a folder' if is_folder(path) else 'there is no such file'}.")
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PictureError(f"{path}: cannot be read ({error.strerror}).") from error
