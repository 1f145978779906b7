"""Whatever ends a run, all but the last second of what it was given is on the disk and plays: no matter how slowly frames come."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.media import av
from tests import clock
from tests.command import running
from tests.media import make_clip, need, picture, rtsp_server
from tests.waiting import wait_for

SUFFIXES = (".mp4", ".mkv", ".webm")

RECORD = """
import resource, sys
from pathlib import Path
from stream.settings.schema import OutputSettings
from stream.errors import SinkError
from stream.faces import Analysis
from stream.frame import SourceInfo
from stream.sinks.result import Result
from stream.sinks.recording.video import VideoSink
from stream.sources.opening import open_source

clip, most, limit, *outs = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
source = open_source(clip)
camera = SourceInfo("camera", live=True, rate=25)  # says 25 frames/s and gives fewer, as cameras do at night
infos = [camera if "camera" in out else source.info for out in outs]
sinks, written = [VideoSink(Path(out), info, OutputSettings()) for out, info in zip(outs, infos)], 0
try:
    for frame in source:
        for sink, info in zip(sinks, infos):
            sink.write(Result(frame, Analysis("", 0, 0.0), info))
        written += 1
        if written == int(most):
            break
except SinkError as error:
    print(error, file=sys.stderr)
print(written, flush=True)
sys.stdin.read()
"""


def make_slow_clip(folder: Path, rate: int) -> Path:
    """Ten seconds of so many frames/s. The sound ends long before the pictures, which must not wait for it."""
    noise = np.random.default_rng(0).integers(0, 60, (240, 320, 1), np.uint8)
    images = (picture(number) // 2 + np.roll(noise, number, axis=1) for number in range(10 * rate))
    silent = make_clip(folder / "silent.mp4", times=range(10 * rate), time_base=Fraction(1, rate), rate=rate, images=images)
    sound = ["-f", "lavfi", "-i", "sine=duration=4"]
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", silent, *sound, "-c:v", "copy", "-c:a", "aac", folder / "clip.mp4"], check=True)
    return folder / "clip.mp4"


def recorded(clip: Path, outs: list[Path], *, most: int = 10**6, limit: int = 0) -> int:
    """How many pictures each sink of another process took before it was killed."""
    words = map(str, [clip, most, limit, *outs])
    process = subprocess.Popen([sys.executable, "-c", RECORD, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    written = int(process.stdout.readline())
    process.kill()
    process.communicate()
    return written


def times_of(path: Path) -> list[float]:
    """When each picture of what is there is shown, as ffprobe says."""
    command = [need("ffprobe"), "-v", "quiet", "-of", "json", "-select_streams", "v", "-show_entries", "frame=pts_time", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(frame["pts_time"]) for frame in json.loads(done.stdout)["frames"]]


@pytest.mark.parametrize("rate", [2, 5, 12, 24])
def test_a_kill_costs_a_second_at_most(tmp_path: Path, rate: int):
    outs = [tmp_path / f"{kind}{suffix}" for kind in ("file", "camera") for suffix in SUFFIXES]
    written = recorded(make_slow_clip(tmp_path, rate), outs, most=7 * rate)
    assert written == 7 * rate
    for out in outs:
        times = times_of(out)
        assert written - len(times) <= rate, out.name
        assert times == pytest.approx([index / rate for index in range(len(times))], abs=0.001), "none of those before is missing"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_full_disk_costs_a_second_at_most(tmp_path: Path, suffix: str):
    clip, out = make_slow_clip(tmp_path, 5), tmp_path / f"out{suffix}"
    recorded(clip, [out])
    limit = out.stat().st_size * 2 // 3
    out.unlink()
    written = recorded(clip, [out], limit=limit)
    assert 10 < written < 50
    assert out.stat().st_size == limit
    assert written - len(times_of(out)) <= 5


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_killed_run_has_what_a_slow_camera_gave_until_a_second_before(tmp_path: Path, suffix: str):
    rate, out = 5, tmp_path / f"out{suffix}"
    with rtsp_server(clip=str(clock.make_clip(tmp_path / "clock", rate=rate)), rate=rate) as server:
        off = ("--model", "none", "--set", "detector.enabled=false")
        with running("run", server.address, "-o", out, "--no-window", *off) as process:
            wait_for(lambda: out.exists() and len(decoded(out)) > 10)
            process.kill()
            at = time.monotonic()
            process.communicate()
    ages = [clock.age_s(image, rate, at) for image in decoded(out)]
    assert None not in ages
    assert (ages[-1] or 0) < 1


def decoded(path: Path) -> list[np.ndarray]:
    try:
        with av.open(str(path)) as container:
            return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    except (av.error.InvalidDataError, av.error.EOFError):  # nothing there yet
        return []
