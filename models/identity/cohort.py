"""Faces of nobody, by which scores are normalised: whoever looks like many of them looks like many people."""

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
from models.identity.weights import FEATURES
from models.places import checked_path, is_file, is_folder

SHIPPED_COHORT = Path(__file__).parents[1] / "trained" / "identity" / "cohort.npz"
NEAREST = 20
"""Of a cohort, those that a face is measured by."""
FEWEST = 100
"""Vectors of a cohort: with fewer, its nearest are no longer near."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class Cohort:
    """What strangers look like."""

    vectors: np.ndarray
    """(K, FEATURES) float32 of unit length, each the mean of several people."""

    def __post_init__(self) -> None:
        array = np.asarray(self.vectors, np.float32)
        if array.ndim != 2 or array.shape[1] != FEATURES:
            raise ValueError(f"a cohort is an array of (K, {FEATURES}) numbers, not of {array.shape}")
        if len(array) < FEWEST:
            raise ValueError(f"a cohort of {len(array)} tells strangers apart too badly; at least {FEWEST} are needed")
        lengths = np.linalg.norm(array, axis=1, keepdims=True)
        if not (np.isfinite(array).all() and (lengths > 1e-6).all()):
            raise ValueError("vectors of a cohort are finite and not 0")
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
        path = checked_path(path, "the file of a cohort")
        if not is_file(path):
            raise ModelError(f"{path}: {'is a folder' if is_folder(path) else 'there is no such file'}; name a cohort of faces.")
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                vectors, digest = arrays["vectors"], str(arrays["sha256"])
            if digest != _digest(vectors):
                raise ValueError("its checksum is another")
            return cls(vectors)
        except OSError as error:
            raise ModelError(f"{path}: cannot be read ({error.strerror or 'damaged'}).") from error
        except (ValueError, TypeError, KeyError, AttributeError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
            raise ModelError(f"{path}: is damaged, or no cohort of faces.") from error

    def save(self, path: str | Path) -> None:
        """Writes it in half precision, or leaves what was there.

        Raises:
            TypeError: this is no path.
            ModelError: it cannot be written.
        """
        path = checked_path(path, "the new file")
        vectors = self.vectors.astype(np.float16)
        try:
            with file_written_whole(path) as file:
                np.savez(file, allow_pickle=False, vectors=vectors, sha256=np.array(_digest(vectors)))
        except OSError as error:
            raise ModelError(f"{path}: cannot be written ({error.strerror}).") from error

    def likeness(self, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How like the nearest of the cohort faces are: (N, FEATURES) of unit length -> mean and deviation of cosines, (N,) each."""
        cosines = vectors @ self.vectors.T
        nearest = -np.partition(-cosines, NEAREST - 1, axis=1)[:, :NEAREST]
        return nearest.mean(axis=1), nearest.std(axis=1)


def _digest(vectors: np.ndarray) -> str:
    return hashlib.sha256(vectors.tobytes()).hexdigest()
