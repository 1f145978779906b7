"""YuNet as the program runs it beside OpenCV's own FaceDetectorYN: python tests/bench/yunet.py WEIGHTS.onnx [--rounds N] [--skip-faces]

First the time, in turns in one run: the median of the ratios of each round, with its quartiles. OpenCV takes one picture at a time; ours
are given so many as the batch says, times are of one of them. Then the faces: AP (all points, IoU >= 0.5, faces from 20 px) of both on the
same pictures at the same size, of ours at its usual score, and of MTCNN; then landmarks. Both see a picture as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from accuracy import Detect, judge
from detector import scene, timed

from models import MTCNN, Detections
from models.detection.yunet import NMS_OVERLAP, SCORE, SMALLEST_FACE_PX, YuNet

LOWEST_SCORE = 0.02
"""For AP, which weighs finds of every score."""
SIZES = ((640, 480), (1280, 720), (1920, 1080))
BATCHES = (1, 4)
WARM_UP = 3


class OpenCV:
    """FaceDetectorYN on pictures of any sizes, at the size they have."""

    def __init__(self, weights: Path, score: float) -> None:
        self._detector = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), score, NMS_OVERLAP, 5000)

    def detect(self, image: np.ndarray) -> Detections:
        self._detector.setInputSize((image.shape[1], image.shape[0]))
        rows = self._detector.detect(np.ascontiguousarray(image[:, :, ::-1]))[1]
        rows = np.zeros((0, 15), np.float32) if rows is None else rows
        best = rows[np.argsort(-rows[:, 14], kind="stable")]
        return Detections(np.concatenate([best[:, :2], best[:, :2] + best[:, 2:4]], axis=1), best[:, 14], best[:, 4:14].reshape(-1, 5, 2))


def faces(weights: Path) -> None:
    theirs, ours, exact = (
        OpenCV(weights, LOWEST_SCORE),
        YuNet(weights, score=LOWEST_SCORE),
        YuNet(weights, score=LOWEST_SCORE, precision="f32"),
    )
    mtcnn, usual = MTCNN(device="cpu"), YuNet(weights)
    detectors: dict[str, Detect] = {
        "OpenCV": theirs.detect,
        "ours": lambda image: ours.detect([image], SMALLEST_FACE_PX)[0],
        "ours f32": lambda image: exact.detect([image], SMALLEST_FACE_PX)[0],
        f"ours from {SCORE:g}": lambda image: usual.detect([image], SMALLEST_FACE_PX)[0],
        "MTCNN": lambda image: mtcnn.detect([image], 20)[0],
    }
    judge(detectors)


def times(weights: Path, rounds: int) -> None:
    """Every picture is a little another, as in a video."""
    theirs, ours, exact = OpenCV(weights, SCORE), YuNet(weights), YuNet(weights, precision="f32")
    for width, height in SIZES:
        for batch in BATCHES:
            images = [np.roll(scene(width, height), 4 * shift, axis=1) for shift in range(batch)]
            ways = {
                "ours": timed(lambda images, px: ours.detect(images, px)),
                "ours f32": timed(lambda images, px: exact.detect(images, px)),
                "OpenCV": timed(lambda images, px: [theirs.detect(image) for image in images]),
            }
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            for _ in range(WARM_UP + rounds):
                for name, measure in ways.items():
                    measure(images, SMALLEST_FACE_PX)
                    seconds[name].append(measure(images, SMALLEST_FACE_PX) / batch)
            opencv = np.array(seconds["OpenCV"][WARM_UP:])
            for name in ("ours", "ours f32"):
                low, middle, high = np.percentile(np.array(seconds[name][WARM_UP:]) / opencv, [25, 50, 75])
                own = np.median(seconds[name][WARM_UP:]) * 1e3
                print(
                    f"{width}x{height}, batch {batch}  {name:9} {own:6.2f} ms, OpenCV {np.median(opencv) * 1e3:6.2f} ms: "
                    f"{middle:.2f} of its time ({low:.2f} to {high:.2f})",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--skip-faces", action="store_true", help="only the time")
    arguments = parser.parse_args()
    times(arguments.weights, arguments.rounds)
    if not arguments.skip_faces:
        faces(arguments.weights)


if __name__ == "__main__":
    main()
