"""Faces of many photos sorted into people, and people named by their group."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from models.errors import PeopleError
from models.identity.cohort import Cohort
from models.people.enrolment import enrol
from models.people.gallery import Gallery
from models.people.groups import GroupedFace, one_each, read_group, sort_faces, write_groups
from models.people.seeing import PhotoReader, SeenFace, SeenPhoto


def a_face(vector: np.ndarray, x: float = 0, eye_px: float = 40) -> SeenFace:
    box = np.array([x, 0, x + 100, 120], np.float32)
    return SeenFace(box, np.asarray(vector / np.linalg.norm(vector), np.float32), eye_px, 100.0, 1.0)


def photos(*faces: SeenFace) -> list[SeenPhoto]:
    """One for each face."""
    return [SeenPhoto(Path("/photos") / f"{number}.jpg", f"{number:064}", (face,)) for number, face in enumerate(faces)]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return Cohort.load()


def test_the_largest_group_is_the_first(cohort: Cohort) -> None:
    rng = np.random.default_rng(0)
    few, many = rng.normal(size=(2, 128))
    seen = photos(a_face(few), *(a_face(many + rng.normal(size=128) * 0.05) for _ in range(3)), a_face(few, eye_px=5))
    assert [face.group for face in sort_faces(seen, cohort)] == [2, 1, 1, 1, None]
    assert len(one_each(np.stack([photo.faces[0].descriptor for photo in seen]), cohort)) == 2
    assert sort_faces([], cohort) == []
    assert one_each(np.zeros((0, 128), np.float32), cohort).shape == (0, 128)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    box = np.array([1, 2, 30, 40], np.float32)
    faces = [
        GroupedFace(tmp_path / "a" / "1.jpg", "0" * 64, box, 1),
        GroupedFace(tmp_path / "2.jpg", "1" * 64, box, 2),
        GroupedFace(tmp_path / "a" / "1.jpg", "0" * 64, box * 2, 1),
        GroupedFace(tmp_path / "3.jpg", "2" * 64, box, None),
    ]
    write_groups(tmp_path / "out" / "groups.json", tmp_path, faces)
    ((photo, face),) = read_group(tmp_path / "out" / "groups.json", 1).items()
    assert photo == face.photo == tmp_path / "a" / "1.jpg"
    assert face.box.tolist() == (box * 2).tolist()  # of two the larger
    said = json.loads((tmp_path / "out" / "groups.json").read_bytes())
    assert set(said["faces"][0]) == {"photo", "box", "group", "sha256"}, "nothing by which a face could be known elsewhere"
    with pytest.raises(PeopleError, match="has no group 3; its groups are 1 to 2"):
        read_group(tmp_path / "out" / "groups.json", 3)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"format": "facestream groups", "version": 1}', '{"format": "facestream groups", "version": 2, "faces": []}', "\x00"]
    + [
        '{"format": "facestream groups", "version": 1, "folder": "/", "faces": ' + faces + "}"
        for faces in ("7", "[7]", "[{}]", '[{"photo": "a", "sha256": "", "box": [1, 2], "group": 1}]', "[]")
    ],
)
def test_a_file_of_something_else_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "groups.json").write_text(content, encoding="utf-8")
    with pytest.raises(PeopleError) as refused:
        read_group(tmp_path / "groups.json", 1)
    assert str(tmp_path / "groups.json") in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_photo_that_has_changed_is_told() -> None:
    face = a_face(np.ones(128))
    (seen,) = photos(face)
    grouped = GroupedFace(seen.path, seen.sha256, face.box + 3, 1)
    assert grouped.chosen(seen) is face
    assert grouped.chosen(SeenPhoto(seen.path, "f" * 64, seen.faces)) == "has changed since its faces were sorted"
    assert grouped.chosen(SeenPhoto(seen.path, seen.sha256, (a_face(np.ones(128), 500),))) == "shows no face where one was"
    assert grouped.chosen(SeenPhoto(seen.path, seen.sha256, ())) == "shows no face where one was"


@pytest.mark.slow
def test_people_of_lfw_are_sorted_and_named_by_their_groups(data_dir: Path, tmp_path: Path, cohort: Cohort) -> None:
    folders = [folder for folder in sorted((data_dir / "identity" / "lfw_even").iterdir()) if len(list(folder.iterdir())) > 3]
    if not folders:
        pytest.skip("no photos of people in data/identity")
    for folder in random.Random(1).sample(folders, 20):
        for path in sorted(folder.iterdir())[:5]:
            shutil.copy(path, tmp_path)
    reader = PhotoReader.load()
    seen = [reader.look(path) for path in sorted(tmp_path.iterdir())]
    faces = sort_faces(seen, cohort)
    write_groups(tmp_path / "groups.json", tmp_path, faces)
    by_group = dict[int, list[str]]()
    for face in faces:
        if face.group is not None:
            by_group.setdefault(face.group, []).append(face.photo.name.rpartition("_")[0])
    large = [names for names in by_group.values() if len(names) > 2]
    assert len(large) >= 18
    assert sum(Counter(names).most_common(1)[0][1] for names in large) / sum(map(len, large)) >= 0.98
    chosen = read_group(tmp_path / "groups.json", 1)
    nobody = Gallery([], cohort)
    enrolment = enrol("Somebody", list(chosen), reader, nobody, chosen=lambda photo: chosen[photo.path].chosen(photo))
    assert len(enrolment.taken) + len(enrolment.skipped) >= len(chosen) - 1
