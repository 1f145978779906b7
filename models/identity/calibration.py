"""What a network that does not ship needs beside it, out of photos of a user's strangers: a cohort, and how rarely strangers exceed it."""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np

from models.identity.cohort import SHIPPED_SPREAD, AnotherNetwork, Cohort
from models.identity.strangers import FEWEST_MEANS, PEOPLE_IN_A_MEAN, SAME_PERSON_COSINE, means_of_strangers
from models.identity.thresholds import ThresholdTable, shipped_table

ASKED_STRANGERS = FEWEST_MEANS * PEOPLE_IN_A_MEAN
FEWEST_STRANGERS = 9 * ASKED_STRANGERS // 10
"""Of so many different people 1 in 20 is taken for another of them and left out (LFW, 500 people with a photo each)."""
FOLDS = 10
"""Two are left out at a time. With 5, cohorts are so much smaller that people stay unknown without need: of 80 with a photo each .55 to
.72 of looks are named instead of .68 to .85; with 20 more strangers get a name in some galleries than were asked for (LFW, the people
thresholds are learnt on: 500 of them as strangers, the others judged)."""
FEWEST_COMPARISONS = 10
"""That exceed what a rate is told of. With 500 people that is 1 in 10,000."""
SURE = 4
"""Of the rates, one that any 450 people show well, 3 in 1,000: how far it lies from the first says how much wider or narrower one network's
numbers are than another's."""
SEEN = 2000
"""Faces of which it is measured how far they are apart."""


def calibrate(vectors: np.ndarray, network: str) -> Cohort:
    """What strangers look like to a network, with thresholds of its own.

    Of each stranger there is one photo: how much more the mean of several exceeds a cohort is taken from the network that ships, in
    proportion.

    Args:
        vectors: (N, F) of unit length, one of each stranger.
        network: the id of what has described them.

    Raises:
        ValueError: there are too few strangers.
    """
    if len(vectors) < FEWEST_STRANGERS:
        raise ValueError(f"{len(vectors)} strangers are too few: take photos of {ASKED_STRANGERS} people or more")
    spread = spread_of(vectors)
    apart = 1 - (1 - SAME_PERSON_COSINE) * (spread / SHIPPED_SPREAD) ** 2
    excess = _excess(vectors, apart)
    shipped = shipped_table()
    rates = tuple(rate for rate in shipped.rates if rate * len(excess) >= FEWEST_COMPARISONS)
    row = np.quantile(excess, [1 - rate for rate in rates])
    theirs = shipped.excess[:, : len(rates)]
    width = (row[SURE] - row[0]) / (theirs[0, SURE] - theirs[0, 0])
    table = ThresholdTable(shipped.photos, rates, row + (theirs - theirs[0]) * width)
    return Cohort(means_of_strangers(vectors, apart=apart), another=AnotherNetwork(network, table, spread))


def spread_of(vectors: np.ndarray) -> float:
    """How far two faces are apart, in the median: (N, F) of unit length."""
    some = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), SEEN)).astype(int)]
    cosines = (some @ some.T)[np.triu_indices(len(some), 1)]
    return float(np.sqrt(max(0.0, 2 - 2 * float(np.median(cosines)))))


def _excess(vectors: np.ndarray, apart: float) -> np.ndarray:
    """(pairs,) how much more like each other than like the others strangers are, each pair by a cohort that neither is in."""
    fold = np.random.default_rng(0).permutation(len(vectors)) % FOLDS
    found = []
    for one, other in combinations_with_replacement(range(FOLDS), 2):
        cohort = Cohort(means_of_strangers(vectors[(fold != one) & (fold != other)], apart=apart))
        faces, people = (cohort.measure(vectors[fold == number]) for number in (one, other))
        excess = faces.excess(people)
        found.append(excess[np.triu_indices(len(excess), 1)] if one == other else excess.ravel())
    return np.concatenate(found)
