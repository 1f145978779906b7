"""Who a face is, among people of whom there are photos; or nobody of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.identity.cohort import Cohort
from models.identity.thresholds import ThresholdTable, false_name_rate, threshold


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class KnownPerson:
    """Somebody with a name."""

    name: str
    vectors: np.ndarray
    """(photos, F) float32 of unit length, at least one."""

    def template(self) -> np.ndarray:
        """(F,) of unit length: the mean of the photos, which names fewer strangers than the nearest of them."""
        mean = np.asarray(self.vectors, np.float32).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


class Recogniser:
    """Scores faces against known people.

    A score says how rare it is that a stranger is so much like that person: of 1,000 strangers compared with one person, one reaches 3, and
    of 10,000 one 4 (beyond 5 it is a guess). It means the same for all: what a face has in common with many others, as children have, is
    taken off by a cohort, and photos of a person count in.
    """

    def __init__(
        self, people: Sequence[KnownPerson], cohort: Cohort, *, false_names: float = 0.01, table: ThresholdTable | None = None
    ) -> None:
        """
        Args:
            people: may be none. Two with one name stay two.
            false_names: of strangers, the share that may get some name.
            table: None takes the cohort's.

        Raises:
            ValueError: false_names is too small or large, or somebody has no vectors.
        """
        self.names = tuple(person.name for person in people)
        self._photos = np.array([len(person.vectors) for person in people], int)
        if not self._photos.all():
            raise ValueError(f"{self.names[int(np.argmin(self._photos))]} has no photos")
        self._cohort = cohort
        self._table = table or cohort.table
        self._people = cohort.measure(np.array([person.template() for person in people]))
        self.thresholds = np.full(len(people), threshold(len(people), false_names), np.float32)
        """(P,) float32, for each person. A face is the person of its highest score, if that is not below this; else it is unknown."""

    def scores(self, vectors: np.ndarray) -> np.ndarray:
        """(N, F) float32 of unit length -> (N, P) float32, how like each person each face is."""
        excess = self._cohort.measure(vectors).excess(self._people)
        return self._table.scores(self._photos, excess - self._cohort.offset)

    def false_name_rate(self, score: float) -> float:
        """Of strangers, the share that would get some name here if this score were enough for one."""
        return false_name_rate(len(self.names), score)

    @property
    def least_shown(self) -> float:
        """The lowest such share that was seen with as many people; below it is a guess."""
        return self.false_name_rate(self._table.shown)
