"""A video may come through a pipe, and events may go into one: all of it, and no `--overwrite` is asked for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from stream.settings.schema import Settings
from stream.sources.opening import open_source
from tests.command import facestream, is_one_sentence, usual_environment
from tests.media import ffprobe_times, make_clip

pytestmark = pytest.mark.slow  # each is a whole command

BLIND = ("--set", "detector.enabled=false")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty pictures, of uneven times."""
    times = [tick + 10 * (tick > 20) for tick in range(30)]
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mkv", times=times)


def piped(data: bytes, *words: str | Path, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "stream", *map(str, words)],
        input=data,
        capture_output=True,
        cwd=cwd,
        env=usual_environment(),
        timeout=60,
        check=False,
    )


def test_a_video_comes_through_standard_input(clip: Path, tmp_path: Path) -> None:
    done = piped(clip.read_bytes(), "run", "-", "-o", "out.mkv", "--events", "events.jsonl", *BLIND, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"standard input: 30 frames, ")
    assert ffprobe_times(tmp_path / "out.mkv") == ffprobe_times(clip)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [event["time_s"] for event in events] == pytest.approx(ffprobe_times(clip))
    assert {event["source"] for event in events} == {"standard input"}
    folder = piped(clip.read_bytes(), "run", "-", "-o", "out/", *BLIND, cwd=tmp_path)
    assert folder.returncode == 0, folder.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["standard-input.mp4"]


def test_a_dash_is_standard_input_whatever_has_that_name_and_no_output(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "-").mkdir()
    done = piped(clip.read_bytes(), "run", "-", "-o", "out.mkv", *BLIND, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    refused = piped(clip.read_bytes(), "run", "-", "-o", "-", *BLIND, cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == b"facestream: -o -: pictures are not written to standard output; name a file or a folder.\n"


def test_a_file_as_standard_input_is_a_file(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")  # its index is at its end, where no pipe could go
    with clip.open("rb") as file:
        command = [sys.executable, "-m", "stream", "run", "-", "--events", "-", *BLIND]
        done = subprocess.run(command, stdin=file, capture_output=True, env=usual_environment(), timeout=60, check=False)
    assert len(done.stdout.splitlines()) == 30, done.stderr


def test_a_named_pipe_is_read_from_its_first_byte(clip: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(clip.read_bytes()))
    writer.start()
    done = facestream("run", "pipe", "-o", "out.mkv", *BLIND, cwd=tmp_path)
    writer.join(10)
    assert done.returncode == 0, done.stderr
    assert ffprobe_times(tmp_path / "out.mkv") == ffprobe_times(clip)


def test_a_pipe_may_be_slow(clip: Path, tmp_path: Path) -> None:
    data, pipe = clip.read_bytes(), tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb") as file:
            for begin in range(0, len(data), len(data) // 4):
                time.sleep(0.5)
                file.write(data[begin : begin + len(data) // 4])
                file.flush()

    writer = threading.Thread(target=write)
    writer.start()
    impatient = Settings.model_validate({"source": {"open_timeout_s": 0.2, "read_timeout_s": 0.2}}).source
    assert len(list(open_source(pipe, impatient))) == 30
    writer.join(10)


def test_what_cannot_come_through_a_pipe_is_told_in_one_sentence(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (30, 240, 320, 3), np.uint8)  # megabytes: more than FFmpeg keeps to go back
    data = make_clip(tmp_path / "clip.mp4", images=noise, options={"preset": "ultrafast", "qp": "1"}).read_bytes()
    for sent, told in [
        (data, "standard input: is an MP4 with its index at the end, which no pipe can give first; name the file itself, or send Matroska"),
        (b"", "standard input: is empty: nothing came."),
        (b"this is no video\n" * 500, "standard input: is not a video that can be read."),
    ]:
        done = piped(sent, "run", "-", "--events", "-", *BLIND, cwd=tmp_path)
        assert done.returncode == 1
        assert is_one_sentence(done.stderr.decode())
        assert told in done.stderr.decode()


@pytest.mark.parametrize("sent", [0, 20_000], ids=["before anything came", "in the midst"])
def test_a_silent_pipe_is_waited_for_until_ctrl_c(clip: Path, tmp_path: Path, sent: int) -> None:
    words = ["run", "-", "-o", "out.mkv", "--events", "events.jsonl", *BLIND]
    command = [sys.executable, "-m", "stream", *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=usual_environment())
    assert process.stdin is not None
    process.stdin.write(clip.read_bytes()[:sent])
    process.stdin.flush()
    time.sleep(2.3)  # longer than the patience with a network's file
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    assert process.wait(timeout=10) == 130
    assert time.monotonic() - asked < 2.5
    process.stdin.close()
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()


def test_events_go_into_a_named_pipe_and_an_open_file_without_being_asked(clip: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.extend((tmp_path / "pipe").read_text().splitlines()))
    reader.start()
    done = facestream("run", clip, "--events", tmp_path / "pipe", *BLIND)
    reader.join(10)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["frame"] for line in read] == list(range(30))

    (tmp_path / "log.jsonl").write_text("before\n")
    line = f"{sys.executable} -m stream run {clip} --events /dev/fd/3 {' '.join(BLIND)} 3>>log.jsonl"
    subprocess.run(["bash", "-c", line], cwd=tmp_path, env=usual_environment(), check=True, capture_output=True)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert lines[0] == "before"
    assert [json.loads(line)["frame"] for line in lines[1:]] == list(range(30))

    stdout = facestream("run", clip, "--events", "/dev/stdout", *BLIND).stdout.splitlines()
    assert [json.loads(line)["frame"] for line in stdout] == list(range(30)), "and nothing else"
    closed = facestream("run", clip, "--events", "/dev/fd/77", *BLIND)
    assert (closed.returncode, closed.stderr) == (1, "facestream: /dev/fd/77: cannot be written (Bad file descriptor).\n")
