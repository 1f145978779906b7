"""Another network describes faces, as it is typed: enrolled, calibrated by strangers, named; and never mixed with the one that ships."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from tests.command import facestream, is_one_sentence
from tests.identity_onnx import projection, write_network

pytestmark = pytest.mark.slow

STRANGERS, PEOPLE, PHOTOS = 520, 8, 3


@pytest.fixture(scope="module")
def here(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of 64 numbers, photos of strangers, a folder of photos for each of some people, and one more photo of each."""
    folders = sorted((data_dir / "identity" / "lfw_even").iterdir())
    photos = {folder.name: sorted(folder.iterdir()) for folder in folders}
    known = [name for name, own in photos.items() if len(own) > PHOTOS][-PEOPLE:]
    strangers = [own[0] for name, own in photos.items() if name not in known][: STRANGERS + 20]
    if len(strangers) < STRANGERS + 20:
        pytest.skip("no photos of people in data/identity")
    folder = tmp_path_factory.mktemp("network")
    write_network(folder / "x.onnx", projection=projection(64))
    (folder / "my.yaml").write_text("identity: {network: x.onnx}\n", encoding="utf-8")
    for name in ("strangers", "passing", "looks"):
        (folder / name).mkdir()
    for photo in strangers[:STRANGERS]:
        shutil.copy(photo, folder / "strangers")
    for photo in strangers[STRANGERS:]:
        shutil.copy(photo, folder / "passing")
    for name in known:
        (folder / "family" / name).mkdir(parents=True)
        for photo in photos[name][:PHOTOS]:
            shutil.copy(photo, folder / "family" / name)
        shutil.copy(photos[name][PHOTOS], folder / "looks" / f"{name}.jpg")
    return folder


def people(here: Path, *words: str | Path, code: int = 0, timeout_s: float = 120) -> str:
    """What the command says, to stdout where it does well, else to stderr."""
    done = facestream("people", *words, "--config", "my.yaml", cwd=here, timeout_s=timeout_s)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def names(here: Path, folder: str) -> dict[str, str | None]:
    """Whom a run takes the face of each photo for: of each with one face."""
    done = facestream("run", folder, "--people", "people", "--config", "my.yaml", "--events", "-", cwd=here)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    told = {Path(line["source"]).stem: line["faces"][0]["person"] for line in lines if len(line["faces"]) == 1}
    return {name: person and person["name"] for name, person in told.items()}


@pytest.mark.timeout(900)
def test_people_are_enrolled_and_named_by_another_network_once_it_is_calibrated(here: Path) -> None:
    done = facestream("people", "add", "--all", "family", "--config", "my.yaml", cwd=here)
    assert f"{PEOPLE} people in people." in done.stdout, done.stderr
    assert "cannot be told before facestream people calibrate" in done.stderr
    for refused in (
        facestream("run", "looks", "--people", "people", "--config", "my.yaml", cwd=here),
        facestream("people", "check", "--config", "my.yaml", cwd=here),
        facestream("people", "group", "looks", "-o", "groups.json", "--config", "my.yaml", cwd=here),
    ):
        assert (refused.returncode, is_one_sentence(refused.stderr)) == (1, True), refused.stderr
        assert "facestream people calibrate FOLDER" in refused.stderr
    few = people(here, "calibrate", "passing", code=1)
    assert is_one_sentence(few)
    assert "photos of 500 or more are needed" in few

    told = people(here, "calibrate", "strangers", timeout_s=600)
    assert "for up to 100 people enrolled; for more it is a guess" in told
    assert stat.S_IMODE((here / "people/cohort.npz").stat().st_mode) == 0o600
    found = names(here, "looks")
    assert len(found) > 0.8 * PEOPLE
    assert sum(name == person for name, person in found.items()) >= len(found) - 1
    assert all(person in (name, "unknown") for name, person in found.items())
    assert sum(person not in ("unknown", None) for person in names(here, "passing").values()) <= 1
    checked = people(here, "check", next(iter(sorted((here / "looks").iterdir()))))
    assert "fewer than 1 in 1,000 strangers would score so" in checked  # 500 strangers and 8 people show no less


@pytest.mark.timeout(900)
def test_two_networks_are_never_mixed(here: Path, tmp_path: Path) -> None:
    look = next(iter(sorted((here / "looks").iterdir())))
    assert facestream("people", "add", "Ada", look, cwd=tmp_path).returncode == 0
    shutil.copy(here / "x.onnx", tmp_path)
    for words in (["check", look], ["add", "Bo", look], ["calibrate", here / "passing"], ["list"]):
        done = facestream("people", *words, "--set", "identity.network=x.onnx", cwd=tmp_path)
        assert (done.returncode, is_one_sentence(done.stderr)) == (1, True)
        assert "Ada was enrolled with another network; enrol again: facestream people remove" in done.stderr
    done = facestream("run", look, "--people", "people", "--set", "identity.network=x.onnx", cwd=tmp_path)
    assert (done.returncode, is_one_sentence(done.stderr)) == (1, True)
    assert facestream("people", "remove", "Ada", "--set", "identity.network=x.onnx", cwd=tmp_path).returncode == 0
    assert facestream("people", "add", "Ada", look, "--set", "identity.network=x.onnx", cwd=tmp_path).returncode == 0
    (file,) = (tmp_path / "people").glob("*.json")
    import hashlib

    assert json.loads(file.read_bytes())["network"] == hashlib.sha256((here / "x.onnx").read_bytes()).hexdigest()
    done = facestream("people", "list", "--set", "identity.network=x.onnx", "--set", "identity.network_mean=0", cwd=tmp_path)
    assert (done.returncode, is_one_sentence(done.stderr)) == (1, True)
    assert "this network with another identity.network_mean" in done.stderr


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        (["network=none.onnx"], 1, "none.onnx: there is no such file"),
        (["network=docs"], 1, "docs: is a folder"),
        (["network=README.md"], 1, "nor an ONNX file by its name"),
        (["network_mean=0"], 2, "identity.network_mean has a meaning only where network names an ONNX file"),
        (["network=x.onnx", "network_mean=[1, 2]"], 2, "identity.network_mean cannot be [1, 2]"),
        (["network=x.onnx", "network_scale=0"], 2, "identity.network_scale cannot be 0"),
        (["network=x.onnx", "network_channels=gbr"], 2, "it must be 'rgb' or 'bgr'"),
    ],
)
def test_wrong_settings_get_one_sentence(settings: list[str], code: int, words: str, portrait_path: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("hello\n", encoding="utf-8")
    assert facestream("people", "add", "Grace", portrait_path, cwd=tmp_path).returncode == 0
    changes = [word for one in settings for word in ("--set", f"identity.{one}")]
    done = facestream("run", portrait_path, "--people", "people", *changes, cwd=tmp_path)
    assert done.returncode == code
    assert is_one_sentence(done.stderr), done.stderr
    assert words in done.stderr
