"""What the bundle `face` learns from: faces as MTCNN finds them, against everything else that it takes for one.

Expects a folder with `face_photos/` (pictures under `images/` and `labels.csv` with five landmarks of one face each) and `nobody_photos/`
(pictures with nobody in them). The folders `MORE_FACES` beside them give more faces where they are present.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from models.data.dataset import Progress, Report
from models.data.layout import picture_paths
from models.data.perturbations import altered
from models.data.samples import Part, Sample, Split, cut_sample, part_of
from models.detection.detections import Detections
from models.detection.detector import Detector, DetectorOptions, load_detector
from models.errors import ModelError
from models.imaging.boxes import iou, overlaps
from models.imaging.pictures import read_picture

NOT_FACE, FACE = 0, 1
CLASSES = ("not face", "face")
LOW_THRESHOLDS = (0.3, 0.3, 0.1)
"""Lets through what the usual thresholds stop: loose boxes of faces, and many times more false finds to learn from."""
MASKS = ("mask/with_mask", "mask_crops853/with_mask")
MORE_FACES = ("smile", *MASKS, "mask/without_mask", "mask_crops853/without_mask")
"""Not the people of identity_*: models that start from this one are judged on them."""
UNLABELLED_FACE_FROM = 0.3
"""A find in a picture without landmarks is the face from this score up: of lower ones, some are none."""
PEOPLE_AMONG_NOBODY = (
    "nonface_scenes275_market_outdoor_sun_bnshngjecrewktzn.jpg",
    "nonface_scenes275_food_court_sun_aydtvgeayjaottqz.jpg",
    "nonface_scenes275_candy_store_sun_aoqcvifuszwpcvcj.jpg",
)
"""Photos of `nobody_photos` that do show people (seen by eye among MTCNN's surest finds there); nothing is learnt from them."""
POSE = "head_pose_1left_3front_5right"
"""Column of labels.csv."""
HARD = 3
"""Weight of what is hard: masks, faces from the side or that MTCNN is not sure of, and finds on nobody that it is not unsure of."""
EASY_FROM = 0.95
"""MTCNN's score of nineteen faces in twenty is above."""
PASSES_LOW_THRESHOLDS = 0.3
"""O-Net's score from which a find passes at the authors' low thresholds."""
RANDOM_CROPS = 10
"""Random crops of each photo with nobody in it, beside what MTCNN finds there."""


def load_face_data(data: Path, seed: int, report: Report, progress: Progress) -> Split:
    """All samples, split: a third of the photos with nobody and a sixth of the people are the test.

    Raises:
        ModelError: the folder is not of that kind, or holds too little.
    """
    for name in ("face_photos/labels.csv", "nobody_photos"):
        if not (data / name).exists():
            raise ModelError(f"{data}: has no {name}; the model `face` is trained on a folder with face_photos/ and nobody_photos/.")
    detector = load_detector(DetectorOptions(thresholds=LOW_THRESHOLDS))
    rng = np.random.default_rng(seed)
    split: Split = {"train": [], "validation": [], "test": []}
    samples = [*_labelled_faces(data / "face_photos", detector, rng, report, progress)]
    for name in MORE_FACES:
        samples += _more_faces(data, name, detector, rng, report, progress)
    for sample in samples:
        split[part_of_people(sample.group)].append(sample)
    for sample, part in _nobody(data / "nobody_photos", rng, report, progress):
        split[part].append(sample)
    for part, chosen in split.items():
        if {sample.label for sample in chosen} != {NOT_FACE, FACE}:
            raise ModelError(f"{data}: has too few photos: none are left of faces, or of finds where nobody is, for {part}.")
    return split


def part_of_people(group: str) -> Part:
    return part_of(group, validation=0.12, test=0.16)


def _labelled_faces(folder: Path, detector: Detector, rng: np.random.Generator, report: Report, progress: Progress) -> Iterator[Sample]:
    """Every find on a labelled face, loose ones too, and what beside it is none."""
    missed = found = 0
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for done, row in enumerate(sorted(rows, key=lambda row: row["image"])):
        progress("face_photos", done + 1, len(rows))
        image = read_picture(folder / row["image"])
        labelled = np.array([[float(row[f"x{i}"]), float(row[f"y{i}"])] for i in range(1, 6)], np.float32)
        detections = detector.detect([image])[0]
        on_face = np.flatnonzero(_on_face(detections, labelled))
        missed += len(on_face) == 0
        found += len(on_face)
        group, origin = _person(row["image"]), f"face_photos/{row['image']}"
        for index in on_face:
            score = float(detections.scores[index])
            weight = HARD if row[POSE] != "3" or score < EASY_FROM else 1
            yield cut_sample(image, detections.boxes[index], FACE, group, origin, weight, score=score)
        if len(on_face):
            yield from _around_a_face(image, detections.boxes[on_face[0]], detections.boxes, detector, rng, group, origin)
    report(f"face_photos: {len(rows)} photos, {found} finds on the labelled faces, {missed} faces not found")


def _on_face(detections: Detections, labelled: np.ndarray) -> np.ndarray:
    """Which finds have their five landmarks where people marked them: within 0.3 of the face's size on average. (N,) bool."""
    size = float(np.ptp(labelled, axis=0).max())  # eyes to mouth, or eye to eye
    error = np.linalg.norm(detections.landmarks - labelled, axis=2).mean(axis=1)
    return np.asarray(error < 0.3 * size)


def _more_faces(
    data: Path, name: str, detector: Detector, rng: np.random.Generator, report: Report, progress: Progress
) -> Iterator[Sample]:
    """The face in the middle of each picture that shows one person, and what around it is none."""
    paths = picture_paths(data / name)
    found = 0
    for done, path in enumerate(paths):
        progress(name, done + 1, len(paths))
        image = read_picture(path)
        detections = detector.detect([image])[0]
        index = central_face(detections, image.shape[:2])
        if index is None:
            continue
        found += 1
        box, score = detections.boxes[index], float(detections.scores[index])
        group = f"{name}/{path.name}"
        origin = str(path.relative_to(data))
        yield cut_sample(image, box, FACE, group, origin, HARD if name in MASKS or score < EASY_FROM else 1, score=score)
        yield from _around_a_face(image, box, detections.boxes, detector, rng, group, origin)
    if paths:
        report(f"{name}: {len(paths)} pictures, {found} with a face in the middle")


def central_face(detections: Detections, shape: tuple[int, ...]) -> int | None:
    """Which find is the likeliest sure one that covers the picture's middle and a quarter of its shorter side; None where there is none."""
    height, width = shape[:2]
    for index, (box, score) in enumerate(zip(detections.boxes, detections.scores, strict=True)):
        middle = box[0] < width / 2 < box[2] and box[1] < height / 2 < box[3]
        if middle and score >= UNLABELLED_FACE_FROM and box[3] - box[1] > min(height, width) / 4:
            return index
    return None


def _around_a_face(
    image: np.ndarray, face: np.ndarray, finds: np.ndarray, detector: Detector, rng: np.random.Generator, group: str, origin: str
) -> Iterator[Sample]:
    """More of a photo of one person: to learn from, what is no face in it; to choose on, the face as MTCNN finds it in altered photos."""
    part = part_of_people(group)
    if part == "train":
        yield from _beside_the_face(image, face, finds, detector, rng, group, origin)
    if part == "validation":
        for picture, place in altered(image, face, rng):
            detections = detector.detect([picture])[0]
            for index in np.flatnonzero(iou(detections.boxes, place[None]).max(axis=1, initial=0) >= 0.5):
                score = float(detections.scores[index])
                yield cut_sample(picture, detections.boxes[index], FACE, group, origin, score=score)


def _beside_the_face(
    image: np.ndarray, face: np.ndarray, finds: np.ndarray, detector: Detector, rng: np.random.Generator, group: str, origin: str
) -> Iterator[Sample]:
    """Hands, ears, clothes and parts of the face, never other people: nobody knows who else is in these photos.

    Upright, only parts of the labelled face and the body under it are taken. Turned on its side or head, MTCNN finds no faces but the same
    hands and folds, so there all its finds are taken, but for those on any upright find.
    """
    centre, side = (face[:2] + face[2:]) / 2, float((face[2:] - face[:2]).max())
    part = side * rng.uniform(0.2, 0.36)
    yield cut_sample(image, _box(centre + rng.uniform(-0.6, 0.6, 2) * side, part), NOT_FACE, group, origin)
    body = _box(centre + np.array([rng.uniform(-0.8, 0.8), rng.uniform(1.3, 1.9)]) * side, side * rng.uniform(0.4, 1.2))
    if body[3] < image.shape[0] and iou(body[None], finds).max(initial=0) == 0:
        yield cut_sample(image, body, NOT_FACE, group, origin)
    view, taken = image, finds
    for _ in range(3):
        taken = _turn_boxes(taken, view.shape[1])
        view = np.ascontiguousarray(np.rot90(view))
        detections = detector.detect([view])[0]
        for index in np.flatnonzero(overlaps(detections.boxes, taken, "smaller").max(axis=1, initial=0) < 0.2):
            score = float(detections.scores[index])
            yield cut_sample(
                view, detections.boxes[index], NOT_FACE, group, origin, HARD if score >= PASSES_LOW_THRESHOLDS else 1, score=score
            )


def _box(centre: np.ndarray, side: float) -> np.ndarray:
    return np.concatenate([centre - side / 2, centre + side / 2]).astype(np.float32)


def _turn_boxes(boxes: np.ndarray, width: int) -> np.ndarray:
    """(N, 4) boxes of a picture of that width, after `np.rot90` of the picture."""
    return np.stack([boxes[:, 1], width - boxes[:, 2], boxes[:, 3], width - boxes[:, 0]], axis=1)


def _nobody(folder: Path, rng: np.random.Generator, report: Report, progress: Progress) -> Iterator[tuple[Sample, Part]]:
    """What MTCNN takes for a face where nobody is, and random crops; all but test photos are also looked at turned and in other sizes."""
    smallest = {"train": 12, "validation": 20, "test": 12}
    detectors = {px: load_detector(DetectorOptions(min_face_px=px, thresholds=LOW_THRESHOLDS)) for px in smallest.values()}
    paths = picture_paths(folder)
    counts = dict.fromkeys(("train", "validation", "test"), 0)
    for index, path in enumerate(paths):
        part = part_of_nobody(index)
        progress("nobody_photos", index + 1, len(paths))
        if part != "test" and path.name in PEOPLE_AMONG_NOBODY:
            continue
        image = read_picture(path)
        for view in [image] if part == "test" else _views(image):
            detections = detectors[smallest[part]].detect([view])[0]
            counts[part] += len(detections)
            for box, score in zip(detections.boxes, detections.scores.tolist(), strict=True):
                weight = HARD if score >= PASSES_LOW_THRESHOLDS else 1
                yield cut_sample(view, box, NOT_FACE, path.name, f"nobody_photos/{path.name}", weight, score=score), part
        for box in _random_boxes(image.shape, RANDOM_CROPS if part == "train" else 0, rng):
            yield cut_sample(image, box, NOT_FACE, path.name, f"nobody_photos/{path.name}"), part
    report(f"nobody_photos: {len(paths)} photos, false finds by part: {counts}")


def part_of_nobody(index: int) -> Part:
    """Every third photo in sorted order is the test; of the others, three in ten are for validation."""
    if index % 3 == 0:
        return "test"
    return "validation" if index % 15 in (1, 8, 11) else "train"


def upright_views(image: np.ndarray) -> Iterator[np.ndarray]:
    """The picture as it is, mirrored, and in other sizes: each gives the detector other things to mistake."""
    yield image
    yield np.ascontiguousarray(image[:, ::-1])
    for scale in (0.4, 0.6, 0.8, 1.25, 1.5):
        yield cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _views(image: np.ndarray) -> Iterator[np.ndarray]:
    plain, mirrored, *resized = upright_views(image)
    turned = (np.ascontiguousarray(np.rot90(image, turns)) for turns in (1, 2, 3))
    yield from (plain, mirrored, *turned, *resized)


def _random_boxes(shape: tuple[int, ...], count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, 4) squares anywhere, also over the edge, from 16 px to half the shorter side, small ones as often as large ones."""
    height, width = shape[:2]
    sides = np.exp(rng.uniform(np.log(16), np.log(max(min(height, width) / 2, 17)), count))
    x = rng.uniform(0, 1, count) * width - sides / 2
    y = rng.uniform(0, 1, count) * height - sides / 2
    return np.stack([x, y, x + sides, y + sides], axis=1).astype(np.float32)


def _person(name: str) -> str:
    """The group of a picture: `Tony_Blair_0007.jpg` is one of the person Tony_Blair, any other picture stands for itself."""
    return re.sub(r"_\d{4}$", "", Path(name).stem)
