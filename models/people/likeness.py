"""How photos of one person lie to each other: what is there twice, and what does not belong to the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.identity.cohort import Cohort
from models.identity.recogniser import KnownPerson, Recogniser

COPY = 0.212
"""Photos that are closer than this share of what is between two strangers are one photo. By the network that ships that is .12: half the
size, JPEG 50, cropped, mirrored or brighter they are at most .09 apart in the median; 1 in 100 pairs of true photos is below .156 (LFW)."""
ODD = 0.0085
"""A photo shows somebody else where more than this share of strangers would fit the others as well: it does for 99 % of intruders, and for
0.5 % of clean sets of two or three photos. Among East Asian names it is 96 % and 5 %; a distance of .40 to the mean of the others, as good
for other names, finds 66 % of intruders there (LFW, 800 sets each)."""


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean: (N, F) and (M, F), both of unit length -> (N, M) float32, 0..2."""
    return np.asarray(np.sqrt(np.maximum(0.0, 2.0 - 2.0 * (np.asarray(a, np.float64) @ np.asarray(b, np.float64).T))), np.float32)


def nearest(vector: np.ndarray, others: np.ndarray) -> tuple[int, float]:
    """Which of the others is nearest, and how far it is: (F,) and (N, F), N > 0."""
    apart = distances(vector[None], others)[0]
    index = int(apart.argmin())
    return index, float(apart[index])


def fits(vectors: np.ndarray, cohort: Cohort) -> tuple[np.ndarray, np.ndarray]:
    """How well each photo fits the others.

    Args:
        vectors: (N, F) of unit length, N > 1.

    Returns:
        (N,) scores, and (N,) shares of strangers that would score so.
    """
    scores, rates = list[float](), list[float]()
    for index in range(len(vectors)):
        others = Recogniser([KnownPerson("", np.delete(vectors, index, axis=0))], cohort)
        scores.append(float(others.scores(vectors[index : index + 1])[0, 0]))
        rates.append(others.false_name_rate(scores[-1]))
    return np.array(scores), np.array(rates)


def odd_ones(vectors: np.ndarray, cohort: Cohort, sure: Sequence[int] = ()) -> list[int]:
    """Those that do not belong to the rest, the oddest first; of two that do not fit each other, both.

    Args:
        vectors: (N, F) of unit length.
        sure: indexes of those that are known to be right.
    """
    left, odd = list(range(len(vectors))), list[int]()
    while len(left) > 1 and set(left) - set(sure):
        scores, rates = fits(vectors[left], cohort)
        if len(left) == 2:
            return [*odd, *(index for index in left if index not in sure and rates[0] > ODD)]
        worst = min((place for place, index in enumerate(left) if index not in sure), key=lambda place: float(scores[place]))
        if rates[worst] <= ODD:
            break
        odd.append(left.pop(worst))
    return odd
