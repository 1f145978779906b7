"""Whatever happens to a recording on its way, what is on the disk plays."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from stream.frame import SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from tests.paths import ROOT
from tests.recorded import frame_times
from tests.scripted import camera_results

RECORD = """
import resource, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from stream.errors import SinkError
from stream.frame import SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from tests.scripted import camera_results
if {limit}:
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
sink = VideoSink(Path({out!r}), SourceInfo("camera", live=True, rate=30), OutputSettings())
try:
    for number, result in enumerate(camera_results(100_000)):
        sink.write(result)
        if number == 90:
            print("90 written", flush=True)
except SinkError as error:
    print(error, flush=True)
sink.close()
sink.close()
"""


def recording(out: Path, limit: int = 0) -> subprocess.Popen[str]:
    """Another process that records a camera without end."""
    code = textwrap.dedent(RECORD.format(root=str(ROOT), out=str(out), limit=limit))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_killed_recording_plays(tmp_path: Path, suffix: str):
    out = tmp_path / f"out{suffix}"
    process = recording(out)
    assert process.stdout is not None
    assert process.stdout.readline() == "90 written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    times = frame_times(out)  # fails where ffprobe complains
    assert len(times) >= 60, "of 90 frames no more than a second may be lost"
    assert times == pytest.approx([index / 30 for index in range(len(times))], abs=0.001)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk_is_one_sentence_and_what_was_written_plays(tmp_path: Path, suffix: str):
    out = tmp_path / f"out{suffix}"
    process = recording(out, limit=1_000_000)
    printed, complaints = process.communicate(timeout=60)
    assert process.returncode == 0, complaints
    assert f"{out}: cannot be written (File too large)." in printed
    assert out.stat().st_size == 1_000_000
    command = ["ffprobe", "-v", "quiet", "-of", "json", "-select_streams", "v", "-show_entries", "frame=pts_time", str(out)]
    frames = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["frames"]
    assert len(frames) > 20


def test_a_recording_keeps_up_with_a_camera(tmp_path: Path):
    sink = VideoSink(tmp_path / "out.mp4", SourceInfo("camera", live=True), OutputSettings())
    results = list(camera_results(60, size=(480, 640)))
    begin = time.perf_counter()
    for result in results:
        sink.write(result)
    sink.close()
    assert time.perf_counter() - begin < 8, "noise of 640×480 must be encoded faster than 8 frames/s on any machine"
