"""A folder of people: nobody else reads it, nothing in it is lost, and who is removed is gone."""

from __future__ import annotations

import base64
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from models.errors import PeopleError
from models.people.folder import PeopleFolder
from tests.disk import full_disk
from tests.paths import ROOT
from tests.people import a_photo
from tests.waiting import wait_for

needs_modes = pytest.mark.skipif(os.name != "posix", reason="this system has no modes")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> PeopleFolder:
    return PeopleFolder(tmp_path / "people")


def test_what_was_added_is_read_again(folder: PeopleFolder) -> None:
    photos = [a_photo("a.jpg"), a_photo("b.jpg")]
    folder.add("Grace Hopper", photos[:1], note="agreed in May")
    folder.add("Grace  Hopper ", photos[1:])
    (person,) = PeopleFolder(str(folder.path)).load()
    assert (person.name, person.note, len(person.created)) == ("Grace Hopper", "agreed in May", 10)
    assert [photo.file for photo in person.photos] == ["a.jpg", "b.jpg"]
    assert [photo.sha256 for photo in person.photos] == [photo.sha256 for photo in photos]
    assert (person.photos[0].eye_px, person.photos[0].sharpness) == (41.5, 120.0)
    assert (person.known().vectors == np.stack([photo.descriptor for photo in photos])).all()


def test_a_photo_counts_once(folder: PeopleFolder) -> None:
    photo = a_photo()
    folder.add("Ada", [photo, photo])
    assert len(folder.add("Ada", [photo]).photos) == 1


@needs_modes
def test_nobody_else_can_look(folder: PeopleFolder) -> None:
    before = os.umask(0)
    try:
        folder.add("Ada", [a_photo()])
        folder.add("Ada", [a_photo()])
    finally:
        os.umask(before)
    (file,) = folder.path.iterdir()
    assert (mode(folder.path), mode(file)) == (0o700, 0o600)


@needs_modes
@pytest.mark.parametrize("others", [0o040, 0o004, 0o020, 0o001])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_others_may_read_is_refused_with_the_cure(folder: PeopleFolder, others: int, what: str) -> None:
    folder.add("Ada", [a_photo()])
    (file,) = folder.path.iterdir()
    place = folder.path if what == "folder" else file
    place.chmod(mode(place) | others)
    for attempt in (folder.load, lambda: folder.add("Bob", [a_photo()]), lambda: folder.remove("Ada")):
        with pytest.raises(PeopleError, match="others may") as refused:
            attempt()
    subprocess.run(str(refused.value).rpartition(": ")[2], shell=True, check=True)
    assert [person.name for person in folder.load()] == ["Ada"]


@needs_modes
def test_a_link_is_refused_as_removing_it_would_leave_the_person(folder: PeopleFolder, tmp_path: Path) -> None:
    folder.add("Ada", [a_photo()])
    (file,) = folder.path.iterdir()
    elsewhere = file.rename(tmp_path / "elsewhere.json")
    file.symlink_to(elsewhere)
    with pytest.raises(PeopleError, match="is a link"):
        folder.remove("Ada")


def test_nothing_is_left_of_who_is_removed(folder: PeopleFolder) -> None:
    photo = a_photo()
    folder.add("Ada", [photo])
    folder.add("Bob", [a_photo()])
    bytes_of_it = base64.b64encode(photo.descriptor.tobytes())
    assert any(bytes_of_it in one for one in content(folder.path).values())
    assert folder.remove("Ada").name == "Ada"
    assert not any(bytes_of_it in one or b"Ada" in one for one in content(folder.path).values())
    assert len(list(folder.path.iterdir())) == 1
    folder.remove("Bob")
    assert list(folder.path.iterdir()) == []
    assert folder.load() == []


def test_a_photo_is_removed_and_with_the_last_one_the_person(folder: PeopleFolder) -> None:
    photos = [a_photo(), a_photo()]
    folder.add("Ada", photos)
    left = folder.remove_photos("Ada", [photos[0].sha256])
    assert left is not None
    assert [photo.sha256 for photo in left.photos] == [photos[1].sha256]
    assert folder.remove_photos("Ada", [photos[1].sha256]) is None
    assert list(folder.path.iterdir()) == []


def test_what_a_killed_program_was_writing_is_swept_away(folder: PeopleFolder) -> None:
    folder.add("Ada", [a_photo()])
    code = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom models.atomic import file_written_whole\n"
        "with file_written_whole(Path(sys.argv[1]), mode=0o600) as file:\n"
        "    file.write(b'half')\n    file.flush()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (file,) = folder.path.iterdir()
    killed = subprocess.run([sys.executable, "-c", code, file], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(folder.path.iterdir())) == 2
    assert [person.name for person in folder.load()] == ["Ada"]
    folder.remove("Ada")
    assert list(folder.path.iterdir()) == []


