"""How much the bundle `face` helps the detector: which false finds it removes, and which faces it loses."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from models.data.face_dataset import PEOPLE_AMONG_NOBODY, part_of_nobody, upright_views
from models.data.layout import picture_paths
from models.data.samples import Part
from models.detection.cascade import PRESETS
from models.detection.detector import Detector, DetectorOptions, load_detector
from models.errors import ModelError
from models.evaluation.detection_metrics import true_and_false
from models.evaluation.proportion import Share
from models.imaging.crops import CROP_PX, crop_squares
from models.imaging.pictures import read_picture

THRESHOLDS, _ = PRESETS["wider"]
"""The MTCNN authors' own for benchmarks: more faces than by default, and more that is none."""

Score = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(N, CROP_PX, CROP_PX, 3) uint8 crops and (N,) the detector's scores -> (N,) P(face)."""


def judge_on_nobody(score: Score, threshold: float, margin: float, folder: Path, *, step: int = 1) -> Share:
    """How many of MTCNN's finds on the test third of photos with nobody in them are removed.

    Args:
        step: look at every `step`-th of these photos only.
    """
    detector = load_detector(DetectorOptions(thresholds=THRESHOLDS))
    said = [score(*_finds(image, detector, margin)[1:]) for image in _pictures(folder, "test", step)]
    every = np.concatenate(said) if said else np.zeros(0)
    return Share(int((every < threshold).sum()), len(every))


def false_finds(folder: Path, margin: float) -> tuple[np.ndarray, np.ndarray]:
    """To choose a threshold on: what MTCNN finds on validation photos with nobody in them, as they are, mirrored and in other sizes.

    Returns:
        (N, CROP_PX, CROP_PX, 3) uint8 crops and (N,) the detector's scores.

    Raises:
        ModelError: it finds nothing there.
    """
    detector = load_detector(DetectorOptions(thresholds=THRESHOLDS))
    views = (view for image in _pictures(folder, "validation") for view in upright_views(image))
    found = [(crops, scores) for _, crops, scores in (_finds(view, detector, margin) for view in views) if len(scores)]
    if not found:
        raise ModelError(f"{folder}: has too few photos: the detector finds nothing on those that a threshold would be chosen on.")
    crops, scores = zip(*found, strict=True)
    return np.concatenate(crops), np.concatenate(scores)


def _pictures(folder: Path, part: Part, step: int = 1) -> Iterator[np.ndarray]:
    paths = [path for index, path in enumerate(picture_paths(folder)) if part_of_nobody(index) == part]
    return (read_picture(path) for path in paths[::step] if part == "test" or path.name not in PEOPLE_AMONG_NOBODY)


def judge_on_labelled(score: Score, threshold: float, margin: float, folder: Path, *, step: int = 1) -> tuple[Share, Share]:
    """The share of true faces that are lost, and of false finds that are removed, in a folder with `boxes.csv`."""
    detector = load_detector(DetectorOptions(thresholds=THRESHOLDS))
    lost = faces = removed = false = 0
    for path, labelled in list(read_boxes(folder))[::step]:
        boxes, crops, scores = _finds(read_picture(path), detector, margin)
        dropped = score(crops, scores) < threshold
        is_face, is_none = true_and_false(boxes, labelled)
        lost, faces = lost + int((dropped & is_face).sum()), faces + int(is_face.sum())
        removed, false = removed + int((dropped & is_none).sum()), false + int(is_none.sum())
    return Share(lost, faces), Share(removed, false)


def judge(score: Score, threshold: float, margin: float, nobody: Path, detect: Path) -> tuple[dict[str, float], list[str]]:
    """Metrics and sentences; the labelled sets under `detect` are skipped where they are not there."""
    at = "MTCNN at " + "/".join(f"{value:g}" for value in THRESHOLDS)
    removed = judge_on_nobody(score, threshold, margin, nobody)
    metrics = {"nobody_removed": removed.value}
    lines = [f"False finds of {at} removed on test photos with nobody in them: {removed}."]
    totals = [0, 0, 0, 0]
    for folder in sorted(path.parent for path in detect.glob("*/boxes.csv") if "partial" not in path.parent.name):
        lost, gone = judge_on_labelled(score, threshold, margin, folder)
        totals = [a + b for a, b in zip(totals, (lost.count, lost.of, gone.count, gone.of), strict=True)]
        lines.append(f"{folder.name}: true faces lost {lost.count} of {lost.of}, false finds removed {gone.count} of {gone.of}.")
    if totals[1]:
        metrics["faces_lost"] = totals[0] / totals[1]
        lines.append(f"True faces of {at} lost on all these: {Share(*totals[:2])}; false finds removed: {Share(*totals[2:])}.")
    return metrics, lines


def read_boxes(folder: Path) -> Iterator[tuple[Path, np.ndarray]]:
    """Each picture of a folder's `boxes.csv` with its labelled faces, (N, 4) float32 x1 y1 x2 y2."""
    by_image: dict[str, list[list[float]]] = defaultdict(list)
    with (folder / "boxes.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            x, y, width, height = (float(row[key]) for key in "xywh")
            by_image[row["image"]].append([x, y, x + width, y + height])
    for image, boxes in sorted(by_image.items()):
        yield folder / image, np.array(boxes, np.float32)


def _finds(image: np.ndarray, detector: Detector, margin: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, crops and scores of what is found."""
    found = detector.detect([image])[0]
    return found.boxes, crop_squares(image, found.boxes, CROP_PX, margin), found.scores
