"""Whatever standard output and standard error are (closed, on a full disk, of few letters), work is done, and no traceback is written."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import usual_environment
from tests.media import ffprobe_times, make_clip

FULL = Path("/dev/full")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full, which plays the full disk")]
LOST = "facestream: standard output cannot be written (No space left on device); what was to be read there is lost.\n"


def shell(words: str, folder: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """A line for the shell, in which the command is called `facestream`."""
    line = words.replace("facestream", f"{shlex.quote(sys.executable)} -m stream")
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        cwd=folder,
        env=usual_environment() | (environment or {}),
        timeout=120,
        check=False,
    )


RUN = "facestream run clip.mp4 -o out.mp4 --set detector.enabled=false"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_clip(tmp_path / "clip.mp4", times=range(10))
    return tmp_path


@pytest.mark.parametrize(
    ("streams", "code", "said"),
    [
        ("2>&-", 0, ""),
        (">&-", 0, ""),
        (">&- 2>&-", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        (">/dev/full", 1, LOST),
        (">/dev/full 2>/dev/full", 1, ""),
        ("2>&- --log-format json", 0, ""),
        ("2>/dev/full --log-format json", 0, ""),
    ],
)
def test_a_video_is_written_whatever_becomes_of_the_messages(folder: Path, streams: str, code: int, said: str) -> None:
    done = shell(f"{RUN} {streams}", folder)
    assert (done.returncode, done.stderr.decode()) == (code, said)
    assert len(ffprobe_times(folder / "out.mp4")) == 10
    assert sorted(path.name for path in folder.iterdir()) == ["clip.mp4", "out.mp4"]


@pytest.mark.parametrize("words", ["--help", "config", "run --help"])
def test_what_cannot_be_printed_is_told_once(folder: Path, words: str) -> None:
    assert shell(f"facestream {words} >&-", folder).returncode == 0
    done = shell(f"facestream {words} >/dev/full", folder)
    assert (done.returncode, done.stderr.decode()) == (1, LOST)


@pytest.mark.parametrize(("words", "code"), [("run none.mp4", 1), ("run clip.mp4 --no-such-option", 2), ("nonsense", 2), ("run", 2)])
def test_a_mistake_keeps_its_exit_code(folder: Path, words: str, code: int) -> None:
    for streams in ("2>&-", "2>/dev/full", ">&- 2>&-"):
        assert shell(f"facestream {words} {streams}", folder).returncode == code


def test_events_that_cannot_be_written_are_an_error_at_once(folder: Path) -> None:
    closed = shell("facestream run clip.mp4 --events - --set detector.enabled=false >&-", folder)
    assert (closed.returncode, closed.stderr) == (1, b"facestream: standard output is closed; name a file for the events.\n")
    full = shell("facestream run clip.mp4 --events - --set detector.enabled=false >/dev/full", folder)
    assert full.returncode == 1
    assert b"facestream: standard output: cannot be written (No space left on device)." in full.stderr
    assert b"Traceback" not in full.stderr


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "C"}],
    ids=["ascii", "a C locale, taken at its word", "a C locale"],
)
def test_letters_that_the_terminal_has_not_are_no_reason_to_end(folder: Path, environment: dict[str, str]) -> None:
    (folder / "clip.mp4").rename(folder / "grüße – 日本.mp4")
    done = shell("facestream run gr*.mp4 none-ü.mp4 -o out --set detector.enabled=false", folder, environment)
    assert done.returncode == 1, "one was not there"
    assert b"Traceback" not in done.stderr
    assert b"there is no such file" in done.stderr
    assert b"10 frames" in done.stdout
    assert (folder / "out" / "grüße – 日本.mp4").exists()
    assert shell("facestream --help && facestream config", folder, environment).stderr == b""


def test_a_library_or_a_mistyped_command_shows_no_password(folder: Path) -> None:
    done = shell("facestream rtsp://admin:S3cret@h/x; facestream bench 0 'rtsp://h/?pwd=S3cret'", folder)
    assert b"S3cret" not in done.stderr
    assert b"rtsp://admin:***@h/x" in done.stderr
