"""How many faces the detector finds on hand-labelled pictures: python tests/bench/accuracy.py [--peers]

AP (all points, IoU >= 0.5) / recall / false finds, faces whose longer side is at least 20 px, then the landmarks' mean error over the
distance of the eyes. The pictures serve to measure, never to choose a threshold.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from peers import FacenetPytorch, Mtcnn100

sys.path.insert(0, str(Path(__file__).parents[2]))
from models import MTCNN, Detections
from models.evaluation.detection_metrics import detection_ap
from models.imaging.pictures import read_picture
from tests.paths import DATA

LABELLED = DATA / "detect"
SETS = ("facemask", "fddb_single", "dlib_faces", "cmu_mit", "group_checked")
SMALLEST_FACE_PX = 20

Detect = Callable[[np.ndarray], Detections]


def labelled(name: str) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Pictures of a set, the faces to be found on each and the boxes that do not count."""
    faces, ignored = defaultdict(list), defaultdict(list)
    with (LABELLED / name / "boxes.csv").open() as file:
        for row in csv.DictReader(file):
            x, y, width, height = (float(row[key]) for key in ("x", "y", "w", "h"))
            counts = row["ignore"] == "0" and max(width, height) >= SMALLEST_FACE_PX
            (faces if counts else ignored)[row["image"]].append((x, y, x + width, y + height))
    names = sorted({*faces, *ignored})
    images = [read_picture(LABELLED / name / image) for image in names]
    return images, *([np.array(boxes[image], np.float32).reshape(-1, 4) for image in names] for boxes in (faces, ignored))


def landmark_error(detect: Detect) -> tuple[float, float]:
    """Mean error of the found faces' landmarks over the distance of the eyes, and the share of faces found."""
    with (LABELLED / "landmarks5" / "landmarks.csv").open() as file:
        rows = list(csv.DictReader(file))
    errors = []
    for row in rows:
        marked = np.array([(float(row[f"x{i}"]), float(row[f"y{i}"])) for i in range(1, 6)])
        found = detect(read_picture(LABELLED / "landmarks5" / row["image"])).landmarks
        distances = np.linalg.norm(found - marked, axis=2).mean(axis=1) / np.linalg.norm(marked[0] - marked[1])
        if distances.min(initial=1) < 0.5:  # farther is another face
            errors.append(distances.min())
    return float(np.mean(errors)), len(errors) / len(rows)


def judge(detectors: Mapping[str, Detect]) -> None:
    """Prints what each finds on every set, and how exact its landmarks are."""
    for name in SETS:
        images, faces, ignored = labelled(name)
        for label, detect in detectors.items():
            score = detection_ap([detect(image) for image in images], faces, ignored)
            recall = f"{score.found / score.faces:.3f} ({score.found} of {score.faces})"
            print(f"{name:14} {label:22} AP {score.average_precision:.3f}  recall {recall:18} false {score.false}", flush=True)
    for label, detect in detectors.items():
        error, share = landmark_error(detect)
        print(f"{'landmarks5':14} {label:22} error {error:.4f} of the eyes' distance, on {share:.3f} of the faces", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true", help="also mtcnn 1.0.0 and facenet-pytorch")
    parser.add_argument("--min-face-px", type=int, default=20)
    arguments = parser.parse_args()
    rough, exact = MTCNN(device="cpu"), MTCNN(device="cpu", precision="f32")
    detectors: dict[str, Detect] = {
        "facestream": lambda image: rough.detect([image], arguments.min_face_px)[0],
        "facestream f32": lambda image: exact.detect([image], arguments.min_face_px)[0],
    }
    facenet = None
    if arguments.peers:
        mtcnn, facenet = Mtcnn100(), FacenetPytorch()
        detectors[mtcnn.name] = lambda image: mtcnn.detect([image], arguments.min_face_px)
        detectors[facenet.name] = lambda image: facenet.detect([image], arguments.min_face_px)
    judge(detectors)
    if facenet:
        facenet.close()


if __name__ == "__main__":
    main()
