"""The faces of many photos, sorted into people without names; and the file that keeps them, from which people are named."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.atomic import file_written_whole
from models.errors import PeopleError
from models.identity.cohort import Cohort
from models.identity.grouping import group
from models.imaging.boxes import iou
from models.people.seeing import SeenFace, SeenPhoto

FORMAT, VERSION = "facestream groups", 1
SAME_PLACE = 0.5
"""Least overlap (IoU) with the place where a face was found before (a guess)."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class GroupedFace:
    """A face of a photo."""

    photo: Path
    sha256: str
    """Of the photo's file."""
    box: np.ndarray
    """(4,) float32 px, x1 y1 x2 y2, of the photo upright."""
    group: int | None
    """From 1 on, the largest first; None: too small or blurred to tell."""

    def chosen(self, seen: SeenPhoto) -> SeenFace | str:
        """The same face in the photo looked at once more, or why it is not there, a sentence's end."""
        if seen.sha256 != self.sha256:
            return "has changed since its faces were sorted"
        if seen.faces:
            overlaps = iou(self.box[None], np.stack([face.box for face in seen.faces]))[0]
            if overlaps.max() >= SAME_PLACE:
                return seen.faces[int(overlaps.argmax())]
        return "shows no face where one was"


def sort_faces(photos: Sequence[SeenPhoto], cohort: Cohort) -> list[GroupedFace]:
    """Which faces are of one person, photo by photo, from left to right in each."""
    faces = [(photo, face) for photo in photos for face in photo.faces]
    good = [index for index, (_, face) in enumerate(faces) if not face.flaw]
    numbers = dict[int, int]()
    if good:
        found = group(np.stack([faces[index][1].descriptor for index in good]), cohort)
        order = {number: place for place, (number, _) in enumerate(Counter(found.tolist()).most_common(), 1)}
        numbers = {index: order[number] for index, number in zip(good, found.tolist(), strict=True)}
    return [GroupedFace(photo.path, photo.sha256, face.box, numbers.get(index)) for index, (photo, face) in enumerate(faces)]


def one_photo_each(vectors: np.ndarray, cohort: Cohort) -> np.ndarray:
    """(N, F) of unit length -> (people,) indices: one face of each person, the first."""
    if not len(vectors):
        return np.zeros(0, int)
    return np.sort(np.unique(group(vectors, cohort), return_index=True)[1])


def one_each(vectors: np.ndarray, cohort: Cohort) -> np.ndarray:
    """(N, F) of unit length -> (people, F): the mean of the faces of each person, so that nobody counts twice."""
    if not len(vectors):
        return vectors
    numbers = group(vectors, cohort)
    means = np.stack([vectors[numbers == number].mean(axis=0) for number in np.unique(numbers)])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12), np.float32)


def write_groups(place: Path, folder: Path, faces: Sequence[GroupedFace]) -> None:
    """There is nothing in it by which a face could be known elsewhere: only where faces are.

    Raises:
        PeopleError: it cannot be written.
    """
    root = folder.absolute()
    said = [
        {
            "photo": str(face.photo.absolute().relative_to(root)),
            "box": [round(float(side), 1) for side in face.box],
            "group": face.group,
            "sha256": face.sha256,
        }
        for face in faces
    ]
    about = json.dumps({"format": FORMAT, "version": VERSION, "folder": str(root)}, ensure_ascii=False)
    lines = ",\n".join(json.dumps(face, ensure_ascii=False) for face in said)
    content = f'{about[:-1]}, "faces": [\n{lines}\n]}}'
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with file_written_whole(place) as file:
            file.write(content.encode("utf-8", "backslashreplace") + b"\n")
    except (OSError, ValueError) as error:
        raise PeopleError(f"{place}: cannot be written ({getattr(error, 'strerror', None) or error}).") from error


def read_group(place: Path, number: int) -> dict[Path, GroupedFace]:
    """The faces of one group by their photos; of two in one photo the larger.

    Raises:
        PeopleError: the file cannot be read or is foreign, or has no such group.
    """
    try:
        said: Any = json.loads(place.read_bytes())
    except OSError as error:
        raise PeopleError(f"{place}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise PeopleError(f"{place}: is damaged, or not what facestream people group writes.") from error
    if not isinstance(said, dict) or (said.get("format"), said.get("version")) != (FORMAT, VERSION):
        raise PeopleError(f"{place}: is not what facestream people group writes.")
    try:
        faces = [_face(Path(said["folder"]), one) for one in said["faces"]]
    except (KeyError, TypeError, ValueError) as error:
        raise PeopleError(f"{place}: is damaged; have it made again: facestream people group FOLDER -o FILE") from error
    ours = sorted((face for face in faces if face.group == number), key=lambda face: float((face.box[2:] - face.box[:2]).prod()))
    if not ours:
        last = max((face.group for face in faces if face.group), default=0)
        raise PeopleError(f"{place}: has no group {number}; {f'its groups are 1 to {last}' if last else 'no face in it has a group'}.")
    larger = {face.photo: face for face in ours}
    return {photo: larger[photo] for photo in sorted(larger)}


def _face(folder: Path, said: dict[str, Any]) -> GroupedFace:
    box, number = np.array(said["box"], np.float32), said["group"]
    if box.shape != (4,) or not np.isfinite(box).all() or not (number is None or isinstance(number, int)):
        raise ValueError("no box, or no group")
    return GroupedFace(folder / said["photo"], str(said["sha256"]), box, number)
