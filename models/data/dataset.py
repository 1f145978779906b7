"""A folder with one folder of pictures for each class -> checked, cropped samples and a survey of what is wrong with them.

`models.data.layout` says how the folders may lie.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.data.copies import mark_copies
from models.data.crop_cache import CropCache, Look, cache_key
from models.data.layout import class_folders, folders_of_classes, folders_of_parts
from models.data.samples import MARGIN, Part, Sample, surroundings
from models.data.survey import Entry, Survey
from models.detection.detector import Detector, DetectorOptions, load_detector
from models.errors import ModelError, PictureError
from models.imaging.crops import CROP_PX
from models.imaging.folders import files_below
from models.imaging.picture_formats import is_picture_name
from models.imaging.pictures import read_picture

LEAST_PICTURES = 10
"""Usable pictures of each class: fewer leave nothing to judge on (a guess at the smallest that makes sense)."""
LARGEST_CROP_PX = 300
"""A picture without a found face is taken whole, as a crop of one, if its shorter side is at most this (a guess)."""
Report = Callable[[str], None]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Pictures of each class, ready to learn from or to judge on."""

    classes: tuple[str, ...]
    samples: list[Sample]
    """One for each usable picture, in the order of their paths. Copies of one picture share a group."""
    fixed: Mapping[str, Part]
    """By a sample's origin, the part whose folder it lies in; empty where the folder is not divided."""
    survey: Survey
    """What became of every file."""

    @property
    def parts(self) -> frozenset[Part]:
        """What the folder is divided into; none where it is not."""
        return frozenset(self.fixed.values())


def load_dataset(
    data: Path,
    *,
    input_px: int = CROP_PX,
    margin: float = MARGIN,
    classes: Sequence[str] | None = None,
    least: int = LEAST_PICTURES,
    report: Report = print,
    progress: Progress = lambda what, done, of: None,
    cache: CropCache | None = None,
    listed: Path | None = None,
    detector: DetectorOptions | None = None,
) -> Dataset:
    """Finds and cuts the face in each picture, by the code that serves.

    Args:
        input_px: side of the crops.
        margin: of the crops, as a share of the face's side.
        classes: whose folders these must be, in the order of their labels; None takes the folders' names, sorted.
        least: usable pictures that a class must have.
        report: told what people should know.
        cache: where found faces are kept; None: the user's cache folder.
        listed: where a list of every file and what became of it is written.
        detector: which finds the faces; None: the default one. Serve what is trained here with the same.

    Raises:
        ModelError: no folder, fewer than two classes, a name that cannot be a class, no faces, or too few usable pictures.
    """
    names, entries = _listed(data, classes)
    options = detector or DetectorOptions()
    finder, cache = load_detector(options), cache or CropCache()
    for done, entry in enumerate(entries):
        progress("finding faces", done, len(entries))
        _look(entry, finder, cache, (options.fingerprint(), input_px, margin))
    progress("finding faces", len(entries), len(entries))
    mark_copies(entries, progress)
    survey = Survey(data, names, entries)
    if listed:
        survey.write(listed)
    for _, lines in survey.sections():
        for line in lines:
            report(line)
    _check(survey, least)
    samples = [
        Sample(
            look.crop, look.picture, look.box, names.index(entry.label), entry.group, entry.origin, content=entry.content, score=look.score
        )
        for entry in entries
        if entry.usable and (look := entry.look) is not None
    ]
    fixed = {entry.origin: entry.side for entry in entries if entry.usable and entry.side}
    return Dataset(names, samples, fixed, survey)


def _listed(data: Path, classes: Sequence[str] | None) -> tuple[tuple[str, ...], list[Entry]]:
    """The classes, and every file of the folder, those that could not be looked into as well."""
    folders = folders_of_parts(data, to_judge=classes is not None)
    names = tuple(classes) if classes else tuple(folder.name for folder in class_folders(folders[-1][1]))
    entries = []
    for part, side in folders:
        for name, folder in zip(names, folders_of_classes(side, names), strict=True):
            below = files_below(folder)
            entries += [Entry(path, name, part, str(path.relative_to(data))) for path in sorted(below.files)]
            entries += [Entry(path, name, part, str(path.relative_to(data)), reason=why) for path, why in below.unreadable.items()]
    return names, entries


