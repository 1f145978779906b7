"""With --log-format json each line on stderr is an object that a machine can read, whoever wrote it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.command import facestream, is_one_sentence
from tests.media import make_clip
from tests.ports import free_port

LEVELS = {"info", "warning", "error", "critical"}


def entries(stderr: str) -> list[dict[str, Any]]:
    """Every line, checked."""
    told = [json.loads(line) for line in stderr.splitlines()]
    for entry in told:
        assert set(entry) - {"source", "exception"} == {"time", "level", "logger", "message"}
        assert abs(datetime.fromisoformat(entry["time"]) - datetime.now(UTC)) < timedelta(minutes=5)
        assert entry["time"].endswith("Z")
        assert entry["level"] in LEVELS
    return told


def said(code: str) -> list[dict[str, Any]]:
    """What a program writes to stderr that has chosen JSON."""
    program = f"import logging, os, sys, threading, warnings\nfrom stream.console import logs\nlogs.start('json')\n{code}"
    return entries(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False).stderr)


def test_the_summary_and_the_notes_name_their_source(tmp_path: Path) -> None:
    make_clip(tmp_path / "untimed.h264")
    done = facestream(
        *("run", "untimed.h264", "none.mp4", "--log-format", "json", "--events", "-", "--set", "detector.enabled=false"), cwd=tmp_path
    )
    assert done.returncode == 1
    told = [(entry["level"], entry.get("source"), entry["message"].split(": ", 1)[1][:20]) for entry in entries(done.stderr)]
    assert told == [
        ("warning", "none.mp4", "there is no such fil"),
        ("warning", "untimed.h264", "has no times of its "),
        ("info", "untimed.h264", "30 frames, 0 with fa"),
    ]
    assert all("faces" in json.loads(line) for line in done.stdout.splitlines()), "results alone on stdout"


@pytest.mark.parametrize(
    ("words", "code", "level"),
    [
        (("none.mp4",), 1, "error"),
        (("none.mp4", "--set", "detector.nothing=1"), 2, "error"),
        (("none.mp4", "--no-such-option"), 2, "warning"),
        (("camera:/dev/video97",), 1, "warning"),
    ],
    ids=["a missing file", "an unknown setting", "an unknown option", "a camera's library complains"],
)
def test_what_goes_wrong_is_an_object_too(words: tuple[str, ...], code: int, level: str) -> None:
    done = facestream("run", *words, "--log-format", "json")
    assert done.returncode == code
    assert level in [entry["level"] for entry in entries(done.stderr)]


def test_a_camera_without_a_name_keeps_its_password_for_itself() -> None:
    address = f"rtsp://viewer:S3cret@127.0.0.1:{free_port()}/camera"
    done = facestream("run", address, "--duration", "1", "--log-format", "json", "--no-window")
    told = entries(done.stderr)
    assert [entry["source"] for entry in told] == [address.replace("S3cret", "***")] * 2
    assert "S3cret" not in done.stderr + done.stdout
    assert all(address.replace("S3cret", "***") in entry["message"] for entry in told)


def test_what_libraries_write_becomes_objects() -> None:
    told = said(
        "warnings.warn('odd')\nprint('of Python', file=sys.stderr)\nprint('half a line', file=sys.stderr, end='')\n"
        "os.write(2, b'of C: rtsp://u:S3cret@host/x\\nand more')"
    )
    assert "odd" in told[0]["message"]
    assert told[0]["logger"] == "py.warnings"
    wanted = ["and more", "half a line", "of C: rtsp://u:***@host/x", "of Python"]
    assert sorted(entry["message"] for entry in told[1:]) == wanted, "two ways, so in any order"
    assert {entry["logger"] for entry in told[1:]} == {"stderr"}


def test_a_crash_is_an_object_with_its_traceback() -> None:
    told = said(
        "logging.getLogger('lib').error('first')\nthread = threading.Thread(target=lambda: 1 / 0)\nthread.start(); thread.join()\n{}['x']"
    )
    assert [entry["level"] for entry in told] == ["error", "critical", "critical"]
    assert ["ZeroDivisionError" in entry["exception"] for entry in told[1:]] == [True, False]
    assert "KeyError: 'x'" in told[2]["exception"]


def test_a_library_that_floods_stderr_is_not_held_up() -> None:
    told = said("import ctypes\nfor _ in range(300): ctypes.PyDLL(None).write(2, b'x' * 999 + b'\\n', 1000)\nlogs.say('done')")
    assert "done" in [entry["message"] for entry in told], "it holds Python's lock, so nobody empties the pipe meanwhile"


def test_for_people_it_stays_a_sentence(tmp_path: Path) -> None:
    done = facestream("run", "none.mp4", cwd=tmp_path)
    assert is_one_sentence(done.stderr)
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    code = "import logging\nfrom stream.console import logs\nlogs.start('text')\nlogs.say('plain')\nlogging.getLogger('x').warning('odd')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment).stderr
    assert told == "plain\nfacestream: odd\n"
