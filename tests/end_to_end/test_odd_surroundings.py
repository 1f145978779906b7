"""The command where something around it is odd: another package of a name of ours, nobody's user id, brackets, damaged caches."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data.crop_cache import CropCache, Look, default_folder
from models.errors import ModelError
from models.training.train import check_places
from tests.command import facestream, is_one_sentence, usual_environment
from tests.paths import ROOT
from tests.photos import make_folder
from tests.unprivileged import as_nobody_known

pytestmark = pytest.mark.slow


@pytest.fixture
def django(tmp_path: Path) -> Path:
    """A project that has a package `models`, as many have."""
    (tmp_path / "project/models").mkdir(parents=True)
    (tmp_path / "project/models/__init__.py").write_text("raise SystemExit('the other package models was run')\n")
    return tmp_path / "project"


def test_another_package_models_on_the_path_does_not_get_in_the_command_s_way(django: Path, portrait_path: Path) -> None:
    done = facestream("run", portrait_path, "--no-window", environment={"PYTHONPATH": f"{django}{os.pathsep}{ROOT}"}, cwd=django)
    assert done.returncode == 0, done.stderr
    assert "1 face" in done.stdout


def test_a_program_that_would_get_another_package_models_is_told_so(django: Path, portrait_path: Path) -> None:
    (django / "models/__init__.py").write_text("")
    code = "import sys; from stream import watch\ntry:\n    next(watch(sys.argv[1]))\nexcept ImportError as error:\n    print(error)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(portrait_path)], capture_output=True, text=True, check=False, cwd=django,
        env=usual_environment() | {"PYTHONPATH": f"{django}{os.pathsep}{ROOT}"},
    )  # fmt: skip
    assert f"Python finds another of that name ({django}/models/__init__.py)" in done.stdout, done.stderr


def test_a_user_without_a_name_and_a_home_can_judge_a_model(two_faces: dict[str, Image.Image]) -> None:
    """As containers with a bare user id have it."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are root's alone
        place = Path(name)
        place.chmod(0o777)
        data = make_folder(place / "data", {"face": two_faces["collins"], "not face": two_faces["hopper"]}, 4)
        done = as_nobody_known(["-m", "stream", "evaluate", "face", data, "-o", "report"], place)
        assert done.returncode == 0, done.stderr[-2000:]
        assert "Traceback" not in done.stderr
        assert (place / "report/report.html").is_file()
        built = as_nobody_known(["-c", "from models import create_cnn_model; print(create_cnn_model().count_params())"], place)
        assert built.stdout.strip() == "3453121", built.stderr[-2000:]
        assert not list(place.glob("~*")), "nothing is put into a folder that is called so"


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("Could not determine home directory.")))
    assert default_folder() is None
    cache = CropCache()
    cache.put("key", a_look())
    assert cache.get("key") is None


def a_look() -> Look:
    image = np.zeros((4, 4, 3), np.uint8)
    return Look((4, 4), 1, np.zeros(4, np.float32), image, image, 0.0, 0.9, np.zeros((2, 128), bool))


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_file_in_the_cache_is_as_good_as_none(seed: int, tmp_path: Path) -> None:
    """Any byte may be another: what comes of it is the same or nothing."""
    cache = CropCache(tmp_path)
    cache.put("abcdef", a_look())
    (path,) = tmp_path.rglob("*.npz")
    whole, rng = path.read_bytes(), np.random.default_rng(seed)
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), int(rng.integers(1, 6))):
            damaged[place] = rng.integers(0, 256)
        path.write_bytes(damaged[: int(rng.integers(1, len(whole) + 1))] if rng.random() < 0.2 else damaged)
        cache.get("abcdef")
    path.write_bytes(whole)
    assert cache.get("abcdef") is not None


def test_brackets_in_a_folder_s_name_are_no_markup_on_a_terminal(tmp_path: Path, portrait_path: Path) -> None:
    """And what is found goes where stdout goes, though the bar is on the terminal."""
    folder = tmp_path / "a[/b] [red]x"
    folder.mkdir(parents=True)
    for number in range(2):
        (folder / f"{number}[bold].jpg").write_bytes(portrait_path.read_bytes())
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "stream", "run", str(folder), "--no-window", "--model", "none"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=follower, env=usual_environment() | {"TERM": "xterm"})
    os.close(follower)
    shown = b""
    while process.poll() is None or select.select([leader], [], [], 0)[0]:
        if select.select([leader], [], [], 0.2)[0]:
            try:
                shown += os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
    out = process.communicate()[0]
    os.close(leader)
    assert process.returncode == 0, shown
    assert b"Traceback" not in shown
    assert out.decode().count("1 face") == 2


def the_current_folder(place: Path) -> str:
    return "."


def one_around_it(place: Path) -> str:
    return ".."


def the_root(place: Path) -> str:
    return "/"


def a_long_name(place: Path) -> str:
    return "m" * 101


def a_name_of_long_letters(place: Path) -> str:
    return "顔" * 80


def a_name_that_is_no_utf8(place: Path) -> str:
    return os.fsdecode(b"mod\xe8le")


def a_place_in_a_file(place: Path) -> str:
    (place / "file").write_text("")
    return "file/model"


def a_mounted_disk(place: Path) -> str:
    return "/proc"


def a_link_to_nowhere(place: Path) -> str:
    (place / "link").symlink_to("nowhere")
    return "link"


def a_link_to_itself(place: Path) -> str:
    (place / "link").symlink_to("link")
    return "link"


PLACES = [
    the_current_folder, one_around_it, the_root, a_mounted_disk, a_link_to_nowhere, a_link_to_itself,
    a_long_name, a_name_of_long_letters, a_name_that_is_no_utf8, a_place_in_a_file,
]  # fmt: skip


@pytest.mark.parametrize("name_it", PLACES)
def test_a_place_that_would_fail_after_training_is_refused_before_it(
    name_it: Callable[[Path], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError) as refused:
        check_places(Path(name_it(tmp_path)), resume=False, overwrite=True)
    assert "\n" not in str(refused.value)
    str(refused.value).encode()


def test_names_that_just_fit_are_taken(tmp_path: Path) -> None:
    for name in ("m" * 100, "顔" * 70, "my model [v1.2]"):
        check_places(tmp_path / name, resume=False, overwrite=False)


@pytest.mark.parametrize(
    "words",
    [["train", "data"], ["evaluate", "face", "data"], ["export", "face", "--format", "savedmodel"]],
)
@pytest.mark.parametrize("place", [".", "/"])
def test_every_command_refuses_the_folder_one_stands_in(words: list[str], place: str, tmp_path: Path) -> None:
    done = facestream(*words, "-o", place, cwd=tmp_path)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert "is the folder you are in" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["run"], ["evaluate", "face"], ["train", "-o", "model"], ["run", "--model"]])
def test_a_name_longer_than_any_system_takes_is_a_sentence(words: list[str], tmp_path: Path, portrait_path: Path) -> None:
    more = [portrait_path] if words[-1] == "--model" else []
    for name in ("x" * 300 + ".jpg", "y" * 5000):
        done = facestream(*words, name, *more, cwd=tmp_path)
        assert done.returncode in (1, 2)
        assert is_one_sentence(done.stderr), done.stderr[-500:]
