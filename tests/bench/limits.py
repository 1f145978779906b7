"""How near each network of the detector comes to what this processor can do at all: python tests/bench/limits.py

Prints the time of a batch over that of the same arithmetic as one large matrix product in the same precision, both on one core, taken in
turns; the least of each counts, because a busy machine only ever adds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np

from models.mtcnn import ONET_BATCH_SIZES, PNET_BATCH_SIZES, RNET_BATCH_SIZES, load_on_openvino
from models.openvino_quiet import ops, ov
from models.pyramid import TILE_PX
from models.runtime import Precision, load_openvino

FLOP = {"P-Net": 3660 * TILE_PX**2, "R-Net": 3.06e6, "O-Net": 25.8e6}
"""Of one tile or crop: two for each weight at each place."""
SIDE = 1024
ROUNDS = 60


def matrix_product(precision: Precision) -> Callable[[], object]:
    """Runs a product of (SIDE, SIDE) matrices."""
    rows = ops.parameter([-1, SIDE], np.float32)
    weights = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32)
    network = load_openvino(
        ov.Model([ops.matmul(rows, ops.constant(weights), False, False)], [rows], "product"), precision=precision, batch_sizes=(SIDE,)
    )
    batch = np.random.default_rng(1).normal(size=(SIDE, SIDE)).astype(np.float32)
    return lambda: network(batch)


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rng = np.random.default_rng(2)
    precisions: tuple[Precision, ...] = ("auto", "f32")
    for precision in precisions:
        networks = load_on_openvino(precision)
        cases = (
            ("P-Net", networks.propose, max(PNET_BATCH_SIZES), TILE_PX),
            ("R-Net", networks.refine, max(RNET_BATCH_SIZES), 24),
            ("O-Net", networks.output, max(ONET_BATCH_SIZES), 48),
        )
        product = matrix_product(precision)
        for name, network, count, side in cases:
            batch = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
            taken = [(seconds(lambda network=network, batch=batch: network(batch)), seconds(product)) for _ in range(ROUNDS)]
            ours, theirs = np.min(taken, axis=0)
            least = theirs * FLOP[name] * count / (2 * SIDE**3)
            print(
                f"{precision:5} {name} x {count:3}  {ours * 1e3:6.2f} ms, {ours / least:4.1f} times a matrix product of that size",
                flush=True,
            )


if __name__ == "__main__":
    main()
