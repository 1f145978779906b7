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
from models.identity.network_file import said_of
from models.identity.stored import content_of
from models.identity.thresholds import ThresholdTable, shipped_table
from models.identity.weights import FEATURES, SHIPPED_SHA256
from models.places import checked_path

SHIPPED_COHORT = Path(__file__).parents[1] / "trained" / "identity" / "cohort.npz"
SHIPPED_SPREAD = 0.567
"""How far two strangers are apart by the network that ships, in the median (LFW)."""
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
    """(N, F) float32 of unit length."""
    around: np.ndarray
    """(N, F) float32: the mean of the nearest of the cohort."""
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
class AnotherNetwork:
    """What is known of a network that does not ship, by strangers that it has described."""

    id: str
    """`models.identity.network_file.NetworkFile.id`."""
    table: ThresholdTable
    spread: float
    """How far two strangers are apart, in the median (Euclidean): networks differ in that."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class Cohort:
    """What strangers look like."""

    vectors: np.ndarray
    """(K, F) float32 of unit length, read-only, each the mean of several people."""
    offset: float = 0.0
    """By how much strangers exceed it more than they do the cohort that thresholds were learnt with."""
    another: AnotherNetwork | None = None
    """None: these are faces as the network that ships describes them."""

    def __post_init__(self) -> None:
        array = np.asarray(self.vectors, np.float32)
        if array.ndim != 2 or array.shape[1] < 2:
            raise ValueError(f"a cohort is an array of (K, F) numbers, not of {array.shape}")
        if len(array) < NEAREST:
            raise ValueError(f"a cohort has at least {NEAREST} vectors, not {len(array)}")
        lengths = np.linalg.norm(array, axis=1, keepdims=True)
        if not (np.isfinite(array).all() and (lengths > 1e-6).all() and abs(self.offset) < 1):
            raise ValueError("numbers of a cohort are finite, and its vectors not 0")
        array = array / lengths
        array.flags.writeable = False
        object.__setattr__(self, "vectors", array)

    @property
    def network(self) -> str:
        """The id of the network that has described its faces."""
        return SHIPPED_SHA256 if self.another is None else self.another.id

    @property
    def table(self) -> ThresholdTable:
        """How rarely strangers exceed it by how much."""
        return shipped_table() if self.another is None else self.another.table

    @property
    def spread(self) -> float:
        """How far two strangers are apart, in the median."""
        return SHIPPED_SPREAD if self.another is None else self.another.spread

    @classmethod
    def load(cls, path: str | Path = SHIPPED_COHORT, network: str = SHIPPED_SHA256) -> Self:
        """The cohort in a file that `save` has written.

        Args:
            network: the id of the network that must have described its faces.

        Raises:
            TypeError: this is no path.
            ModelError: there is no such file, it is damaged or foreign, or of another network.
        """
        path, content = content_of(path, "the file of a cohort", "a cohort of faces")
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                said = dict(arrays)
            digest = str(said.pop("sha256"))
            if said["vectors"].dtype != np.float16 or digest != _digest(said):
                raise ValueError("its checksum is another")
            cohort = cls(said["vectors"], float(said["offset"]), _another(said))
            if cohort.another is None and cohort.vectors.shape[1] != FEATURES:
                raise ValueError("the network that ships has other numbers")
        except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, MemoryError, zipfile.BadZipFile) as error:
            raise ModelError(f"{path}: is damaged, or no cohort of faces.") from error
        if cohort.network != network:
            raise ModelError(
                f"{path}: holds strangers as {said_of(cohort.network, network)} described them, who cannot be compared with people now; "
                "make it anew by facestream people calibrate FOLDER, or remove it."
            )
        return cohort

    def save(self, path: str | Path) -> None:
        """Writes it in half precision, or leaves what was there.

        Raises:
            TypeError: this is no path.
            ModelError: it cannot be written.
        """
        path = checked_path(path, "the new file")
        said = {"vectors": self.vectors.astype(np.float16), "offset": np.array(self.offset)}
        if self.another is not None:
            table = self.another.table
            said |= {"network": np.array(self.another.id), "spread": np.array(self.another.spread)}
            said |= {"photos": np.array(table.photos), "rates": np.array(table.rates), "excess": table.excess}
        try:
            with file_written_whole(path) as file:
                np.savez(file, allow_pickle=False, **said, sha256=np.array(_digest(said)))
        except OSError as error:
            raise ModelError(f"{path}: cannot be written ({error.strerror}).") from error

    def measure(self, vectors: np.ndarray) -> Measured:
        """(N, F) of unit length; N may be 0."""
        vectors = np.asarray(vectors, np.float32).reshape(-1, self.vectors.shape[1])
        cosines = vectors @ self.vectors.T
        nearest = np.argpartition(-cosines, NEAREST - 1, axis=1)[:, :NEAREST]
        return Measured(vectors, self.vectors[nearest].mean(axis=1), np.take_along_axis(cosines, nearest, axis=1).mean(axis=1))


def _another(said: dict[str, np.ndarray]) -> AnotherNetwork | None:
    if "network" not in said:
        return None
    table = ThresholdTable(tuple(said["photos"].tolist()), tuple(said["rates"].tolist()), said["excess"].astype(np.float64))
    return AnotherNetwork(str(said["network"]), table, float(said["spread"]))


def _digest(said: dict[str, np.ndarray]) -> str:
    told = hashlib.sha256(said["vectors"].tobytes() + str(said["vectors"].shape).encode() + said["offset"].tobytes())
    for name in ("network", "spread", "photos", "rates", "excess"):
        if name in said:
            told.update(said[name].tobytes())
    return told.hexdigest()
