"""The user's own strangers: what people look like who pass here and are not meant."""

from __future__ import annotations

import numpy as np

from models.identity.cohort import Cohort
from models.identity.grouping import group

TOGETHER = 5
"""People whose mean is kept: it is nobody's face."""
FEWEST_PEOPLE = 100
"""So many means as scores are normalised by, `models.identity.cohort.NEAREST`, need so many people."""


def one_each(vectors: np.ndarray, cohort: Cohort) -> np.ndarray:
    """(N, F) of unit length -> (people, F): the mean of the faces of each person, so that nobody counts twice."""
    if not len(vectors):
        return vectors
    numbers = group(vectors, cohort)
    return _unit(np.stack([vectors[numbers == number].mean(axis=0) for number in np.unique(numbers)]))


def means_of_neighbours(people: np.ndarray) -> np.ndarray:
    """Means of `TOGETHER` people each, everybody in one at most. Those who look alike are together: a mean of all sorts is near to no face.

    Args:
        people: (N, F) of unit length.

    Returns:
        (N // TOGETHER, F) of unit length.
    """
    likeness = people @ people.T
    left = np.ones(len(people), bool)
    means = list[np.ndarray]()
    while left.sum() >= TOGETHER:
        free = np.flatnonzero(left)
        first = free[int(likeness[np.ix_(free, free)].sum(axis=1).argmin())]  # outsiders first, or only they would be left at the end
        together = free[np.argsort(-likeness[first, free])[:TOGETHER]]
        means.append(people[together].mean(axis=0))
        left[together] = False
    return _unit(np.stack(means)) if means else np.zeros((0, people.shape[1]), np.float32)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)
