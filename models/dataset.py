"""A folder with one folder of pictures for each class -> checked, cropped, split samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from models.errors import ModelError, PictureError
from models.mtcnn import MTCNN
from models.pictures import is_picture_name, read_picture
from models.samples import Part, Sample, cut_sample

LEAST_PICTURES = 10
"""Usable pictures of each class: fewer leave nothing to judge on (a guess at the smallest that makes sense)."""
LARGEST_CROP_PX = 300
"""A picture without a found face is taken whole, as a crop of one, if its shorter side is at most this (a guess)."""
SHARES: dict[Part, float] = {"test": 0.15, "validation": 0.15}

Split = dict[Part, list[Sample]]


def load_folders(data: Path, seed: int, report: Callable[[str], None]) -> tuple[tuple[str, ...], Split]:
    """Class names, sorted, and their samples, split so that each class has its share on each side and equal pictures are on one side.

    Raises:
        ModelError: no folder, fewer than two classes, or a class with fewer than ten usable pictures.
    """
    folders = class_folders(data)
    detector = MTCNN(min_face_px=20)
    split: Split = {"train": [], "validation": [], "test": []}
    for label, folder in enumerate(folders):
        samples = _class_samples(folder, label, detector, report)
        if len(samples) < LEAST_PICTURES:
            raise ModelError(f"{folder}: has {len(samples)} usable pictures; a class needs at least {LEAST_PICTURES}.")
        for part, chosen in _divide(samples, seed).items():
            split[part] += chosen
    return tuple(folder.name for folder in folders), split


def class_folders(data: Path) -> list[Path]:
    """The folders of the classes, sorted by name.

    Raises:
        ModelError: there are fewer than two, or one has no pictures.
    """
    if not data.is_dir():
        raise ModelError(f"{data}: there is no such folder; training needs a folder with one folder of pictures for each class.")
    folders = sorted(path for path in data.iterdir() if path.is_dir() and not path.name.startswith("."))
    if len(folders) < 2:
        found = f"only {folders[0].name}" if folders else "none"
        raise ModelError(f"{data}: needs a folder of pictures for each of two or more classes, and has {found}.")
    for folder in folders:
        if not picture_paths(folder):
            raise ModelError(f"{folder}: has no pictures; fill this class or remove its folder.")
    return folders


def picture_paths(folder: Path) -> list[Path]:
    """The picture files in the folder and those below, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and is_picture_name(path))


def _class_samples(folder: Path, label: int, detector: MTCNN, report: Callable[[str], None]) -> list[Sample]:
    """One sample for each usable picture, and a line on what was done with the others."""
    samples: list[Sample] = []
    outcomes: Counter[str] = Counter()
    for path in picture_paths(folder):
        try:
            image = read_picture(path, note=report)
        except PictureError as error:
            report(str(error))
            outcomes["unreadable, left out"] += 1
            continue
        boxes = detector.detect([image])[0].boxes
        if len(boxes):
            outcomes["with one face" if len(boxes) == 1 else "with several faces, the most central large one taken"] += 1
            box = _main_face(boxes, image)
        elif min(image.shape[:2]) <= LARGEST_CROP_PX:
            outcomes["without a found face, taken whole as a crop"] += 1
            box = np.array([0, 0, image.shape[1], image.shape[0]], np.float32)
        else:
            outcomes["without a face, left out"] += 1
            continue
        samples.append(cut_sample(image, box, label, look(image), str(path)))
    report(f"{folder.name}: {sum(outcomes.values())} pictures: " + "; ".join(f"{count} {what}" for what, count in outcomes.items()))
    return samples


def _main_face(boxes: np.ndarray, image: np.ndarray) -> np.ndarray:
    """The large face near the middle: the largest by side, each side lessened by the distance to the middle."""
    height, width = image.shape[:2]
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    distances = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - np.array([width, height]) / 2, axis=1)
    return np.asarray(boxes[(sides - 0.5 * distances).argmax()])


def look(image: np.ndarray) -> str:
    """Equal for equal pictures and for most copies in another size or compression: which of 64 neighbours is brighter (difference hash)."""
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1]).tobytes().hex()


def _divide(samples: list[Sample], seed: int) -> Split:
    """One class, divided by groups: each part gets at least one sample where there are three groups."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.group, []).append(sample)
    if len(groups) < 3:
        raise ModelError(
            f"{Path(samples[0].origin).parent}: shows only {len(groups)} different pictures; a class needs at least {LEAST_PICTURES}."
        )
    order = [list(groups.values())[i] for i in np.random.default_rng(seed).permutation(len(groups))]
    split: Split = {"train": [], "validation": [], "test": []}
    for part, share in SHARES.items():
        while len(split[part]) < max(share * len(samples), 1) and len(order) > 1:
            split[part] += order.pop()
    split["train"] = [sample for group in order for sample in group]
    return split
