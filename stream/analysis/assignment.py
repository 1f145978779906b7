"""Which of these belongs to which of those, when each belongs to one at most."""

from __future__ import annotations

import lap
import numpy as np


def centres_apart(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Between the boxes `a` (N, 4) and `b` (M, 4): (N, M) px between their centres, and their sides, px: (N, 1) and (1, M)."""
    centres_a, centres_b = (a[:, :2] + a[:, 2:]) / 2, (b[:, :2] + b[:, 2:]) / 2
    sides_a, sides_b = (np.sqrt(np.maximum((one[:, 2:] - one[:, :2]).prod(axis=1), 1)) for one in (a, b))
    return np.linalg.norm(centres_a[:, None] - centres_b[None], axis=2), sides_a[:, None], sides_b[None]


def assign(costs: np.ndarray, limit: float) -> list[tuple[int, int]]:
    """The pairs of rows and columns that cost least together (Jonker and Volgenant 1987: the Hungarian method's answer, sooner).

    Args:
        costs: (N, M), 0 or more each.
        limit: a pair that costs more is none.
    """
    if 0 in costs.shape:
        return []
    _, columns, _ = lap.lapjv(np.asarray(costs, np.float64), extend_cost=True, cost_limit=limit)
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0 and costs[row, column] <= limit]
