"""Which of these belongs to which of those, when each belongs to one at most."""

from __future__ import annotations

import lap
import numpy as np


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
