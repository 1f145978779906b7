"""Hours of training are not lost to a closed terminal, a disk that is gone, or a signal at a bad moment."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from models.classification.bundle import read_bundle
from models.errors import ModelError
from models.training.schedule import Plan
from models.training.train import train
from models.training.trainer import Options
from tests.command import usual_environment
from tests.paths import TESTS
from tests.photos import make_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]
COMPACT = Options(architecture="compact", seed=1, plan=Plan(epochs=2, epoch_crops=32, batch_size=8))
SHORT = [sys.executable, str(TESTS / "short_training.py")]
TRAIN = [*SHORT, "train", "data", "-o", "who", "--architecture", "compact"]


@pytest.fixture(scope="module")
def people(two_faces: dict[str, Image.Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("data") / "people", two_faces, 12)


@pytest.fixture
def folder(people: Path, tmp_path: Path) -> Path:
    (tmp_path / "data").symlink_to(people)
    return tmp_path


@pytest.mark.parametrize(
    ("streams", "code"),
    [(">&- 2>&-", 0), (">/dev/full", 1), ("2>/dev/full", 0), ("2>&1 | head -1", 0)],
    ids=["closed", "full", "2 full", "head"],
)
def test_a_model_is_made_whatever_becomes_of_the_messages(streams: str, code: int, folder: Path) -> None:
    line = f"set -o pipefail; {shlex.join(TRAIN)} {streams}"
    done = subprocess.run(["bash", "-c", line], cwd=folder, env=usual_environment(), capture_output=True, timeout=120, check=False)
    assert done.returncode == code
    assert b"Traceback" not in done.stdout + done.stderr
    assert read_bundle(folder / "who").info.classes == ("collins", "hopper")
    assert (folder / "who-report/report.html").is_file()
    if code:
        assert done.stderr.endswith(
            b"facestream: standard output cannot be written (No space left on device); what was to be read there is lost.\n"
        )


@pytest.mark.parametrize(
    ("number", "line", "done"),
    [(signal.SIGTERM, "fold 2 of 4, epoch 2", "fold 2 of 4, epoch 1"), (signal.SIGINT, "last, from all: epoch 1", "fold 4 of 4")],
    ids=["SIGTERM", "SIGINT"],
)
def test_a_signal_in_an_epoch_costs_that_epoch_alone(number: signal.Signals, line: str, done: str, folder: Path) -> None:
    process = subprocess.Popen(TRAIN, cwd=folder, env=usual_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        told = next((one for one in process.stderr if one.startswith(line)), "")
        process.send_signal(number)
        out, rest = process.communicate(timeout=30)
    finally:
        process.kill()
    assert told
    assert (process.returncode, out) == (130, "")
    assert rest.splitlines()[-1] == "interrupted; the same command with --resume goes on after the last whole epoch"
    assert "Traceback" not in rest
    assert not list(folder.glob(".who*")), "nothing half-written"
    refused = subprocess.run(TRAIN, cwd=folder, env=usual_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert "holds an interrupted training; add --resume to go on with it" in refused.stderr
    resumed = subprocess.run(
        [*TRAIN, "--resume"], cwd=folder, env=usual_environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert resumed.returncode == 0, resumed.stderr
    assert done not in resumed.stderr, "what was learnt is not learnt anew"
    assert sorted(path.name for path in folder.iterdir()) == ["data", "who", "who-pictures.csv", "who-report"]


def test_a_model_whose_disk_is_gone_is_kept_elsewhere(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a disk that is pulled out, or full: neither the model nor a checkpoint can be written there."""
    disk, lines = tmp_path / "disk", list[str]()
    disk.mkdir()
    (tmp_path / "spare").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spare"))

    def pulled_out(what: str, done: int, of: int) -> None:
        if what == "training" and disk.is_dir():
            (disk / "who-pictures.csv").unlink()
            disk.rmdir()
            disk.write_text("")

    with pytest.raises(ModelError, match="disk/who: cannot be made"):
        train(people, disk / "who", COMPACT, report=lines.append, progress=pulled_out)
    assert sum("no checkpoint can be written" in line for line in lines) == 1
    (kept,) = (tmp_path / "spare").rglob("model.json")
    assert lines[-1] == f"the model is kept in {kept.parent} instead; move it where there is room"
    assert read_bundle(kept.parent).info.name == "who"


def test_a_report_that_cannot_be_written_costs_no_model(people: Path, tmp_path: Path) -> None:
    lines: list[str] = []

    def in_the_way(what: str, done: int, of: int) -> None:
        (tmp_path / "who-report").mkdir(exist_ok=True)
        (tmp_path / "who-report/somebody's.txt").write_text("")

    with pytest.raises(ModelError, match="who-report: holds something other than a report"):
        train(people, tmp_path / "who", COMPACT, report=lines.append, progress=in_the_way)
    assert lines[-1] == f"the model itself is written to {tmp_path / 'who'}"
    assert read_bundle(tmp_path / "who").info.name == "who"
    assert not list(tmp_path.glob("*checkpoint*")), "there is nothing to go on with"


def test_a_report_is_written_though_nobody_reads_the_numbers(people: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name, place in {"face": people / "hopper", "not face": people / "collins"}.items():
        (tmp_path / "data" / name).symlink_to(place)
    line = f"{shlex.join([sys.executable, '-u', '-m', 'stream', 'evaluate', 'face', 'data', '-o', 'report'])} | true"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=usual_environment(), capture_output=True, timeout=60, check=False)
    assert b"Traceback" not in done.stderr
    assert (tmp_path / "report/report.html").is_file(), done.stderr
