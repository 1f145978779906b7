"""`facestream people group` and `calibrate`: many photos of people without names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.errors import PeopleError, PictureError, already_there
from models.identity.calibration import ASKED_STRANGERS, calibrate
from models.identity.cohort import Cohort
from models.identity.strangers import FEWEST_MEANS_BESIDE, PEOPLE_IN_A_MEAN, cohort_of_strangers
from models.imaging.folders import files_below
from models.imaging.picture_formats import is_picture_name
from models.people.folder import COHORT
from models.people.gallery import Gallery
from models.people.groups import GroupedFace, one_each, one_photo_each, sort_faces, write_groups
from models.people.seeing import PhotoReader, SeenPhoto
from models.places import exists, is_file, is_folder
from stream.cli.people_asked import Asked, counted, of_strangers, table, warn
from stream.console.progress import ProgressReporter
from stream.errors import DONE, UsageError

SHOWN_GROUPS, SHOWN_PHOTOS = 20, 3


def grouped(asked: Asked, folder: Path, output: Path, *, overwrite: bool) -> int:
    """Writes which faces of a folder are of one person, and prints the groups."""
    if is_folder(output):
        raise UsageError(f"{output}: is a folder; name a file to write, such as {output / 'groups.json'}")
    if exists(output) and not overwrite:
        raise UsageError(already_there(output))
    cohort = asked.cohort
    photos = _looked_at(asked.reader, folder)
    faces = sort_faces(photos, cohort)
    if not faces:
        raise PeopleError(f"{folder}: no face is found in {counted(len(photos), 'photo')}.")
    write_groups(output, folder, faces)
    _print_groups(faces, folder)
    untold = sum(face.group is None for face in faces)
    print(f"{counted(len(faces), 'face')} in {counted(len(photos), 'photo')}; {untold} too small or blurred to sort.")
    print(f"written: {output}; to name a group: facestream people add NAME --group {output}:1")
    return DONE


def calibrated(asked: Asked, folder: Path) -> int:
    """Keeps means of the strangers in a folder of photos beside the people."""
    if asked.network.is_onnx:
        return _calibrated_alone(asked, folder)
    everybody = asked.folder.load_or_none()
    gallery = asked.gallery(everybody)
    faces = [face for photo in _looked_at(asked.reader, folder) for face in photo.faces if not face.flaw]
    vectors = np.stack([face.descriptor for face in faces]) if faces else np.zeros((0, asked.cohort.vectors.shape[1]), np.float32)
    if everybody and len(vectors):
        known = (gallery.recogniser.scores(vectors) >= gallery.thresholds).any(axis=1)
        if known.any():
            print(f"{counted(int(known.sum()), 'face')} like somebody who is enrolled left out.")
        vectors = vectors[~known]
    strangers = one_each(vectors, asked.cohort)
    needed = FEWEST_MEANS_BESIDE * PEOPLE_IN_A_MEAN
    try:
        cohort = cohort_of_strangers(strangers, Cohort.load())
    except ValueError as error:
        few = f"{counted(len(strangers), 'person', 'people')} well enough"
        raise PeopleError(f"{folder}: shows {few}; photos of {needed} or more are needed, and nothing has changed.") from error
    asked.folder.keep_cohort(cohort)
    print(f"{len(strangers)} people in {folder}; kept are means of {PEOPLE_IN_A_MEAN} each, nobody's face, beside the strangers that ship.")
    print(f"written: {asked.folder.path / COHORT}; remove it to measure by the strangers that ship alone.")
    return DONE


def _calibrated_alone(asked: Asked, folder: Path) -> int:
    """Keeps what another network needs: means of the strangers, and how rarely one exceeds them.

    The network that ships tells which photos show the same stranger: this one could not yet, and by its own word whoever looks alike to it
    would be left out, which is what thresholds are about.
    """
    everybody = asked.folder.load_or_none()
    seen = _looked_at(PhotoReader.load(asked.detector, asked.network, beside=True), folder)
    faces = [face for photo in seen for face in photo.faces if not face.flaw and face.shipped is not None]
    alone = one_photo_each(np.array([face.shipped for face in faces]), Cohort.load())
    vectors = np.array([faces[index].descriptor for index in alone])
    try:
        cohort = calibrate(vectors, asked.network.id)
        if everybody:
            gallery = Gallery(everybody, cohort, false_names=asked.false_names)
            known = (gallery.recogniser.scores(vectors) >= gallery.thresholds).any(axis=1)
            if known.any():
                print(f"{counted(int(known.sum()), 'face')} like somebody who is enrolled left out.")
                vectors = vectors[~known]
                cohort = calibrate(vectors, asked.network.id)
    except ValueError as error:
        few = f"{counted(len(vectors), 'person', 'people')} well enough"
        raise PeopleError(
            f"{folder}: shows {few}; for another network than the one that ships, photos of {ASKED_STRANGERS} or more are needed, "
            "and nothing has changed."
        ) from error
    asked.folder.keep_cohort(cohort)
    kept = f"kept are means of {PEOPLE_IN_A_MEAN} each, nobody's face, and how rarely others exceed them"
    most, share = math.floor(asked.false_names * 10**cohort.table.shown), of_strangers(asked.false_names)
    print(f"{len(vectors)} people in {folder}; {kept}.")
    print(f"They show from which score on {share} get a name for up to {most:,} people enrolled; for more it is a guess.")
    print(f"written: {asked.folder.path / COHORT}")
    return DONE


def _looked_at(reader: PhotoReader, folder: Path) -> list[SeenPhoto]:
    """Every photo of a folder that can be read.

    Raises:
        UsageError: there is no such folder.
        PeopleError: there is no photo in it that can be read.
    """
    if not is_folder(folder):
        what = "is a file" if is_file(folder) else "there is no such folder"
        raise UsageError(f"{folder}: {what}; name a folder of photos.")
    below = files_below(folder, is_picture_name)
    for sentence in below.sentences:
        warn(sentence)
    if not below.files:
        raise PeopleError(f"{folder}: has no photos in it.")
    photos = list[SeenPhoto]()
    with ProgressReporter() as progress:
        for done, path in enumerate(sorted(below.files)):
            progress("photos", done, len(below.files))
            try:
                photos.append(reader.look(path, progress.say))
            except PictureError as error:
                progress.say(f"facestream: {error}")
        progress("photos", len(below.files), len(below.files))
    if not photos:
        raise PeopleError(f"{folder}: none of its {counted(len(below.files), 'photo')} can be read.")
    return photos


def _print_groups(faces: Sequence[GroupedFace], folder: Path) -> None:
    sizes = Counter(face.group for face in faces if face.group is not None)
    several = [number for number, size in sorted(sizes.items()) if size > 1]
    rows = [["group", "faces", "photos"]]
    for number in several[:SHOWN_GROUPS]:
        photos = list(dict.fromkeys(str(face.photo.relative_to(folder)) for face in faces if face.group == number))
        more = ", ..." if len(photos) > SHOWN_PHOTOS else ""
        rows.append([str(number), str(sizes[number]), ", ".join(photos[:SHOWN_PHOTOS]) + more])
    if several:
        print(table(rows, right=[0, 1]))
    if len(several) > SHOWN_GROUPS:
        print(f"and {counted(len(several) - SHOWN_GROUPS, 'group')} more of two or more faces.")
    alone = sum(size == 1 for size in sizes.values())
    print(f"{counted(len(several), 'group')} of two or more faces, {counted(alone, 'face')} alone.")
