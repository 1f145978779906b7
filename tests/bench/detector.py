"""How long the detector takes beside others, in turns: python tests/bench/detector.py [--peers] [--batch N] [--rounds N]

Prints the median time, the best, and the ratio to each peer: the median of the ratios of each round, with its quartiles. Ratios survive a
busy machine, times do not. With --batch, each is given so many copies of a picture at a time; times are of one of them. mtcnn 1.0.0 finds
nothing from a smallest face of about 30 px up (it fails inside): its times there say nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np
from accuracy import labelled
from peers import FacenetPytorch, Mtcnn100

from models import MTCNN
from models.detection.proposals import PICTURES_BEFORE_STRIPS
from models.imaging.pictures import read_picture

CASES = (
    (640, 480, 20),
    (640, 480, 27),
    (640, 480, 40),
    (640, 480, 80),
    (1280, 720, 20),
    (1280, 720, 40),
    (1280, 720, 80),
    (1920, 1080, 20),
    (1920, 1080, 40),
    (1920, 1080, 80),
)
"""Width, height, smallest face, px."""
WARM_UP = PICTURES_BEFORE_STRIPS + 2

WARM_S = 0.15
"""One run of the slowest on 640x480: after a pause, or after another detector, processors need so long to reach full speed."""

Pictures = list[np.ndarray]
Timed = Callable[[Pictures, int], float]
"""Seconds for a batch of pictures and a smallest face in px."""


def scene(width: int, height: int) -> np.ndarray:
    """Grace Hopper's portrait, three fifths of the picture high, on a blurred copy of itself."""
    from pathlib import Path

    import matplotlib

    portrait = read_picture(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    image = cv2.blur(cv2.resize(portrait, (width, height)), (25, 25))
    tall = height * 3 // 5
    face = cv2.resize(portrait, (tall * 512 // 600, tall), interpolation=cv2.INTER_AREA)
    image[height // 5 : height // 5 + tall, width // 3 : width // 3 + face.shape[1]] = face
    return image


def timed(run: Callable[[Pictures, int], object]) -> Timed:
    def measure(images: Pictures, min_face_px: int) -> float:
        start = time.perf_counter()
        run(images, min_face_px)
        return time.perf_counter() - start

    return measure


def compare(detectors: dict[str, Timed], images: Pictures, min_face_px: int, rounds: int, label: str) -> None:
    """Each detector once a round, in turns, after runs of WARM_S that are not timed: threads of the one before may still be spinning."""
    seconds: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(WARM_UP):  # a size that comes again and again is looked at by a network of its own
        detectors["facestream"](images, min_face_px)
        detectors["facestream f32"](images, min_face_px)
    for _ in range(rounds):
        for name, measure in detectors.items():
            warm_until = time.perf_counter() + WARM_S
            measure(images, min_face_px)
            while time.perf_counter() < warm_until:
                measure(images, min_face_px)
            seconds[name].append(measure(images, min_face_px) / len(images))
    ours = np.array(seconds["facestream"])
    for name, theirs in seconds.items():
        low, middle, high = np.percentile(np.array(theirs) / ours, [25, 50, 75])
        ratio = "" if name == "facestream" else f"  {middle:5.1f} times ours ({low:.1f} to {high:.1f})"
        print(f"{label:22} {name:22} {np.median(theirs) * 1e3:7.1f} ms, at best {min(theirs) * 1e3:7.1f}{ratio}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true", help="also mtcnn 1.0.0 and facenet-pytorch")
    parser.add_argument("--batch", type=int, default=1, help="pictures at a time")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", help="only the cases whose name holds this, such as 640x480 or 'at 20'", default="")
    parser.add_argument("--folder", action="store_true", help="also the mixed sizes of facemask, once")
    arguments = parser.parse_args()
    ours, exact = MTCNN(device="cpu"), MTCNN(device="cpu", precision="f32")
    detectors: dict[str, Timed] = {
        "facestream": timed(ours.detect),
        "facestream f32": timed(exact.detect),
    }
    facenet = None
    if arguments.peers:
        facenet = FacenetPytorch()

        def facenet_seconds(images: Pictures, min_face_px: int) -> float:
            facenet.detect(images, min_face_px)
            return facenet.seconds

        detectors |= {Mtcnn100.name: timed(Mtcnn100().detect), FacenetPytorch.name: facenet_seconds}
    for width, height, min_face_px in CASES:
        label = f"{width}x{height} at {min_face_px}"
        if arguments.only in label:
            images = list(np.stack([scene(width, height)] * arguments.batch))
            compare(detectors, images, min_face_px, arguments.rounds, label)
    if arguments.folder:
        images, _, _ = labelled("facemask")
        totals = {name: sum(measure([image], 20) for image in images) for name, measure in detectors.items()}
        for name, total in totals.items():
            print(f"{len(images)} mixed photos at 20   {name:22} {total:7.2f} s  {total / totals['facestream']:5.1f} times ours")
    if facenet:
        facenet.close()


if __name__ == "__main__":
    main()
