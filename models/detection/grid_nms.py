"""Suppression within a level, for boxes that all lie on P-Net's grid."""

from __future__ import annotations

import numpy as np

from models.detection.tiling import Plan


def thin_cells(cells: np.ndarray, scores: np.ndarray, plan: Plan) -> np.ndarray:
    """Greedy NMS at an overlap of 0.5 within each level, for boxes that all lie on P-Net's grid.

    Boxes of one level are equal squares, 12 px wide, in steps of 2 px. So those that overlap by more than half are exactly the eight
    around each: one step apart both ways shares 100 of 188 px², two steps one way 96 of 192. Cells that are the best of their
    neighbourhood stay, their neighbours go, again until all are decided: the same answer as going through them one by one.

    Args:
        cells: (N,) numbers in the plan's grid.
        scores: (N,) of equal ones the first in the grid is the better.
        plan: the grid.

    Returns:
        (M,) indices into `cells` of those that stay, ascending cell numbers.
    """
    in_grid = np.argsort(cells)
    order = in_grid[np.argsort(-scores[in_grid], kind="stable")]
    ranked = cells[order]
    nobody = len(ranked)
    ranks = np.full(plan.grid_size, nobody, np.int32)
    ranks[ranked] = np.arange(nobody)
    row = plan.row_lengths(ranked)[:, None] * np.array([-1, -1, -1, 0, 0, 1, 1, 1])
    around = ranked[:, None] + row + np.array([-1, 0, 1, -1, 1, -1, 0, 1])
    stays = np.zeros(nobody, bool)
    open_ = np.arange(nobody)
    while len(open_):
        best = open_[ranks[around[open_]].min(axis=1) > open_]
        stays[best] = True
        ranks[around[best]] = nobody
        ranks[ranked[best]] = nobody
        open_ = open_[ranks[ranked[open_]] < nobody]
    kept = order[stays]
    return np.asarray(kept[np.argsort(cells[kept])])
