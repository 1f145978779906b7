"""From a notebook's cell, in a folder and of people of any name: what Jupyter leaves in the environment stops no training."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from models.classification.bundle import read_bundle
from tests.command import usual_environment
from tests.paths import ROOT
from tests.photos import make_folder

JUPYTER = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "JPY_PARENT_PID": "1",
    "CLICOLOR": "1",
    "TERM": "xterm-color",
    "PAGER": "cat",
}
"""As ipykernel and Colab leave it to the children of a cell."""
TESTS = Path(__file__).parents[1]


def cell(*words: str | Path | bytes, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`!facestream ...` in a cell; a training is short."""
    program = [str(TESTS / "short_training.py")] if words[0] == "train" else ["-m", "stream"]
    return subprocess.run(
        [sys.executable, *program, *(os.fsdecode(word) for word in words)], capture_output=True, text=True, errors="surrogateescape",
        timeout=200, cwd=cwd, env=usual_environment() | JUPYTER | environment, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(two_faces: dict[str, Image.Image], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder in which a model was trained, of data whose name is no UTF-8, of classes whose names are not Latin."""
    place = tmp_path_factory.mktemp("notebook")
    faces = {"張三": two_faces["collins"], "שרה": two_faces["hopper"]}
    make_folder(place / os.fsdecode(b"caf\xe9"), faces, 14)
    for number, path in enumerate(sorted((place / os.fsdecode(b"caf\xe9") / "張三").iterdir())[:2]):
        path.rename(path.with_name(os.fsdecode(b"\xff%d.png" % number)))
    return place, cell("train", b"caf\xe9", "-o", "who", "--architecture", "compact", cwd=place)


@pytest.mark.slow
def test_training_evaluation_and_export_work_in_a_cell(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    place, done = trained
    assert done.returncode == 0, done.stderr[-2000:]
    assert read_bundle(place / "who").info.classes == ("שרה", "張三")
    assert (place / "who-report/plots/confusion.png").stat().st_size > 1000
    assert "facestream train caf\\xe9 -o who" in (place / "who/README.md").read_text(encoding="utf-8")
    judged = cell("evaluate", "who", b"caf\xe9", "-o", "report", cwd=place)
    assert judged.returncode == 0, judged.stderr[-2000:]
    assert "only the pictures that were kept apart then are judged" in judged.stdout
    exported = cell("export", "who", "--format", "tflite", "-o", "who.tflite", cwd=place)
    assert exported.returncode == 0, exported.stderr[-2000:]
    assert json.loads((place / "who.tflite.json").read_text(encoding="utf-8"))["classes"] == ["שרה", "張三"]
    assert "Traceback" not in done.stderr + judged.stderr + exported.stderr


@pytest.mark.slow
def test_one_picture_more_in_the_folder_and_still_nothing_is_judged_that_was_learnt_from(
    trained: tuple[Path, subprocess.CompletedProcess[str]], two_faces: dict[str, Image.Image], tmp_path: Path
) -> None:
    place, _ = trained
    data = Path(shutil.copytree(place / os.fsdecode(b"caf\xe9"), tmp_path / "data"))
    new = make_folder(tmp_path / "new", {"a": two_faces["collins"]}, 1, seed=99)
    shutil.copy(new / "a/00.png", data / "張三/new.png")
    judged = cell("evaluate", place / "who", data, cwd=tmp_path)
    assert judged.returncode == 0, judged.stderr[-2000:]
    assert "24 pictures that the model learnt from, or copies of them, are left out; the other 5 are judged." in judged.stdout
    for path in sorted(data.rglob("*.png")):
        with Image.open(path) as image:
            image.convert("RGB").resize((180, 180)).save(path.with_suffix(".jpg"), quality=80)
        path.unlink()
    again = cell("evaluate", place / "who", data, cwd=tmp_path)
    copies = "24 pictures that the model learnt from, or copies of them, are left out; the other 5 are judged."
    assert copies in again.stdout, "copies of what was learnt from do not count either"


@pytest.mark.slow
def test_a_folder_of_nothing_else_than_what_was_learnt_from_is_said_to_be_that(
    trained: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    place, _ = trained
    judged = cell("evaluate", place / "who", b"caf\xe9", "-o", tmp_path / "report", cwd=place)
    kept = {line.split(",")[0] for line in (tmp_path / "report/predictions.csv").read_text(encoding="utf-8").splitlines()[1:]}
    assert len(kept) == 4, judged.stdout
    data = Path(shutil.copytree(place / os.fsdecode(b"caf\xe9"), tmp_path / "data"))
    for path in data.rglob("*.png"):
        if str(path.relative_to(data)).encode("utf-8", "backslashreplace").decode() in kept:
            path.unlink()
    told = cell("evaluate", place / "who", data, cwd=tmp_path)
    assert "The model learnt from all these pictures: how good it is on others, these numbers do not say." in told.stdout


@pytest.mark.slow
def test_the_notebooks_function_draws_where_the_backend_of_the_environment_is_missing(tmp_path: Path, portrait_path: Path) -> None:
    code = (
        "import sys; from models import detect_and_recognize_faces; import os;"
        "print(len(detect_and_recognize_faces(sys.argv[1], 'face')), os.environ['MPLBACKEND']);"
        "import matplotlib.pyplot as plt; plt.savefig(sys.argv[2])"
    )
    for backend in ("module://not_installed.backend_inline", "QtAgg", "nonsense"):
        out = tmp_path / "faces.png"
        done = subprocess.run(
            [sys.executable, "-c", code, str(portrait_path), str(out)], capture_output=True, text=True, check=False, cwd=ROOT,
            env=usual_environment() | {"MPLBACKEND": backend},
        )  # fmt: skip
        assert done.stdout.split() == ["1", backend], done.stderr
        assert out.stat().st_size > 10_000
        out.unlink()