def _look(entry: Entry, detector: Detector, cache: CropCache, cut: tuple[str, int, float]) -> None:
    """Writes into the entry what its file gives; `cut` is the detector's fingerprint, the crop's side and its margin."""
    _, input_px, margin = cut
    if entry.reason:  # no file: a folder that could not be looked into
        return
    try:
        content = entry.path.read_bytes()
    except OSError as error:
        entry.outcome, entry.reason = "unreadable", f"cannot be read ({error.strerror})"
        return
    entry.content, entry.file_bytes = hashlib.sha256(content).hexdigest(), len(content)
    key = cache_key(entry.content, *cut)
    look = cache.get(key)
    if look is None:
        notes: list[str] = []
        try:
            image = read_picture(entry.path, note=notes.append)
        except PictureError as error:
            known = is_picture_name(entry.path)
            entry.outcome = "unreadable" if known else "no picture"
            entry.reason = str(error).removeprefix(f"{entry.path}: ").rstrip(".")
            return
        look = look_at(image, detector, input_px, margin, " ".join(note.removeprefix(f"{entry.path}: ") for note in notes))
        cache.put(key, look)
    entry.look, entry.reason = look, look.note.rstrip(".")
    if look.faces:
        entry.outcome = "one face" if look.faces == 1 else "several faces"
    else:
        entry.outcome = "whole" if len(look.box) else "no face"


def look_at(image: np.ndarray, detector: Detector, input_px: int, margin: float, note: str = "") -> Look:
    """Finds the face that counts in a picture ((H, W, 3) uint8 RGB) and cuts it."""
    from models.imaging.crops import crop_squares

    height, width = image.shape[:2]
    detections, score = detector.detect([image])[0], math.nan
    boxes = detections.boxes
    if len(boxes):
        index = main_face(boxes, image)
        box, score = boxes[index], float(detections.scores[index])
    elif min(height, width) <= LARGEST_CROP_PX:
        inset = margin / (1 + 2 * margin)  # so that the margin around the box ends where the picture does
        box = np.array([inset * width, inset * height, (1 - inset) * width, (1 - inset) * height], np.float32)
    else:
        nothing = np.zeros((0, 0, 3), np.uint8)
        return Look((width, height), 0, np.zeros(0, np.float32), nothing, nothing, 0.0, score, picture_hashes(image), note)
    crop = crop_squares(image, box[None], input_px, margin)[0]
    picture, inside = surroundings(image, box)
    return Look((width, height), len(boxes), inside, picture, crop, _sharpness(crop), score, picture_hashes(image), note)


def main_face(boxes: np.ndarray, image: np.ndarray) -> int:
    """Which box is the large face near the middle: the largest by side, each side lessened by the distance to the middle."""
    height, width = image.shape[:2]
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    distances = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - np.array([width, height]) / 2, axis=1)
    return int((sides - 0.5 * distances).argmax())


def picture_hashes(image: np.ndarray) -> np.ndarray:
    """(2, 128) bool, of the picture and of its mirror image: which of 64 neighbours is brighter, across and down (difference hash).

    Nearly equal for copies in another size, format or compression.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    across = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(int)
    down = cv2.resize(grey, (8, 9), interpolation=cv2.INTER_AREA).astype(int)
    both = [(across, down), (across[:, ::-1], down[:, ::-1])]
    return np.stack([np.concatenate([(a[:, 1:] > a[:, :-1]).ravel(), (d[1:] > d[:-1]).ravel()]) for a, d in both])


def _sharpness(crop: np.ndarray) -> float:
    return float(np.log(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var() + 1e-3))


def _check(survey: Survey, least: int) -> None:
    if not any(entry.look is not None and entry.look.faces for entry in survey.entries):
        raise ModelError(f"{survey.data}: no face was found in any of its {len(survey.entries)} pictures.")
    for name in survey.classes:
        usable = sum(entry.usable for entry in survey.of(name))
        if usable < least:
            raise ModelError(f"{survey.data / name}: has {usable} usable pictures; a class needs at least {least}.")
