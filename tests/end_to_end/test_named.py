"""`facestream run SOURCE --people DIR`, as users run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.people.folder import PeopleFolder
from stream import watch
from stream.settings.loading import load_settings
from tests.command import facestream, is_one_sentence, usual_environment
from tests.enrolled import COLLINS, enrolled
from tests.moving_faces import Actor, Film, at_rate, head
from tests.web_guest import write_film


@pytest.fixture(scope="module")
def people(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return enrolled(tmp_path_factory.mktemp("known") / "people", {COLLINS: astronaut})


@pytest.fixture(scope="module")
def film(astronaut: np.ndarray, portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eileen Collins on the left, Grace Hopper on the right; both move."""
    left = Actor(head(astronaut, "astronaut"), lambda time_s: (170 + 20 * time_s, 180, 170))
    right = Actor(head(portrait, "hopper"), lambda time_s: (480 - 15 * time_s, 180, 180))
    pictures = [Film([left, right], size=(640, 360)).picture(time_s) for time_s in at_rate(3)]
    return write_film(tmp_path_factory.mktemp("film") / "clip.mp4", pictures)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def persons(line: dict[str, Any]) -> list[dict[str, Any] | None]:
    """Of the faces from left to right."""
    return [face["person"] for face in sorted(line["faces"], key=lambda face: face["box"][0])]


def test_events_name_who_is_known_and_the_log_does_not(film: Path, people: Path, tmp_path: Path) -> None:
    events, out = tmp_path / "events.jsonl", tmp_path / "out.mp4"
    tracks = "output.track_events=true"
    done = facestream("run", film, "--people", people, "--events", events, "-o", out, "--set", tracks, "--log-format", "json")
    assert done.returncode == 0, done.stderr
    told = lines(events.read_text())
    frames, over = [line for line in told if "kind" not in line], [line for line in told if line.get("kind") == "track"]
    assert len(frames) == 75
    assert all(len(line["faces"]) == 2 for line in frames)
    for line in frames:
        left, right = persons(line)
        assert left is not None
        assert right is not None
        assert (left["name"], right["name"]) == (COLLINS, None)
        assert left["score"] > 2 > right["score"], "one stranger in a hundred may get the name"
        assert min(left["looks"], right["looks"]) >= 2
    assert {line["person"]["name"] for line in over} == {COLLINS, None}
    assert "Collins" not in done.stderr + done.stdout
    assert out.stat().st_size > 10_000


def test_a_photo_is_named_by_one_look_also_where_it_is_only_listed(
    astronaut: np.ndarray, portrait_path: Path, people: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "astronaut.png"
    Image.fromarray(astronaut).save(photo)
    done = facestream("run", photo, portrait_path, "--people", people, "--events", "-")
    known, unknown = (persons(line)[0] for line in lines(done.stdout))
    assert known is not None
    assert unknown is not None
    assert (known["name"], known["looks"]) == (COLLINS, 1)
    assert (unknown["name"], unknown["looks"]) == (None, 1)
    listed = facestream("run", photo, portrait_path, "--people", people, "--no-window").stdout
    assert f"1 face: {COLLINS} at " in listed
    assert "1 face: unknown at " in listed


def test_without_people_there_is_no_word_of_them_and_nothing_of_it_is_loaded(portrait_path: Path) -> None:
    program = (
        "import sys; from stream import watch\n"
        f"faces = [face for result in watch({str(portrait_path)!r}) for face in result.analysis.faces]\n"
        "assert len(faces) == 1 and faces[0].person is None\n"
        "parts = 'models.identity', 'models.people', 'stream.analysis.identifier'\n"
        "print(*sorted(name for name in sys.modules if name.startswith(parts)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=usual_environment(), timeout=60, check=True)
    assert done.stdout.strip() == ""
    (line,) = lines(facestream("run", portrait_path, "--events", "-").stdout)
    assert "person" not in line["faces"][0]


def test_in_python_a_face_has_its_person(film: Path, people: Path) -> None:
    faces = [face for result in watch(film, load_settings(None, [f"identity.people={people}"])) for face in result.analysis.faces]
    assert len(faces) == 150
    assert {face.person.name for face in faces if face.person is not None} == {COLLINS, None}


def test_a_source_of_the_settings_may_be_without_names(film: Path, people: Path, tmp_path: Path) -> None:
    settings = tmp_path / "my.yaml"
    sources = [{"name": "named", "address": str(film)}, {"name": "plain", "address": str(film), "identity": {"people": None}}]
    settings.write_text(json.dumps({"identity": {"people": str(people)}, "sources": sources}))
    done = facestream("run", "--config", settings, "--events", "-")
    assert done.returncode == 0, done.stderr
    said = {(line["source"], "person" in face) for line in lines(done.stdout) for face in line["faces"]}
    assert said == {("named", True), ("plain", False)}


@pytest.mark.parametrize("wrong", ["missing", "a file", "open to others", "damaged", "no network", "no cohort"])
def test_people_that_cannot_be_used_are_one_sentence_before_any_work(wrong: str, astronaut: np.ndarray, film: Path, tmp_path: Path) -> None:
    folder = enrolled(tmp_path / "people", {COLLINS: astronaut})
    (file,) = folder.glob("*.json")
    words: list[str | Path] = []
    if wrong == "missing":
        folder = tmp_path / "nobody"
    elif wrong == "a file":
        folder = film
    elif wrong == "open to others":
        file.chmod(0o644)
    elif wrong == "damaged":
        file.write_text(file.read_text()[:-200])
    else:
        words = ["--set", f"identity.{wrong.removeprefix('no ')}={tmp_path / 'none'}"]
    done = facestream("run", film, "--people", folder, *words, "-o", tmp_path / "out.mp4")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr), done.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_an_empty_folder_knows_nobody_and_says_so(portrait_path: Path, tmp_path: Path) -> None:
    (tmp_path / "people").mkdir(mode=0o700)
    done = facestream("run", portrait_path, "--people", tmp_path / "people", "--events", "-")
    (line,) = lines(done.stdout)
    assert persons(line) == [{"name": None, "score": 0.0, "looks": 1}]
    assert "nobody is enrolled" in done.stderr


@pytest.mark.slow
def test_what_happens_to_the_folder_while_it_runs_ends_nothing(astronaut: np.ndarray, film: Path, tmp_path: Path) -> None:
    people = enrolled(tmp_path / "people", {COLLINS: astronaut})
    settings = load_settings(None, [f"identity.people={people}", "source.loop=true"])
    said = set()
    for result in watch(film, settings):
        said |= {face.person.name for face in result.analysis.faces if face.person is not None}
        if result.frame.index == 40:
            PeopleFolder(people).remove(COLLINS)
            people.rename(tmp_path / "elsewhere")
        if result.frame.index > 110:
            break
    assert said == {COLLINS, None}
