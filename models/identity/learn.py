"""Makes the files that scores need beside the network: the cohort, and how rarely strangers reach which score.

    python -m models.identity.learn cohort FOLDER_OF_FACES cohort.npz
    python -m models.identity.learn thresholds FOLDER_OF_PEOPLE thresholds.json

The first takes photos of one face each, of many different people of all groups and ages. The second takes a folder with a folder of photos
for each person, of whom it looks at those with crc32(name) % 4 == 0: the others are there to judge by. Faces are described in float32, and
what is drawn by chance is always the same.
"""

from __future__ import annotations

import argparse
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


def _make_cohort(folder: Path, place: Path) -> None:
    faces = _faces(folder)
    means = means_of_strangers(np.array(list(faces.values())).reshape(-1, FEATURES))
    if len(means) < FEWEST_MEANS:
        raise ModelError(f"{folder}: {len(faces)} faces are too few; take at least {FEWEST_MEANS * PEOPLE_IN_A_MEAN}, of different people.")
    Cohort(means).save(place)
    print(f"{place}: {len(means)} means, out of {len(faces)} faces")


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
    options = parser.parse_args(arguments)
    try:
        (_make_cohort if options.what == "cohort" else _make_table)(options.folder, options.place)
    except FacestreamError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
