"""What the bundle `face` learns from: faces as MTCNN finds them, against everything else that it takes for one.

Expects a folder with `face_photos/` (pictures under `images/` and `labels.csv` with five landmarks of one face each) and `nobody_photos/`
(pictures with nobody in them). These folders beside them give more faces where they are present: `identity_lfw`, `smile`, `mask/with_mask`,
`mask_crops853/with_mask`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from models.dataset import picture_paths
from models.detections import Detections
from models.errors import ModelError
from models.mtcnn import MTCNN
from models.pictures import read_picture
from models.samples import Part, Sample, cut_sample, part_of

NOT_FACE, FACE = 0, 1
CLASSES = ("not face", "face")
LOW_THRESHOLDS = (0.3, 0.3, 0.1)
"""Lets through what the usual thresholds stop: loose boxes of faces, and many times more false finds to learn from."""
MORE_FACES = ("identity_lfw", "smile", "mask/with_mask", "mask_crops853/with_mask")
RANDOM_CROPS = 10
"""Random crops of each photo with nobody in it, beside what MTCNN finds there."""

Split = dict[Part, list[Sample]]


def load_face_data(data: Path, seed: int, report: Callable[[str], None]) -> Split:
    """All samples, split: a third of the photos with nobody and a sixth of the people are the test."""
    for name in ("face_photos/labels.csv", "nobody_photos"):
        if not (data / name).exists():
            raise ModelError(f"{data}: has no {name}; the model `face` is trained on a folder with face_photos/ and nobody_photos/.")
    detector = MTCNN(min_face_px=20, thresholds=LOW_THRESHOLDS)
    split: Split = {"train": [], "validation": [], "test": []}
    faces = [*_labelled_faces(data / "face_photos", detector, report)]
    for name in MORE_FACES:
        faces += _more_faces(data, name, detector, report)
    for sample in faces:
        split[part_of(sample.group, validation=0.12, test=0.16)].append(sample)
    for sample, part in _nobody(data / "nobody_photos", np.random.default_rng(seed), report):
        split[part].append(sample)
    return split


def _labelled_faces(folder: Path, detector: MTCNN, report: Callable[[str], None]) -> Iterator[Sample]:
    """Every find on a labelled face, loose ones too. Finds elsewhere may be other people and are left out."""
    missed = found = 0
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in sorted(rows, key=lambda row: row["image"]):
        image = read_picture(folder / row["image"])
        labelled = np.array([[float(row[f"x{i}"]), float(row[f"y{i}"])] for i in range(1, 6)], np.float32)
        detections = detector.detect([image])[0]
        boxes = detections.boxes[_on_face(detections, labelled)]
        missed += len(boxes) == 0
        found += len(boxes)
        for box in boxes:
            yield cut_sample(image, box, FACE, _person(row["image"]), f"face_photos/{row['image']}")
    report(f"face_photos: {len(rows)} photos, {found} finds on the labelled faces, {missed} faces not found")


def _on_face(detections: Detections, labelled: np.ndarray) -> np.ndarray:
    """Which finds have their five landmarks where people marked them: within 0.3 of the face's size on average. (N,) bool."""
    size = float(np.ptp(labelled, axis=0).max())  # eyes to mouth, or eye to eye
    error = np.linalg.norm(detections.landmarks - labelled, axis=2).mean(axis=1)
    return np.asarray(error < 0.3 * size)


def _more_faces(data: Path, name: str, detector: MTCNN, report: Callable[[str], None]) -> Iterator[Sample]:
    """The face in the middle of each picture that shows one person."""
    paths = picture_paths(data / name)
    found = 0
    for path in paths:
        image = read_picture(path)
        box = central_face(detector.detect([image])[0], image.shape[:2])
        if box is not None:
            found += 1
            group = _person(path.name) if name == "identity_lfw" else f"{name}/{path.name}"
            yield cut_sample(image, box, FACE, group, str(path.relative_to(data)))
    if paths:
        report(f"{name}: {len(paths)} pictures, {found} with a face in the middle")


def central_face(detections: Detections, shape: tuple[int, ...]) -> np.ndarray | None:
    """The likeliest find that covers the picture's middle and a quarter of its shorter side; None where there is none."""
    height, width = shape[:2]
    for box in detections.boxes:
        middle = box[0] < width / 2 < box[2] and box[1] < height / 2 < box[3]
        if middle and box[3] - box[1] > min(height, width) / 4:
            return np.asarray(box)
    return None


def _nobody(folder: Path, rng: np.random.Generator, report: Callable[[str], None]) -> Iterator[tuple[Sample, Part]]:
    """What MTCNN takes for a face where nobody is, and random crops; photos learnt from are also looked at turned and in other sizes."""
    detector = MTCNN(min_face_px=12, thresholds=LOW_THRESHOLDS)
    paths = picture_paths(folder)
    counts = dict.fromkeys(("train", "validation", "test"), 0)
    for index, path in enumerate(paths):
        part = part_of_nobody(index)
        image = read_picture(path)
        for view in _views(image) if part == "train" else [image]:
            boxes = detector.detect([view])[0].boxes
            counts[part] += len(boxes)
            if part == "train" and view is image:
                boxes = np.concatenate([boxes, _random_boxes(image.shape, RANDOM_CROPS, rng)])
            for box in boxes:
                yield cut_sample(view, box, NOT_FACE, path.name, f"nobody_photos/{path.name}"), part
    report(f"nobody_photos: {len(paths)} photos, false finds by part: {counts}")


def part_of_nobody(index: int) -> Part:
    """Every third photo in sorted order is the test; of the others, every fifth is for validation."""
    if index % 3 == 0:
        return "test"
    return "validation" if index % 15 in (1, 8) else "train"


def _views(image: np.ndarray) -> Iterator[np.ndarray]:
    yield image
    yield np.ascontiguousarray(image[:, ::-1])
    for turns in (1, 2, 3):
        yield np.ascontiguousarray(np.rot90(image, turns))
    for scale in (0.6, 1.5):
        yield cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _random_boxes(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, 4) squares anywhere, from 16 px to half the shorter side, small ones as often as large ones."""
    height, width = shape[:2]
    sides = np.exp(rng.uniform(np.log(16), np.log(max(min(height, width) / 2, 17)), count))
    x = rng.uniform(0, 1, count) * (width - sides)
    y = rng.uniform(0, 1, count) * (height - sides)
    return np.stack([x, y, x + sides, y + sides], axis=1).astype(np.float32)


def _person(name: str) -> str:
    """The group of a picture: `Tony_Blair_0007.jpg` is one of the person Tony_Blair, any other picture stands for itself."""
    return re.sub(r"_\d{4}$", "", Path(name).stem)
