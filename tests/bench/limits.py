"""How near the detector comes to what this processor can do at all: python tests/bench/limits.py

First, on all cores: the time of a frame, and that of its networks alone, which are given the very batches of that frame again, ready-made.
What the frame takes longer is everything else: pyramid, proposals, suppression, crops, and waiting for them.
Then, on one core: the time of a batch over that of the same arithmetic as one large matrix product in the same precision.
All are taken in turns; the least of each counts, because a busy machine only ever adds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
from detector import WARM_UP, scene

from models import MTCNN
from models.detection.cascade import PRESETS
from models.detection.cascade_networks import load_on_openvino
from models.detection.stepwise import StepwiseCascade
from models.detection.tiling import TILE_PX
from models.inference.network import Network, Precision
from models.inference.openvino_backend import load_openvino
from models.inference.openvino_quiet import ops, ov

FLOP = {"P-Net": 3660 * TILE_PX**2, "R-Net": 3.06e6, "O-Net": 25.8e6}
"""Of one tile or crop: two for each weight at each place."""
SIDE = 1024
ROUNDS = 60


FRAMES = ((640, 480, 20), (1280, 720, 40))
"""Width, height, smallest face, px."""


class Remembering:
    """A network that remembers the batches it was last given, and can run them again."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._batches: list[np.ndarray] = []
        self.at_a_time = network.at_a_time

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        return self._network(batch)

    def each(self, batches: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        self._batches = []
        for batch in batches:
            self._batches.append(batch)
            yield from self._network.each([batch])

    def again(self) -> None:
        for _ in self._network.each(self._batches):
            pass


def whole_frames(precision: Precision) -> None:
    """Prints what of a frame's time its networks need."""
    for width, height, min_face_px in FRAMES:
        detector, loaded = MTCNN(device="cpu", precision=precision), load_on_openvino(precision)
        image = scene(width, height)
        networks = [Remembering(loaded.refine), Remembering(loaded.output)]
        load = loaded.propose_strips

        def strips(height_px: int, width_px: int, load=load, networks=networks) -> Network:  # type: ignore[no-untyped-def]
            networks.append(Remembering(load(height_px, width_px)))
            return networks[-1]

        with_memory = replace(loaded, refine=networks[0], output=networks[1], propose_strips=strips)
        remembering = StepwiseCascade(with_memory, *PRESETS["live"])
        for _ in range(WARM_UP):
            detector.detect([image], min_face_px)
            remembering.detect([image], [min_face_px])

        def alone(networks: list[Remembering] = networks) -> None:
            for network in networks:
                network.again()

        def frame(detector: MTCNN = detector, image: np.ndarray = image, min_face_px: int = min_face_px) -> object:
            return detector.detect([image], min_face_px)

        whole, only = np.min([(seconds(frame), seconds(alone)) for _ in range(ROUNDS)], axis=0) * 1e3
        print(
            f"{precision:5} {width}x{height} at {min_face_px}  {whole:6.2f} ms, the networks alone {only:6.2f} ms, "
            f"everything else {whole / only - 1:4.2f} of that",
            flush=True,
        )


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


def networks_on_one_core(precision: Precision) -> None:
    """Prints how each network's time compares with a matrix product."""
    rng = np.random.default_rng(2)
    networks = load_on_openvino(precision)
    cases = (
        ("P-Net", networks.propose, 16, TILE_PX),
        ("R-Net", networks.refine, 128, 24),
        ("O-Net", networks.output, 16, 48),
    )
    product = matrix_product(precision)
    for name, network, count, side in cases:
        batch = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        taken = [(seconds(lambda network=network, batch=batch: network(batch)), seconds(product)) for _ in range(ROUNDS)]
        ours, theirs = np.min(taken, axis=0)
        least = theirs * FLOP[name] * count / (2 * SIDE**3)
        print(
            f"{precision:5} {name} x {count:3}  {ours * 1e3:6.2f} ms, {ours / least:4.1f} times a matrix product of that size", flush=True
        )


def main() -> None:
    precisions: tuple[Precision, ...] = ("auto", "f32")
    for precision in precisions:
        whole_frames(precision)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for precision in precisions:
        networks_on_one_core(precision)


if __name__ == "__main__":
    main()