def test_programs_that_add_at_once_lose_nothing(folder: PeopleFolder) -> None:
    code = (
        "import sys\nimport numpy as np\nfrom models.people.folder import PeopleFolder\nfrom models.people.person import Photo\n"
        "vector = np.zeros(128, np.float32)\nvector[0] = 1\n"
        "for number in range(20):\n"
        "    PeopleFolder(sys.argv[1]).add('Ada', [Photo('a.jpg', f'{sys.argv[2]}-{number}', vector, 40.0, 100.0)])\n"
    )
    programs = [subprocess.Popen([sys.executable, "-c", code, folder.path, str(number)], cwd=ROOT) for number in range(3)]
    assert [program.wait(60) for program in programs] == [0, 0, 0]
    (person,) = folder.load()
    assert {photo.sha256 for photo in person.photos} == {f"{program}-{number}" for program in range(3) for number in range(20)}


def test_who_waits_for_a_program_that_was_stopped_is_told(folder: PeopleFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.people.lock.LONGEST_WAIT_S", 0.1)
    folder.add("Ada", [a_photo()])
    code = "import sys, time\nfrom pathlib import Path\nfrom models.people.lock import locked\n"
    code += "with locked(Path(sys.argv[1])):\n    print('locked', flush=True)\n    time.sleep(60)\n"
    with subprocess.Popen([sys.executable, "-c", code, folder.path], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        try:
            with pytest.raises(PeopleError, match="another program is changing it"):
                folder.add("Bob", [a_photo()])
            assert [person.name for person in folder.load()] == ["Ada"]  # reading never waits
        finally:
            other.kill()
    folder.add("Bob", [a_photo()])


def test_the_stamp_changes_with_whatever_changes(folder: PeopleFolder) -> None:
    stamps = [folder.stamp()]

    def changed() -> bool:
        stamps.append(folder.stamp())
        return stamps[-1] not in stamps[:-1] and folder.stamp() == stamps[-1]

    photo = a_photo()
    folder.add("Ada", [photo])
    assert changed()
    folder.add("Ada", [a_photo()])
    assert changed()
    folder.remove_photos("Ada", [photo.sha256])
    assert changed()
    folder.add("Bob", [a_photo()])
    assert changed()
    folder.remove("Ada")
    assert changed()
    (folder.path / "cohort.npz").write_bytes(b"")
    assert changed()


def test_somebody_who_is_not_there_is_asked_about(folder: PeopleFolder) -> None:
    folder.add("Grace Hopper", [a_photo()])
    with pytest.raises(PeopleError, match="did you mean Grace Hopper"):
        folder.remove("Grace Hoper")
    with pytest.raises(PeopleError, match="there is one person"):
        folder.get("Xaver")


def test_two_files_of_one_person_are_refused(folder: PeopleFolder) -> None:
    folder.add("Ada", [a_photo()])
    (file,) = folder.path.iterdir()
    (folder.path / "copy.json").write_bytes(file.read_bytes())
    (folder.path / "copy.json").chmod(0o600)
    with pytest.raises(PeopleError, match="remove one of the two files"):
        folder.load()


def test_a_file_keeps_the_name_that_somebody_gave_it(folder: PeopleFolder) -> None:
    folder.add("Ada", [a_photo()])
    (file,) = folder.path.iterdir()
    file.rename(folder.path / "mine.json")
    folder.add("Ada", [a_photo()])
    assert [path.name for path in folder.path.iterdir()] == ["mine.json"]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "people" / "Ada").mkdir(parents=True)
    with pytest.raises(PeopleError, match="is no folder of people, as it holds Ada"):
        PeopleFolder(tmp_path / "people").add("Bob", [a_photo()])
    assert [path.name for path in (tmp_path / "people").iterdir()] == ["Ada"]


@pytest.mark.parametrize("place", ["file", "gone", "file/below", "x" * 300, "a\x00b"])
def test_a_place_that_cannot_be_is_one_sentence(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(PeopleError) as refused:
        PeopleFolder(tmp_path / place).load()
    assert "\n" not in str(refused.value)
    if place != "gone":
        with pytest.raises(PeopleError):
            PeopleFolder(tmp_path / place).add("Ada", [a_photo()])
    assert (tmp_path / "file").read_bytes() == b"x"


def test_a_full_disk_loses_nobody(folder: PeopleFolder) -> None:
    folder.add("Ada", [a_photo()])
    before = content(folder.path)
    with full_disk(100), pytest.raises(PeopleError, match="cannot be changed"):
        folder.add("Ada", [a_photo()])
    assert content(folder.path) == before


def test_a_reader_sees_each_person_whole_while_another_program_writes(folder: PeopleFolder) -> None:
    code = (
        "import sys\nimport numpy as np\nfrom models.people.folder import PeopleFolder\nfrom models.people.person import Photo\n"
        "vector = np.zeros(128, np.float32)\nvector[0] = 1\nfolder = PeopleFolder(sys.argv[1])\n"
        "for number in range(60):\n"
        "    folder.add('Ada', [Photo('a.jpg', str(number), vector, 40.0, 100.0)])\n"
        "    folder.add('Bob', [Photo('a.jpg', str(number), vector, 40.0, 100.0)])\n"
        "    folder.remove('Bob')\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, folder.path], cwd=ROOT) as other:
        wait_for(lambda: folder.exists and len(folder.load()) > 0)
        seen = list[int]()
        while other.poll() is None:
            people = {person.name: len(person.photos) for person in PeopleFolder(folder.path).load()}
            seen.append(people["Ada"])
            assert people.get("Bob", 1) == 1
    assert other.returncode == 0
    assert seen == sorted(seen)
