"""Which faces are one person's, where nobody has a name."""

from __future__ import annotations

import numpy as np

from models.identity.cohort import Cohort
from models.identity.thresholds import ThresholdTable

FALSE_JOINS = 0.15
"""Measured on people that thresholds are learnt on, 310 to 2,830 photos, half of people with a single one: 99 of 100 photos are in a group
that is mostly of their person, and of people with several, 91 of 100 are in one group."""


def group(vectors: np.ndarray, cohort: Cohort, *, false_joins: float = FALSE_JOINS, table: ThresholdTable | None = None) -> np.ndarray:
    """Agglomerative clustering with average linkage, by chains of nearest neighbours (Murtagh 1983), until no groups are alike.

    5,000 faces take some seconds and 300 MB, and twice as many four times that.

    Args:
        vectors: (N, F) of unit length; N may be 0.
        false_joins: of faces of people who are there once, the share that may be as much like another face as one person's are: more puts
            more people together, less leaves more groups of one person apart. The more faces there are, the more alike they must be for it.
        table: None takes the cohort's.

    Raises:
        ValueError: false_joins is not above 0.

    Returns:
        (N,) group numbers: the largest is 0, and of two of one size the one whose first face comes first.
    """
    if not false_joins > 0:
        raise ValueError(f"false_joins is a share above 0, not {false_joins:g}")
    faces = cohort.measure(np.asarray(vectors, np.float32))
    likeness = faces.excess(faces)
    likeness += likeness.T  # the same both ways to the last digit, or chains could go round in a circle
    likeness /= 2
    np.fill_diagonal(likeness, -np.inf)
    number = len(likeness)
    alike = (table or cohort.table).excess_at(1, min(false_joins / max(number, 1), 1.0)) + cohort.offset
    sizes, owner, open_ = np.ones(number), np.arange(number), np.ones(number, bool)
    chain: list[int] = []
    while open_.any():
        if not chain:
            chain = [int(np.argmax(open_))]
        last = chain[-1]
        nearest = int(np.argmax(likeness[last]))
        if len(chain) > 1 and likeness[last, chain[-2]] >= likeness[last, nearest]:
            nearest = chain[-2]
        elif likeness[last, nearest] > -np.inf:
            chain.append(nearest)
            continue
        del chain[-2:]
        if likeness[last, nearest] < alike:  # whatever else is joined, neither gets a nearer neighbour (it is reducible)
            for done in {last, nearest}:
                open_[done] = False
                likeness[done] = likeness[:, done] = -np.inf
            continue
        joined = (sizes[last] * likeness[last] + sizes[nearest] * likeness[nearest]) / (sizes[last] + sizes[nearest])
        likeness[last] = likeness[:, last] = joined
        likeness[last, last] = -np.inf
        likeness[nearest] = likeness[:, nearest] = -np.inf
        sizes[last] += sizes[nearest]
        open_[nearest] = False
        owner[owner == nearest] = last
    _, first, inverse, counts = np.unique(owner, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -counts))
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    return rank[inverse]
