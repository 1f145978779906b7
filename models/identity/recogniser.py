"""Who a face is, among people of whom there are photos; or nobody of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.identity.cohort import Cohort
from models.identity.thresholds import ThresholdTable
from models.identity.weights import FEATURES


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class KnownPerson:
    """Somebody with a name."""

    name: str
    vectors: np.ndarray
    """(photos, FEATURES) float32 of unit length, at least one."""

    def template(self) -> np.ndarray:
        """(FEATURES,) of unit length: the mean of the photos, which names fewer strangers than the nearest of them."""
        mean = np.asarray(self.vectors, np.float32).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


class Recogniser:
    """Scores faces against known people. A score is how much more like a person a face is than like people of the cohort, in standard
    deviations: comparable between people and between groups, as plain distances are not (symmetric normalisation, s-norm)."""

    def __init__(
        self, people: Sequence[KnownPerson], cohort: Cohort, *, false_names: float = 0.01, table: ThresholdTable | None = None
    ) -> None:
        """
        Args:
            people: may be none. Two with one name stay two.
            false_names: of strangers, the share that may get some name.
            table: None takes the one that ships.

        Raises:
            ValueError: false_names is not within the table, or somebody has no vectors.
        """
        self.names = tuple(person.name for person in people)
        photos = np.array([len(person.vectors) for person in people], int)
        if not photos.all():
            raise ValueError(f"{self.names[int(np.argmin(photos))]} has no photos")
        self._cohort = cohort
        self._table = table or ThresholdTable.load()
        self._photos = photos
        self._templates = np.array([person.template() for person in people], np.float32).reshape(-1, FEATURES)
        self._mean, self._sd = cohort.likeness(self._templates)
        self.thresholds = self._table.thresholds(photos, false_names)
        """(P,) float32. A face is a person where its score is the highest of all and not below this."""

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """(N, FEATURES) float32 of unit length -> (N, P) float32, how like each person each face is."""
        vectors = np.asarray(vectors, np.float32).reshape(-1, FEATURES)
        cosines = vectors @ self._templates.T
        mean, sd = self._cohort.likeness(vectors)
        return np.asarray(((cosines - mean[:, None]) / sd[:, None] + (cosines - self._mean) / self._sd) / 2, np.float32)

    def false_name_rate(self, score: float) -> float:
        """Of strangers, the share that would get some name here if this score were enough for one."""
        return self._table.false_name_rate(self._photos, score)
