"""How photos of one person lie to each other: what is there twice, and what does not belong to the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

COPY = 0.12
"""Photos that are closer are one photo: half the size, JPEG 50, cropped, mirrored or brighter they are at most .09 apart in the median;
1 in 100 pairs of true photos is below .156 (LFW)."""
ODD = 0.40
"""A photo further than this from the mean of the others shows somebody else: 99.2 % of intruders are, and 0.6 % of clean sets of three."""
ODD_OF_TWO = 0.42
"""The same of two photos; 0.7 % of clean pairs."""


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean: (N, F) and (M, F), both of unit length -> (N, M) float32, 0..2."""
    return np.asarray(np.sqrt(np.maximum(0.0, 2.0 - 2.0 * (np.asarray(a, np.float64) @ np.asarray(b, np.float64).T))), np.float32)


def nearest(vector: np.ndarray, others: np.ndarray) -> tuple[int, float]:
    """Which of the others is nearest, and how far it is: (F,) and (N, F), N > 0."""
    apart = distances(vector[None], others)[0]
    index = int(apart.argmin())
    return index, float(apart[index])


def from_the_rest(vectors: np.ndarray) -> np.ndarray:
    """How far each is from the unit mean of the others: (N, F), N > 1 -> (N,) float32."""
    rest = vectors.sum(axis=0) - vectors
    rest = rest / np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-12)
    return np.asarray(np.linalg.norm(vectors - rest, axis=1), np.float32)


def odd_ones(vectors: np.ndarray, sure: Sequence[int] = ()) -> list[int]:
    """Those that do not belong to the rest, the oddest first; of two that do not fit each other, both.

    Args:
        vectors: (N, F) of unit length.
        sure: indexes of those that are known to be right.
    """
    left, odd = list(range(len(vectors))), list[int]()
    while len(left) > 1 and set(left) - set(sure):
        apart = from_the_rest(vectors[left])
        if len(left) == 2:
            return [*odd, *(index for index in left if index not in sure and apart[0] > ODD_OF_TWO)]
        worst = max((place for place, index in enumerate(left) if index not in sure), key=lambda place: float(apart[place]))
        if apart[worst] <= ODD:
            break
        odd.append(left.pop(worst))
    return odd
