"""`facestream people` as it is typed: enrolled, listed, recognised, forgotten."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command import facestream, is_one_sentence, running
from tests.photos import make_folder
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def here(tmp_path: Path, astronaut: np.ndarray, portrait_path: Path) -> Path:
    """A folder with photos of two people, and one of both."""
    collins, hopper = Image.fromarray(astronaut), Image.open(portrait_path)
    both = Image.new("RGB", (900, 512))
    both.paste(collins, (0, 0))
    both.paste(hopper.resize((310, 363)), (550, 50))
    both.save(tmp_path / "both.png")
    collins.save(tmp_path / "eileen.png")
    shutil.copy(portrait_path, tmp_path / "grace.jpg")
    Image.new("RGB", (200, 200), "green").save(tmp_path / "lawn.png")
    (tmp_path / "damaged.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    return tmp_path


def people(here: Path, *words: str | Path, code: int = 0) -> str:
    """What the command says, to stdout where it does well, else to stderr."""
    done = facestream("people", *words, cwd=here)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def rows(table: str) -> list[list[str]]:
    """The words of its lines."""
    return [line.split() for line in table.splitlines()]


def test_a_person_is_enrolled_recognised_and_forgotten(here: Path) -> None:
    assert "Grace Hopper: 1 photo added." in people(here, "add", "Grace Hopper", "grace.jpg", "--note", "agreed in May")
    assert stat.S_IMODE((here / "people").stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in (here / "people").iterdir()] == [0o600]
    assert "Grace Hopper       1" in people(here, "list")
    assert "grace.jpg" in people(here, "list", "Grace Hopper")
    seen = people(here, "check", "both.png").splitlines()
    assert [("Grace Hopper" in line, "unknown" in line) for line in seen[1:]] == [(False, True), (True, False)]
    assert "in 100,000 strangers would score so" in seen[2]
    assert "%" not in "".join(seen)
    assert "no face is found" in people(here, "check", "lawn.png")
    assert "Nothing is wrong." in people(here, "check")
    assert "removed, with 1 photo" in people(here, "remove", "Grace Hopper")
    assert list((here / "people").iterdir()) == []
    assert (here / "grace.jpg").exists()
    assert is_one_sentence(people(here, "check", code=1))
    assert "nobody is enrolled" in people(here, "check", "grace.jpg")


def test_the_face_is_chosen_where_there_are_several(here: Path) -> None:
    told = people(here, "add", "Grace", "both.png", code=1)
    assert "both.png: has 2 faces; say which with --face N" in told
    assert [row[0] for row in rows(told)[1:]] == ["1", "2"]
    assert not (here / "people").exists()
    people(here, "add", "Grace", "both.png", "--face", "2")
    assert "Grace" in people(here, "check", "grace.jpg")
    assert is_one_sentence(people(here, "add", "Grace", "both.png", "grace.jpg", "--face", "2", code=2))
    assert is_one_sentence(people(here, "add", "Eileen", "eileen.png", "--face", "2", code=1))
    assert "there is Grace already" in people(here, "add", "grace", "grace.jpg", code=1)


def test_a_photo_is_added_once_and_removed_by_its_name(here: Path) -> None:
    people(here, "add", "Grace", "grace.jpg")
    assert "Grace: nothing new." in people(here, "add", "Grace", "grace.jpg")
    people(here, "add", "Grace", "both.png", "--face", "2", "--force")
    assert "1 photo left" in people(here, "remove", "Grace", "grace.jpg")
    assert "is no photo of Grace" in people(here, "remove", "Grace", "grace.jpg", code=1)
    assert "that was the last photo" in people(here, "remove", "Grace", here / "both.png")


def test_everybody_of_a_folder_is_enrolled_whatever_is_wrong_with_some(here: Path) -> None:
    for name, photo in {"Eileen": "eileen.png", "Grace": "grace.jpg", "Lawn": "lawn.png", "Broken": "damaged.jpg"}.items():
        (here / "all" / name).mkdir(parents=True)
        shutil.copy(here / photo, here / "all" / name)
    (here / "all" / "Empty").mkdir()
    (here / "all" / ".hidden").mkdir()
    shutil.copy(here / "damaged.jpg", here / "all" / "Grace")
    told = people(here, "add", "--all", "all", code=1)
    assert "not enrolled: Broken, Empty, Lawn." in told
    assert "all/Grace/damaged.jpg: " in told
    assert [row[0] for row in rows(people(here, "list"))[1:3]] == ["Eileen", "Grace"]
    for name in ("Lawn", "Broken", "Empty"):
        shutil.rmtree(here / "all" / name)
    assert "2 people in people." in people(here, "add", "--all", "all")


def test_a_damaged_photo_that_was_named_is_told_and_the_others_are_enrolled(here: Path) -> None:
    told = people(here, "add", "Grace", "damaged.jpg", "grace.jpg", "gone.jpg", code=1)
    assert [line.split(":")[1].strip() for line in told.splitlines()] == ["damaged.jpg", "gone.jpg"]
    assert "Grace       1" in people(here, "list")
    (here / "folder").mkdir()
    for name in ("damaged.jpg", "eileen.png", "lawn.png"):
        shutil.copy(here / name, here / "folder")
    assert "1 photo added" in people(here, "add", "Eileen", "folder")


def test_who_is_enrolled_twice_is_told(here: Path) -> None:
    people(here, "add", "Grace", "grace.jpg")
    assert "looks like Grace, who is enrolled" in people(here, "add", "Somebody", "both.png", "--face", "2", code=1)
    people(here, "add", "Somebody", "both.png", "--face", "2", "--force")
    assert "Grace and Somebody look like one person" in people(here, "check", code=1)


def test_an_odd_photo_is_told(here: Path) -> None:
    people(here, "add", "Grace", "grace.jpg")
    assert "seems to show somebody else" in people(here, "add", "Grace", "eileen.png", code=1)
    people(here, "add", "Grace", "eileen.png", "--force")
    assert "seem to show two people" in people(here, "check", code=1)


def test_the_settings_name_the_folder(here: Path) -> None:
    (here / "my.yaml").write_text("identity: {people: known}\n", encoding="utf-8")
    people(here, "add", "Grace", "grace.jpg", "--config", "my.yaml")
    assert (here / "known").is_dir()
    assert "Grace" in people(here, "list", "--people", "known")
    assert "Grace" in people(here, "list", "--set", "identity.people=known")
    assert is_one_sentence(people(here, "list", code=1))


@pytest.mark.parametrize("name", ["-dash", "李小龙", "../../up", "Zoë O'Brien"])
def test_names_of_all_kinds(here: Path, name: str) -> None:
    people(here, "add", "--", name, "grace.jpg")
    assert name in people(here, "list")
    assert name in people(here, "check", "grace.jpg")
    assert name in people(here, "remove", "--", name)
    assert {path.name for path in here.parent.iterdir()} >= {here.name}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["add"], 2),
        (["add", "Grace"], 2),
        (["add", "grace.jpg"], 2),
        (["add", "grace.jpg", "Grace"], 2),
        (["add", "", "grace.jpg"], 2),
        (["add", "Unknown", "grace.jpg"], 2),
        (["add", "--all", "gone"], 2),
        (["add", "--all", "grace.jpg"], 2),
        (["add", "Grace", "--all", "."], 2),
        (["add", "Grace", "--group", "groups.json"], 2),
        (["add", "Grace", "--group", "gone.json:1"], 1),
        (["add", "Grace", "--group", "grace.jpg:1"], 1),
        (["add", "Grace", "lawn.png"], 1),
        (["add", "Grace", "grace.jpg", "--people", "grace.jpg"], 1),
        (["add", "Grace", "grace.jpg", "--people", "."], 1),
        (["add", "Grace", "grace.jpg", "--set", "output.crf=3"], 2),
        (["add", "Grace", "grace.jpg", "--config", "gone.yaml"], 2),
        (["list"], 1),
        (["remove", "Grace"], 1),
        (["check"], 1),
        (["check", "gone.jpg"], 1),
        (["calibrate", "gone"], 2),
        (["calibrate", "."], 1),
        (["group", "gone", "-o", "groups.json"], 2),
        (["group", ".", "-o", "grace.jpg"], 2),
        (["group", ".", "-o", "."], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_what_cannot_be_is_one_sentence(here: Path, words: list[str], code: int) -> None:
    before = {path.name for path in here.iterdir()}
    told = people(here, *words, code=code)
    assert is_one_sentence(told.splitlines()[-1] + "\n")
    assert {path.name for path in here.iterdir()} == before


@pytest.mark.skipif(os.name != "posix", reason="this system has no modes")
def test_a_folder_that_others_may_read_is_refused(here: Path) -> None:
    people(here, "add", "Grace", "grace.jpg")
    (here / "people").chmod(0o755)
    for words in (["list"], ["check"], ["check", "grace.jpg"], ["add", "Eileen", "eileen.png"], ["remove", "Grace"]):
        told = people(here, *words, code=1)
        assert is_one_sentence(told)
        assert "chmod 700 people" in told


def test_nothing_but_numbers_is_kept_of_a_photo(here: Path) -> None:
    people(here, "add", "Grace", "grace.jpg")
    (file,) = (here / "people").iterdir()
    said = json.loads(file.read_bytes())
    assert set(said) == {"format", "version", "name", "created", "note", "network", "alignment", "photos"}
    assert set(said["photos"][0]) == {"file", "sha256", "added", "eye_px", "sharpness", "descriptor"}
    assert file.stat().st_size < 2000


def test_an_interrupted_folder_keeps_who_was_enrolled_and_goes_on(here: Path, two_faces: dict[str, Image.Image]) -> None:
    names = [f"Person {number:02}" for number in range(40)]
    make_folder(here / "all", dict.fromkeys(names, two_faces["collins"]), 2)
    with running("people", "add", "--all", "all", "--force", cwd=here) as process:
        wait_for(lambda: len(list(here.glob("people/*.json"))) > 2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    before = {path.name: path.read_bytes() for path in (here / "people").iterdir()}
    assert 2 < len(before) < 40
    assert not [name for name in before if name.startswith(".")]
    assert "40 people in people." in people(here, "add", "--all", "all", "--force")
    assert {name: (here / "people" / name).read_bytes() for name in before} == before


def test_two_commands_at_once_lose_nobody(here: Path) -> None:
    with (
        running("people", "add", "Eileen", "eileen.png", cwd=here) as one,
        running("people", "add", "Grace", "grace.jpg", cwd=here) as other,
    ):
        assert [process.wait(60) for process in (one, other)] == [0, 0]
    assert "2 people, 2 photos" in people(here, "list")


def test_photos_of_odd_names(here: Path) -> None:
    odd = [os.fsdecode(b"caf\xe9.jpg"), "red\x1b[31m\n.jpg"]
    for number, name in enumerate(odd):
        shutil.copy(here / "grace.jpg", here / name)
        people(here, "add", f"Grace {number}", name, "--force")
        listed = people(here, "list", f"Grace {number}")
        assert "\x1b" not in listed
        assert listed.count("\n") == 3
        assert "that was the last photo" in people(here, "remove", f"Grace {number}", name)
