"""Frames per second of the detector on this machine's GPU, beside its CPU: python tests/bench/gpu.py [--rounds N]

For 480p, 720p and 1080p at their usual smallest face, in batches of 1, 4 and 16: the cascade as one compiled function, the same networks
one by one through Keras, and OpenVINO on the CPU; and whether all find the same faces. KERAS_BACKEND chooses tensorflow or jax.
Where no GPU can be used it says so and ends well; `--anyway` measures the compiled function where it then runs, on the CPU.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from detector import scene

from models import MTCNN, Detections
from models.detection.cascade import PYRAMID_STEP
from models.detection.cascade_networks import load_as_keras
from models.detection.compiled.cascade import CompiledCascade
from models.detection.stepwise import StepwiseCascade
from models.errors import FacestreamError
from models.inference.device import choose_device

THRESHOLDS = (0.6, 0.7, 0.7)
CASES = ((854, 480, 27), (1280, 720, 40), (1920, 1080, 60), (1920, 1080, 20))
"""Width, height, smallest face, px: those of `detector.min_face_px: auto`, and the heaviest."""
BATCHES = (1, 4, 16)

Detect = Callable[[np.ndarray], Sequence[Detections]]


def frames_per_second(detect: Detect, frames: np.ndarray, rounds: int) -> float:
    """The median over rounds; one round before them is not counted."""
    detect(frames)
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        detect(frames)
        seconds.append(time.perf_counter() - start)
    return len(frames) / float(np.median(seconds))


def agree(ours: Sequence[Detections], theirs: Sequence[Detections]) -> bool:
    """As many faces, and boxes within a pixel."""
    return all(
        len(a) == len(b) and (not len(a) or (np.abs(a.boxes - b.boxes).max() <= 1 and np.abs(a.scores - b.scores).max() <= 0.01))
        for a, b in zip(ours, theirs, strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--cases", type=int, default=len(CASES), help="only the first so many sizes")
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument("--anyway", action="store_true", help="also without a GPU")
    arguments = parser.parse_args()
    try:
        choose_device("gpu")
    except FacestreamError as error:
        print(f"no GPU here: {error}")
        if not arguments.anyway:
            sys.exit(0)
    cpu = MTCNN(device="cpu")
    exact = MTCNN(device="cpu", precision="f32")
    one_by_one = StepwiseCascade(load_as_keras(), THRESHOLDS, PYRAMID_STEP)
    import keras

    print(f"keras {keras.__version__} on {keras.backend.backend()}, devices {keras.distribution.list_devices() or 'none but the CPU'}")
    for width, height, min_face_px in CASES[: arguments.cases]:
        for batch in arguments.batches:
            frames = np.stack([np.roll(scene(width, height), 4 * shift, axis=1) for shift in range(batch)])
            start = time.perf_counter()
            cascade = CompiledCascade(height, width, min_face_px, THRESHOLDS, PYRAMID_STEP, batch)
            compiling_s = time.perf_counter() - start
            ways: dict[str, Detect] = {
                "compiled": cascade,
                "networks through Keras": lambda frames: one_by_one.detect(list(frames), [min_face_px] * len(frames)),  # noqa: B023 called here and now
                "CPU": lambda frames: cpu.detect(list(frames), min_face_px),  # noqa: B023
            }
            same = agree(cascade(frames), exact.detect(list(frames), min_face_px))
            speeds = "  ".join(f"{name} {frames_per_second(way, frames, arguments.rounds):7.1f}" for name, way in ways.items())
            print(
                f"{width}×{height}, min face {min_face_px:2}, batch {batch:2}: frames/s {speeds}  "
                f"({compiling_s:.1f} s to compile; {'the same faces as' if same else 'NOT the faces of'} the CPU in f32; "
                f"dropped {cascade.dropped.tolist()})",
                flush=True,
            )


if __name__ == "__main__":
    main()
