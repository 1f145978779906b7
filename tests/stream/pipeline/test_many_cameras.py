"""Many cameras through one worker: none starves, and one that is dead, slow or flooding changes nothing for the others."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stream.analysis.analyser import Analyser
from stream.analysis.track_manager import TrackManager
from stream.faces import Analysis
from stream.frame import Frame
from stream.monitoring.timing import Stage, untimed
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.pipeline.report import Report
from stream.sinks.result import Result
from stream.sources.opening import open_source
from tests import clock
from tests.command import facestream, usual_environment
from tests.media import RtspServer, ffprobe_times, make_clip, rtsp_server
from tests.ports import free_port
from tests.waiting import wait_for

ROUND_S = 0.25
"""How long a look takes here: longer than the steady cameras' pictures are apart."""


class SlowWorker(Analyser):
    """Notes which sources were looked at together, and takes its time."""

    def __init__(self) -> None:
        super().__init__(None, None)
        self.rounds: list[tuple[float, list[str]]] = []

    def look(self, frames: Sequence[Frame], managers: Sequence[TrackManager], stage: Stage = untimed) -> list[Analysis]:
        self.rounds.append((time.monotonic(), [frame.source for frame in frames]))
        threading.Event().wait(ROUND_S)
        return super().look(frames, managers, stage)


class Seen:
    """A sink that notes when pictures came."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.full = False
        self.times: list[float] = []

    def write(self, result: Result) -> None:
        self.times.append(time.monotonic())

    def close(self) -> None:
        pass


@contextmanager
def running(cameras: dict[str, str]) -> Iterator[tuple[SlowWorker, dict[str, Seen], Callable[[], dict[str, int]], Callable[[], Report]]]:
    """A pipeline of cameras by their names and addresses; gives its worker, its sinks, a look at how much was read, and a way to end it."""
    worker, seen = SlowWorker(), {name: Seen() for name in cameras}
    pipeline = Pipeline([Lane(open_source(address, name=name), [seen[name]]) for name, address in cameras.items()], worker)
    thread = threading.Thread(target=pipeline.run)

    def end() -> Report:
        pipeline.stop()
        thread.join(10)
        assert not thread.is_alive()
        return pipeline.report

    def read() -> dict[str, int]:
        return {source.name: source.read for source in pipeline.report.sources}

    thread.start()
    try:
        yield worker, seen, read, end
    finally:
        end()


@pytest.mark.slow
def test_one_killed_one_slow_one_flooding_and_one_absent_change_nothing_for_the_others(tmp_path: Path) -> None:
    clip = clock.make_clip(tmp_path / "clip", rate=15)
    victim = RtspServer(rate=15)
    with (
        rtsp_server(clip=str(clip), rate=15, copies=2) as steady,
        rtsp_server(rate=1) as slow,
        rtsp_server(rate=60) as flood,
    ):
        victim.start()
        cameras = {"steady": f"{steady.address}0", "other": f"{steady.address}1", "slow": slow.address, "flood": flood.address}
        cameras |= {"victim": victim.address, "absent": f"rtsp://127.0.0.1:{free_port()}/x"}
        try:
            with running(cameras) as (worker, seen, read, end):
                wait_for(lambda: all(seen[name].times for name in cameras if name != "absent"), 60)
                phases = [(time.monotonic(), read())]
                for seconds, happens in ((3, victim.kill), (4, lambda: None)):
                    time.sleep(seconds)
                    happens()
                    phases.append((time.monotonic(), read()))
                report = end()
        finally:
            victim.kill()
    assert all(max(Counter(names).values()) == 1 for _, names in worker.rounds), "one frame of each camera a round"
    for (begin, read_before), (finish, read_after) in pairwise(phases):
        rounds = [names for at, names in worker.rounds if begin <= at < finish]
        assert len(rounds) > finish - begin, "more than once a second"
        for name in ("steady", "other"):
            assert sum(name in names for names in rounds) >= 0.8 * len(rounds), f"{name} is looked at in nearly every round"
            came = read_after[name] - read_before[name]
            assert came > 8 * (finish - begin), f"{name} gives its 15 pictures a second; fewer on a machine that does too much"
            assert sum(begin <= at < finish for at in seen[name].times) > 0.8 * came, f"{name} is shown as it comes"
    by_name = {source.name: source for source in report.sources}
    assert by_name["flood"].drops["newer"] > by_name["steady"].drops["newer"] > 0
    assert by_name["slow"].analysed >= 5, "as often as it gives a picture"
    assert all(source.read == source.analysed + source.dropped for source in report.sources)


def looping(folder: Path, names: Sequence[str], images: Sequence[np.ndarray] | None = None, **own: dict[str, object]) -> Path:
    """A settings file with videos of 25 pictures in place of cameras; `own` is set for the last one alone."""
    clip = make_clip(folder / "clip.mp4", times=range(25), images=images)
    sources = [{"name": name, "address": str(clip), "source": {"loop": True}} for name in names]
    sources[-1] |= own
    config = folder / "cams.yaml"
    config.write_text(json.dumps({"detector": {"enabled": False}, "sources": sources}), encoding="utf-8")
    return config


@pytest.mark.slow
def test_a_recording_that_fails_ends_alone_with_one_sentence(tmp_path: Path) -> None:
    config, out = looping(tmp_path, ["door", "yard"]), tmp_path / "out"
    out.mkdir()
    (out / "door.mp4").symlink_to("/dev/full")
    common = ("--config", config, "-o", out, "--overwrite", "--duration", "4", "--events", tmp_path / "events.jsonl")
    done = facestream("run", *common)
    assert done.returncode == 1
    assert done.stderr.count(f"facestream: {out / 'door.mp4'}: cannot be written (No space left on device).\n") == 1
    assert "Traceback" not in done.stderr
    assert len(ffprobe_times(out / "yard.mp4")) > 20
    last = {}
    for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        last[event["source"]] = event["time_s"]
    assert last["door"] == pytest.approx(last["yard"], abs=1), "it is still looked at"


def test_a_run_ends_when_its_last_recording_has_failed_and_nothing_else_is_wanted(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (25, 240, 320, 3), np.uint8)  # which soon fills a disk
    config, out = looping(tmp_path, ["door", "yard"], list(noise)), tmp_path / "out"
    words = [sys.executable, "-m", "stream", "run", "--config", str(config), "-o", str(out)]
    little_room = ["bash", "-c", 'ulimit -f 1500; exec "$@"', "--"]  # KiB that a file may have
    done = subprocess.run([*little_room, *words], capture_output=True, text=True, timeout=60, env=usual_environment(), check=False)
    assert done.returncode == 1
    assert done.stderr.count("cannot be written (File too large).") == 2
    assert len(done.stdout.splitlines()) == 2
    assert len(ffprobe_times(out / "yard.mp4")) > 10, "what was written plays"


def test_a_camera_that_shall_not_be_recorded_is_not(tmp_path: Path) -> None:
    config = looping(tmp_path, ["door", "yard"], output={"enabled": False})
    for output in ("out", "door alone.mp4"):
        done = facestream("run", "--config", config, "-o", tmp_path / output, "--max-frames", "20")
        assert done.returncode == 0, done.stderr
        assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["door", "yard"], "it runs all the same"
        assert done.stdout.count("written to") == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["door.mp4"]
    assert (tmp_path / "door alone.mp4").exists()
