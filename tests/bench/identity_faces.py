"""The faces that `identity.py` judges by, described once and kept in the folder for temporary files."""

from __future__ import annotations

import csv
import hashlib
import inspect
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models import MTCNN
from models.atomic import file_written_whole
from models.identity import chips, photos
from models.identity.embedder import FaceEmbedder
from models.identity.learn import group_name, is_for_learning
from models.identity.network_file import NetworkFile
from models.imaging.pictures import read_picture
from tests.paths import DATA

IDENTITY = DATA / "identity"
LFW, DIVERSE = IDENTITY / "lfw_even", IDENTITY / "diverse"


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Photos with a face each."""

    files: np.ndarray
    """(N,) str, in the folder."""
    landmarks: np.ndarray
    """(N, 5, 2) px."""
    vectors: np.ndarray
    """(N, FEATURES) by float32."""
    fast: np.ndarray
    """(N, FEATURES) as the program computes them here, in bfloat16 where the processor has it."""
    sharp: np.ndarray
    """(N,)"""

    def of(self, which: np.ndarray) -> Faces:
        return Faces(*(getattr(self, name)[which] for name in self.__slots__))

    @property
    def people(self) -> np.ndarray:
        """(N,) str: the folders they are in."""
        return np.array([Path(file).parent.name for file in self.files])

    def by_person(self) -> dict[str, np.ndarray]:
        """The indices of each person's photos."""
        people = self.people
        return {name: np.flatnonzero(people == name) for name in np.unique(people)}


def read_faces(folder: Path, network: NetworkFile | None = None) -> Faces:
    """All photos below a folder. What was described before by this very network and these chips is taken from a file."""
    network = network or NetworkFile()
    known = hashlib.sha256((network.id + str(folder) + inspect.getsource(chips) + inspect.getsource(photos)).encode()).hexdigest()
    place = Path(tempfile.gettempdir()) / f"facestream-bench-identity-{known[:16]}.npz"
    if not place.is_file():
        faces = _describe(folder, network)
        with file_written_whole(place) as file:
            np.savez(file, allow_pickle=False, **{name: getattr(faces, name) for name in Faces.__slots__})
    with np.load(place, allow_pickle=False) as arrays:
        return Faces(*(arrays[name] for name in Faces.__slots__))


def judged() -> Faces:
    """The people of LFW that nothing was learnt on."""
    return halves(read_faces(LFW))[1]


def one_each(faces: Faces) -> np.ndarray:
    """Indices: a photo of everybody."""
    random = seed("one each")
    return np.array([random.choice(photos) for photos in faces.by_person().values()])


def halves(faces: Faces) -> tuple[Faces, Faces]:
    """People that thresholds are learnt on, and the others, which are judged."""
    learnt = np.array([is_for_learning(name) for name in faces.people])
    return faces.of(learnt), faces.of(~learnt)


def groups(files: np.ndarray, table: Path) -> dict[str, np.ndarray]:
    """Which faces of UTKFace are of which group, (N,) bool each: ages, where families are from, women and men."""
    with table.open() as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    own = [rows[name] for name in files]
    names = np.array([group_name(int(row["age"]), row["group"]) for row in own])
    found = {name: names == name for name in sorted(set(names))}
    adults = np.array([18 <= int(row["age"]) < 80 for row in own])
    for sex, plural in (("female", "women"), ("male", "men")):
        found[plural] = adults & np.array([row["sex"] == sex for row in own])
    return found


def cut(folder: Path, faces: Faces, spoil: Callable[[np.ndarray], np.ndarray] = lambda image: image) -> np.ndarray:
    """(N, CHIP_PX, CHIP_PX, 3), of photos that were spoilt before. Landmarks are those of the photo as it was."""
    pairs = zip(faces.files, faces.landmarks, strict=True)
    return np.concatenate([chips.cut_chips(spoil(read_picture(folder / name)), landmarks[None]) for name, landmarks in pairs])


def seed(*what: object) -> np.random.Generator:
    """The same for the same, on every machine."""
    return np.random.default_rng(zlib.crc32(repr(what).encode()))


def _describe(folder: Path, network: NetworkFile) -> Faces:
    files = sorted(folder.rglob("*.jpg"))
    detector = MTCNN(device="cpu")
    exact, fast = (FaceEmbedder.load(network, device="cpu", precision=precision) for precision in ("f32", "auto"))
    rows = []
    for path, image, landmarks in photos.middle_faces(files, detector):
        chip = exact.cut(image, landmarks)
        rows.append(
            (path.relative_to(folder).as_posix(), landmarks[0], exact.describe(chip)[0], fast.describe(chip)[0], exact.sharpness(chip)[0])
        )
    return Faces(*(np.array(column) for column in zip(*rows, strict=True)))
