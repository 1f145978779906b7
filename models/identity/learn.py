"""Makes the files that scores need beside the network: the cohort, and how rarely strangers reach which score.

    python -m models.identity.learn cohort FOLDER_OF_FACES cohort.npz --groups TABLE.csv
    python -m models.identity.learn thresholds FOLDER_OF_PEOPLE thresholds.json

The first takes photos of one face each, of many different people of all groups and ages, and a table with the columns file, age and group:
who is of a group with few faces is in two or three means, with others each time, or such a group would be confused more often. The second
takes a folder with a folder of photos for each person, of whom it looks at those with crc32(name) % 4 == 0: the others are there to judge
by. Faces are described in float32, and what is drawn by chance is always the same.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.detection.detector import DetectorOptions, load_detector
from models.errors import FacestreamError, ModelError
from models.identity.cohort import Cohort
from models.identity.embedder import FaceEmbedder
from models.identity.photos import describe_photos
from models.identity.recogniser import KnownPerson
from models.identity.strangers import FEWEST_MEANS, PEOPLE_IN_A_MEAN, means_of_strangers
from models.identity.thresholds import ThresholdTable
from models.identity.weights import FEATURES
from models.imaging.folders import files_below
from models.imaging.picture_formats import picture_suffixes
from models.places import is_folder

AGES = (("0 to 2 years", 0), ("3 to 9 years", 3), ("10 to 17 years", 10), ("", 18), ("80 and older", 80))
"""Groups by age, from which year on; adults are told apart by the table's groups."""
ENOUGH_FACES, MOST_ROUNDS = 260, 3
"""Of a group, and how often a smaller one is gone through at most. Measured on faces that cohorts were not made of: with three rounds,
Black adults are confused a third as often and people from eighty on half as often, and nobody else more."""
PHOTOS = (1, 2, 3, 5)
"""Of a person, for which the table tells; with more than five, nothing changes (measured with eight)."""
RATES = (0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5)
FEWEST_PEOPLE = 50
"""With that many photos (a guess: here there are 100)."""
DRAWS = {1: 4, 2: 10, 3: 15, 5: 30}
"""By photos: how often they are chosen anew. Fewer people have many."""


def is_for_learning(name: str) -> bool:
    """Whether thresholds are learnt on that person: a quarter of all are."""
    return zlib.crc32(name.encode()) % 4 == 0


def group_name(age: int, group: str) -> str:
    """Of somebody of that age in a table's group."""
    name = next(name for name, first in reversed(AGES) if age >= first)
    return name or f"{group} adults"


def balanced_means(vectors: np.ndarray, groups: np.ndarray, enough: int = ENOUGH_FACES) -> np.ndarray:
    """Means of strangers, of whom the smaller groups come several times. `groups`: (N,) str."""
    means = [means_of_strangers(vectors)]
    for number in range(1, MOST_ROUNDS):
        for name in np.unique(groups):
            members = groups == name
            if math.ceil(enough / members.sum()) > number:
                means.append(means_of_strangers(vectors[members], seed=number))
    return np.concatenate(means)


def learn_table(photos: dict[str, np.ndarray], cohort: Cohort, seed: int = 0) -> ThresholdTable:
    """
    Args:
        photos: by name, (photos, FEATURES) of unit length. Everybody is a stranger to everybody else, with one photo.
    """
    random = np.random.default_rng(seed)
    rows = []
    for count in PHOTOS:
        names = [name for name, vectors in photos.items() if len(vectors) >= count]
        found = []
        for _ in range(DRAWS[count]):
            people = [KnownPerson(name, random.permutation(photos[name])[:count]) for name in names]
            templates = cohort.measure(np.array([person.template() for person in people]))
            strangers = cohort.measure(np.array([random.choice(vectors) for vectors in photos.values()]))
            others = np.array(list(photos))[:, None] != np.array(names)
            found.append(strangers.excess(templates)[others])
        rows.append(np.quantile(np.concatenate(found), [1 - rate for rate in RATES]))
    return ThresholdTable(PHOTOS, RATES, np.array(rows))


def _faces(folder: Path) -> dict[Path, np.ndarray]:
    if not is_folder(folder):
        raise ModelError(f"{folder}: there is no such folder; name one with photos.")
    photos = sorted(files_below(folder, lambda path: path.suffix.lower() in picture_suffixes).files)
    return describe_photos(photos, load_detector(DetectorOptions(device="cpu")), FaceEmbedder.load(device="cpu", precision="f32"))


def _make_cohort(folder: Path, place: Path, table: Path | None) -> None:
    groups = None if table is None else _groups(table)
    faces = _faces(folder)
    vectors = np.array(list(faces.values())).reshape(-1, FEATURES)
    if groups is None:
        means = means_of_strangers(vectors)
    elif missing := [path.name for path in faces if path.name not in groups]:
        raise ModelError(f"{table}: has no row for {missing[0]}; there must be one for each photo.")
    else:
        means = balanced_means(vectors, np.array([groups[path.name] for path in faces]))
    if len(means) < FEWEST_MEANS:
        raise ModelError(f"{folder}: {len(faces)} faces are too few; take at least {FEWEST_MEANS * PEOPLE_IN_A_MEAN}, of different people.")
    Cohort(means).save(place)
    print(f"{place}: {len(means)} means, out of {len(faces)} faces")


def _groups(table: Path) -> dict[str, str]:
    """The group of each file."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return {row["file"]: group_name(int(row["age"]), row["group"]) for row in csv.DictReader(file)}
    except OSError as error:
        raise ModelError(f"{table}: cannot be read ({error.strerror}).") from error
    except (KeyError, ValueError, TypeError, StopIteration, csv.Error) as error:
        raise ModelError(f"{table}: is no table with the columns file, age and group.") from error


def _make_table(folder: Path, place: Path) -> None:
    people: dict[str, list[np.ndarray]] = {}
    for path, vector in _faces(folder).items():
        if is_for_learning(path.parent.name):
            people.setdefault(path.parent.name, []).append(vector)
    if sum(len(vectors) >= PHOTOS[-1] for vectors in people.values()) < FEWEST_PEOPLE:
        raise ModelError(
            f"{folder}: of too few people there are {PHOTOS[-1]} photos; take {FEWEST_PEOPLE} such, of those with crc32(name) % 4 == 0."
        )
    learn_table({name: np.array(vectors) for name, vectors in people.items()}, Cohort.load()).save(place)
    print(f"{place}: learnt on {len(people)} people, {sum(map(len, people.values()))} photos")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.identity.learn")
    parser.add_argument("what", choices=["cohort", "thresholds"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("place", type=Path)
    parser.add_argument("--groups", type=Path, metavar="TABLE.csv", help="file, age and group of each photo, for a cohort")
    options = parser.parse_args(arguments)
    try:
        if options.what == "cohort":
            _make_cohort(options.folder, options.place, options.groups)
        else:
            _make_table(options.folder, options.place)
    except FacestreamError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
