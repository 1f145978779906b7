"""Faces of nobody, by which scores are normalised: two children look alike because children do, not because they are one."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from models.atomic import file_written_whole
from models.errors import ModelError
from models.identity.stored import content_of
from models.identity.weights import FEATURES
from models.places import checked_path

SHIPPED_COHORT = Path(__file__).parents[1] / "trained" / "identity" / "cohort.npz"
NEAREST = 5
"""Of a cohort, those that a face is measured by: with 20, groups of whom the cohort holds few are confused twice as often."""
OWN_WEIGHT, CROSSED_WEIGHT = 0.6, 0.4
"""Of what is taken off a cosine: each face's likeness to its own nearest of the cohort, and to the nearest of the other face. Measured on
the people that thresholds are learnt on, 100 with three photos: plain cosines find .96 of looks and confuse 12 % of pairs of East Asian
names, the usual s-norm finds .945 and confuses .5 %, this .945 and .04 %."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class Measured:
    """Faces, and what of a cohort is like them."""

    vectors: np.ndarray
    """(N, FEATURES) float32 of unit length."""
    around: np.ndarray
    """(N, FEATURES) float32: the mean of the nearest of the cohort."""
    likeness: np.ndarray
    """(N,) float32: the cosine with those, in the mean."""

    def excess(self, other: Measured) -> np.ndarray:
        """How much more like each other faces are than like the cohort: (N, M) float32 cosines, below 0 for most strangers."""
        crossed = CROSSED_WEIGHT / 2
        faces = np.hstack([self.vectors, self.around])
        people = np.hstack([other.vectors - crossed * other.around, -crossed * other.vectors])
        excess = faces @ people.T
        excess -= OWN_WEIGHT / 2 * self.likeness[:, None]
        excess -= OWN_WEIGHT / 2 * other.likeness
        return np.asarray(excess, np.float32)


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class Cohort:
    """What strangers look like."""

    vectors: np.ndarray
    """(K, FEATURES) float32 of unit length, read-only, each the mean of several people."""
    offset: float = 0.0
    """By how much strangers exceed it more than they do the cohort that thresholds were learnt with."""

    def __post_init__(self) -> None:
        array = np.asarray(self.vectors, np.float32)
        if array.ndim != 2 or array.shape[1] != FEATURES:
            raise ValueError(f"a cohort is an array of (K, {FEATURES}) numbers, not of {array.shape}")
        if len(array) < NEAREST:
            raise ValueError(f"a cohort has at least {NEAREST} vectors, not {len(array)}")
        lengths = np.linalg.norm(array, axis=1, keepdims=True)
        if not (np.isfinite(array).all() and (lengths > 1e-6).all() and abs(self.offset) < 1):
            raise ValueError("numbers of a cohort are finite, and its vectors not 0")
        array = array / lengths
        array.flags.writeable = False
        object.__setattr__(self, "vectors", array)

    @classmethod
    def load(cls, path: str | Path = SHIPPED_COHORT) -> Self:
        """The cohort in a file that `save` has written.

        Raises:
            TypeError: this is no path.
            ModelError: there is no such file, or it is damaged or foreign.
        """
        path, content = content_of(path, "the file of a cohort", "a cohort of faces")
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                vectors, offset, digest = arrays["vectors"], arrays["offset"], str(arrays["sha256"])
            if vectors.dtype != np.float16 or digest != _digest(vectors, offset):
                raise ValueError("its checksum is another")
            return cls(vectors, float(offset))
        except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, MemoryError, zipfile.BadZipFile) as error:
            raise ModelError(f"{path}: is damaged, or no cohort of faces.") from error

    def save(self, path: str | Path) -> None:
        """Writes it in half precision, or leaves what was there.

        Raises:
            TypeError: this is no path.
            ModelError: it cannot be written.
        """
        path = checked_path(path, "the new file")
        vectors, offset = self.vectors.astype(np.float16), np.array(self.offset)
        try:
            with file_written_whole(path) as file:
                np.savez(file, allow_pickle=False, vectors=vectors, offset=offset, sha256=np.array(_digest(vectors, offset)))
        except OSError as error:
            raise ModelError(f"{path}: cannot be written ({error.strerror}).") from error

    def measure(self, vectors: np.ndarray) -> Measured:
        """(N, FEATURES) of unit length; N may be 0."""
        vectors = np.asarray(vectors, np.float32).reshape(-1, FEATURES)
        cosines = vectors @ self.vectors.T
        nearest = np.argpartition(-cosines, NEAREST - 1, axis=1)[:, :NEAREST]
        return Measured(vectors, self.vectors[nearest].mean(axis=1), np.take_along_axis(cosines, nearest, axis=1).mean(axis=1))


def _digest(vectors: np.ndarray, offset: np.ndarray) -> str:
    return hashlib.sha256(vectors.tobytes() + str(vectors.shape).encode() + offset.tobytes()).hexdigest()
