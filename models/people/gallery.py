"""People as a recogniser knows them, asked about one face at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.identity.cohort import Cohort
from models.identity.recogniser import KnownPerson, Recogniser
from models.people.person import Person


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like a person a face is."""

    name: str
    score: float
    """Of 10^score strangers compared with that person, one scores so."""
    threshold: float
    """From here on it gets the name."""

    @property
    def enough(self) -> bool:
        """Whether the face gets the name."""
        return self.score >= self.threshold


class Gallery:
    """Everybody who is enrolled."""

    def __init__(self, people: Sequence[Person], cohort: Cohort, *, false_names: float = 0.01) -> None:
        """
        Args:
            false_names: of strangers, the share that may get some name.
        """
        self.people = tuple(people)
        self.false_names = false_names
        self.cohort = cohort
        self.recogniser = Recogniser([person.known() for person in people], cohort, false_names=false_names)

    @property
    def thresholds(self) -> np.ndarray:
        """(P,) float32, of each person."""
        return self.recogniser.thresholds

    def likenesses(self, vectors: np.ndarray) -> list[list[Likeness]]:
        """Of faces, (N, F): of each to everybody, the most alike first."""
        thresholds = self.thresholds.tolist()
        rows = self.recogniser.scores(vectors).tolist() if self.people else [[] for _ in vectors]
        likenesses = [[Likeness(*one) for one in zip(self.recogniser.names, row, thresholds, strict=True)] for row in rows]
        return [sorted(row, key=lambda one: -one.score) for row in likenesses]

    def score_to(self, vector: np.ndarray, photos: Sequence[np.ndarray]) -> float:
        """How like somebody of whom there are these photos, (F,) each, a face is; without photos nobody is."""
        if not photos:
            return float("-inf")
        somebody = Recogniser([KnownPerson("", np.stack(photos))], self.cohort)
        return float(somebody.scores(vector[None])[0, 0])

    def between(self) -> np.ndarray:
        """(P, P) float32: how like each person, by column, the photos of each, by row, are: their median; of their own, -inf."""
        scores = [np.median(self.recogniser.scores(person.vectors), axis=0) for person in self.people]
        found = np.array(scores, np.float32).reshape(len(self.people), len(self.people))
        np.fill_diagonal(found, -np.inf)
        return found
