"""Cohorts out of photos of strangers: means of several people, so that nobody's face is kept."""

from __future__ import annotations

import numpy as np

from models.identity.cohort import Cohort
from models.identity.thresholds import ThresholdTable, shipped_table

PEOPLE_IN_A_MEAN = 5
SAME_PERSON_COSINE = 0.955
"""From here on two faces may be one person's (0.3 apart), and are not in one mean."""
FOLDS = 5
MATCHED_RATE = 0.03
"""Of comparisons between strangers: where scores by a new cohort meet those that were learnt. Further up, people of whom there are two
photos among the strangers would count."""
FEWEST_MEANS = 100
"""Of a cohort, measured: with 50, one more of 50 people stays unknown, and what is confused depends on who is in it."""
MARGIN = 0.003
"""Of a cohort's offset, to the safe side: with 100 means out of 500 faces, three times as many strangers would reach 4 without."""
FEWEST_MEANS_BESIDE = 20
"""Of a cohort beside another, which needs no margin: with 20 means out of 100 faces, 1.3 times as many strangers reach 4."""


def means_of_strangers(vectors: np.ndarray, seed: int = 0, apart: float = SAME_PERSON_COSINE) -> np.ndarray:
    """Each face is in one mean at most, with the most similar ones that are left.

    Args:
        vectors: (N, F) of unit length, of as many people as possible.
        apart: from this cosine on, two faces are not in one mean.

    Returns:
        (K, F) float32 of unit length, about N / PEOPLE_IN_A_MEAN.
    """
    cosines = vectors @ vectors.T
    left = np.ones(len(vectors), bool)
    means = []
    for first in np.random.default_rng(seed).permutation(len(vectors)):
        if not left[first]:
            continue
        chosen, others = [first], cosines[first] < apart
        left[first] = False
        while len(chosen) < PEOPLE_IN_A_MEAN and (left & others).any():
            chosen.append(int(np.argmax(np.where(left & others, cosines[first], -2))))
            left[chosen[-1]] = False
            others &= cosines[chosen[-1]] < apart
        if len(chosen) == PEOPLE_IN_A_MEAN:
            means.append(vectors[chosen].mean(axis=0))
    array = np.array(means, np.float32).reshape(-1, vectors.shape[1])
    return np.asarray(array / np.linalg.norm(array, axis=1, keepdims=True), np.float32)


def cohort_of_strangers(vectors: np.ndarray, beside: Cohort | None = None, *, table: ThresholdTable | None = None, seed: int = 0) -> Cohort:
    """A cohort to use with the thresholds that ship: how far strangers exceed it is measured on strangers that it is not made of, in turns.

    Args:
        vectors: (N, F) of unit length.
        beside: keep what is in this one as well: groups that are not among the strangers are confused no more than before, and fewer
            strangers are enough.
        table: None takes the one that ships.

    Raises:
        ValueError: there are too few strangers.
    """
    vectors = np.asarray(vectors, np.float32)
    kept = vectors[:0] if beside is None else beside.vectors
    means, fewest = means_of_strangers(vectors, seed), FEWEST_MEANS if beside is None else FEWEST_MEANS_BESIDE
    if len(means) < fewest:
        people = fewest * PEOPLE_IN_A_MEAN
        raise ValueError(f"{len(vectors)} faces of strangers are too few, or of too few people: take photos of {people} people or more")
    fold = np.random.default_rng(seed).permutation(len(vectors)) % FOLDS
    found = []
    for number in range(FOLDS):
        others = Cohort(np.concatenate([kept, means_of_strangers(vectors[fold != number], seed)]))
        faces = others.measure(vectors[fold == number])
        found.append(faces.excess(faces)[np.triu_indices(len(faces.vectors), 1)])
    exceeded = float(np.quantile(np.concatenate(found), 1 - MATCHED_RATE))
    offset = exceeded - (table or shipped_table()).excess_at(1, MATCHED_RATE)
    return Cohort(np.concatenate([kept, means]), offset + (MARGIN if beside is None else 0))
