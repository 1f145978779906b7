"""How old a live picture is when it is shown, while the worker looks once a second; and whether memory stays flat.

    python tests/bench/live.py [--seconds 600] [--rate 25] [--size 1280x720]

One camera, encoded before and served by GStreamer on the same cores; each picture carries the number of its moment on the machine's clock,
so its age is known wherever it arrives, counted from the moment it left the server. Two processes watch it side by side, in the same run:
a minimal reader (PyAV, decoding and nothing else), and the job of `facestream run --window -o`, whose worker is busy a second with each
look: it looks at the same picture again and again. Ages are taken when the window and all other sinks have had a picture, and told
in frame intervals. A slope of memory is a line's through the newer half of the samples.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from stream.analysis.analyser import Analyser
from stream.analysis.track_manager import TrackManager
from stream.cli.malloc_arenas import share_arenas
from stream.faces import Analysis
from stream.frame import Frame
from stream.media import av
from stream.monitoring.timing import Stage, untimed
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.settings.schema import Settings
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sinks.screen.window import WindowSink
from stream.sinks.threaded import Threaded
from stream.sources.demo import CYCLE_S, DemoSource
from stream.sources.opening import open_source
from tests import clock
from tests.media import RtspServer, need

WARM_UP_S = 8.0
LOOK_S = 1.0


class Slow(Analyser):
    """Works at each look for a second: at the same frames, again and again."""

    def look(self, frames: Sequence[Frame], managers: Sequence[TrackManager], stage: Stage = untimed) -> list[Analysis]:
        until = time.monotonic() + LOOK_S
        analyses = super().look(frames, managers, stage)
        while time.monotonic() < until:
            assert self.detector is not None
            self.detector.detect(
                [frame.image for frame in frames], [mine.min_face_px(one) for one, mine in zip(frames, managers, strict=True)]
            )
        return analyses


class Ages:
    """The last sink of a lane: how old each picture was when all others had had it."""

    def __init__(self, rate: int) -> None:
        self.notes: list[str] = []
        self.ages: list[float] = []
        self.memory: list[tuple[float, float]] = []
        self.unread = 0
        self._rate, self._begun_at, self._sampled_at = rate, time.monotonic(), 0.0

    def take(self, decoded: object) -> None:
        assert isinstance(decoded, av.VideoFrame)
        now = time.monotonic()
        if now - self._begun_at < WARM_UP_S:
            return
        age = clock.age_of(decoded, self._rate)
        if age is None:  # the server was late and left out a picture that this one was built upon
            self.unread += 1
            return
        self.ages.append(age * self._rate)
        if now - self._sampled_at > 1:
            self._sampled_at = now
            self.memory.append((now, memory_mib()))

    def write(self, result: Result) -> None:
        self.take(result.frame.decoded)

    def poll(self) -> None:
        pass

    def show_stale(self, result: Result) -> None:
        pass

    def close(self) -> None:
        pass

    def figures(self) -> dict[str, Any]:
        newer = np.array(self.memory[len(self.memory) // 2 :])
        slope = float(np.polyfit(newer[:, 0], newer[:, 1], 1)[0]) * 3600 if len(newer) > 2 else float("nan")
        percentiles = [float(value) for value in np.percentile(self.ages, (50, 90, 99, 99.9, 100))]
        return {"ages": percentiles, "count": len(self.ages), "unread": self.unread, "mib": self.memory[-1][1], "mib_per_h": slope}


def memory_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def bare(address: str, rate: int, seconds: float) -> dict[str, Any]:
    ages, until = Ages(rate), time.monotonic() + seconds + WARM_UP_S
    with av.open(address, options={"rtsp_transport": "tcp"}) as container:
        for frame in container.decode(video=0):
            ages.take(frame)
            if time.monotonic() > until:
                return ages.figures()
    raise SystemExit("the stream ended")


def ours(address: str, rate: int, seconds: float) -> dict[str, Any]:
    settings = Settings()
    share_arenas()  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        source = open_source(address, settings.source)
        recording = Threaded(VideoSink(Path(folder) / "camera.mp4", source.info, settings.output))
        ages = Ages(rate)
        lane = Lane(source, [recording], viewers=[WindowSink(source.info.name), ages], status_line=True)
        analyser = Analyser.load(settings)
        slow = Slow(analyser.detector, analyser.model)
        report = Pipeline([lane], slow, duration_s=seconds + WARM_UP_S).run().sources[0]
    told = {"read": report.read, "shown": report.shown, "looks_per_s": report.analysed / report.seconds, "not_recorded": recording.dropped}
    return ages.figures() | told


def start(way: str, words: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--child", way, *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def screen(stack: ExitStack) -> str:
    ready, told = os.pipe()
    command = [need("Xvfb"), "-noreset", "-displayfd", str(told), "-screen", "0", "1920x1080x24"]
    server = stack.enter_context(subprocess.Popen(command, pass_fds=[told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    stack.callback(server.terminate)
    os.close(told)
    with os.fdopen(ready) as answer:
        return f":{answer.readline().strip()}"


def clip(path: Path, rate: int, size: tuple[int, int]) -> Path:
    camera, frames = DemoSource(size=size), rate * clock.LOOP_S
    noise = np.random.default_rng(0).integers(-6, 7, (size[1], size[0], 3))  # a camera's own: else its stream is far too small

    def image(number: int) -> np.ndarray:
        return np.clip(camera.look(number * CYCLE_S / frames) + np.roll(noise, 37 * number, axis=1), 0, 255).astype(np.uint8)

    return clock.make_clip(path, rate=rate, size=size, image=image)


def row(name: str, one: dict[str, Any]) -> str:
    middle, high, higher, highest, most = one["ages"]
    ages = f"age {middle:.2f}, p90 {high:.2f}, p99 {higher:.2f}, p99.9 {highest:.2f}, max {most:.2f} frame intervals"
    return f"{name:<12} {ages} ({one['count']} pictures, {one['unread']} unreadable)   {one['mib']:.0f} MiB, {one['mib_per_h']:+.1f} MiB/h"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--child", choices=("bare", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.child:
        print(json.dumps({"bare": bare, "ours": ours}[wanted.child](wanted.address, wanted.rate, wanted.seconds)))
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        width, height = map(int, wanted.size.split("x"))
        path = clip(folder / "clip", wanted.rate, (width, height))
        print(f"{wanted.size}, {wanted.rate} frames/s, {path.stat().st_size * 8 / clock.LOOP_S / 1e6:.1f} Mbit/s", flush=True)
        server = RtspServer(clip=str(path), rate=wanted.rate)
        server.start()
        stack.callback(server.kill)
        environment = {**os.environ, "DISPLAY": screen(stack)}
        words = ["--address", server.address, "--rate", str(wanted.rate), "--seconds", str(wanted.seconds)]
        children = {way: start(way, words, environment) for way in ("bare", "ours")}
        told = {way: json.loads(child.communicate()[0].splitlines()[-1]) for way, child in children.items()}
    print(row("bare PyAV", told["bare"]))
    print(row("facestream", told["ours"]))
    one = told["ours"]
    print(
        f"facestream showed {one['shown']} of {one['read']} pictures that it read, {one['not_recorded']} were not recorded, "
        f"and looked at {one['looks_per_s']:.2f} a second"
    )


if __name__ == "__main__":
    main()
