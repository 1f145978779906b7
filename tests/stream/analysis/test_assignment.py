from __future__ import annotations

import itertools

import numpy as np
import pytest

from stream.analysis.assignment import assign


@pytest.mark.parametrize("seed", range(10))
def test_all_together_costs_least(seed: int) -> None:
    costs = np.random.default_rng(seed).uniform(0, 1, (4, 5))
    pairs = assign(costs, 10.0)
    best = min(sum(costs[row, column] for row, column in enumerate(columns)) for columns in itertools.permutations(range(5), 4))
    assert sum(costs[pair] for pair in pairs) == pytest.approx(best)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == 4


def test_nothing_dearer_than_the_limit() -> None:
    assert assign(np.array([[0.6, 0.9], [0.9, 0.2]]), 0.5) == [(1, 1)]
    assert assign(np.full((2, 3), 0.6), 0.5) == []


def test_none_of_none() -> None:
    assert assign(np.zeros((0, 3)), 1.0) == assign(np.zeros((3, 0)), 1.0) == []
