"""Many cameras at once: whether each picture comes at its camera's own rate, is looked at, and is never old; and what that costs.

    python tests/bench/cameras.py [--cameras 8] [--seconds 30] [--rounds 1] [--ways bare record window both]

Cameras of 640×360 at 15 frames/s, one face each, encoded before and served by GStreamer on the same cores. Each way is the whole job of
`facestream run` in a process of its own: without any output, with a recording of each camera, with one window of all (on a screen of its
own, Xvfb), with both. Between them runs the floor: a process that only decodes the same streams with PyAV. Each picture carries the number
of its moment on the machine's clock: so its age is known when every sink has had it, counted from the moment it left the server.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from stream.frame import Frame
from stream.job.inputs import open_inputs
from stream.job.job import load_analyser
from stream.job.lanes import LaneMaker
from stream.job.outputs import assign_outputs
from stream.media import av
from stream.monitoring.health import Health
from stream.pipeline.pipeline import Pipeline
from stream.settings.loading import load_settings
from stream.settings.schema import Settings
from stream.sinks.result import Result
from stream.sinks.screen.mosaic import Mosaic
from stream.sinks.threaded import Threaded
from tests import clock
from tests.media import RtspServer, need

RATE, SIZE, WARM_UP_S = 15, (640, 360), 5.0
WAYS = {"bare": "no output", "record": "each recorded", "window": "one window", "both": "window and recordings"}


def age_s(frame: Frame) -> float:
    """How old a picture is, by the clock in it; read off its brightness, so that nothing is converted for it. NaN where the decoder says
    that the picture came in parts only: on a machine that is too busy a read may end inside one.
    """
    decoded = frame.decoded
    assert isinstance(decoded, av.VideoFrame)
    plane = decoded.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: clock.BLOCK_PX, : plane.width]
    age = clock.age_s(rows[..., None], RATE, time.monotonic())
    assert age is not None or decoded.is_corrupt, "a picture without a clock"
    return math.nan if age is None else age


class Ages:
    """A sink, the last of its lane: when each picture had been given to all others, and how old it was then.

    What goes to a window waits there for the next painting; then that is when it is shown.
    """

    def __init__(self, window: Mosaic | None = None) -> None:
        self.notes: list[str] = []
        self.seen: list[tuple[float, float]] = []
        self._window, self._waiting = window, list[Result]()

    def write(self, result: Result) -> None:
        if self._window is None:
            self._see(result)
        else:
            self._waiting.append(result)

    def _see(self, result: Result) -> None:
        age = age_s(result.frame)
        if not math.isnan(age):
            self.seen.append((time.monotonic(), age))

    def painted(self) -> None:
        """The window has been painted: what waited is seen, but for pictures that a newer one replaced before: those never are."""
        for result in self._waiting[-1:]:
            self._see(result)
        self._waiting.clear()

    def poll(self) -> None:
        pass

    def show_stale(self, result: Result) -> None:
        pass

    def close(self) -> None:
        pass


class Painted:
    """The screen of a run; tells the ages when it was painted."""

    def __init__(self, mosaic: Mosaic, ages: Iterable[Ages]) -> None:
        self._mosaic, self._ages = mosaic, ages

    @property
    def due_in_s(self) -> float:
        return self._mosaic.due_in_s

    def refresh(self) -> bool:
        painted = self._mosaic.refresh()
        for ages in self._ages if painted else ():
            ages.painted()
        return painted


def measured(settings: Settings, output: Path | None, *, window: bool, seconds: float) -> dict[str, Any]:
    """The job of `facestream run`, with `Ages` behind the sinks of each lane. Its warm-up does not count."""
    inputs, _ = open_inputs([], settings)
    assign_outputs(inputs, output, None, overwrite=False, segment=False)
    analyser = load_analyser(settings, stands_back=window or output is not None)
    lanes, mosaic = LaneMaker(None, window, Health(), overwrite=False).lanes(inputs)
    shown, looked = ({lane.source.info.name: Ages(mosaic if waits else None) for lane in lanes} for waits in (True, False))
    for lane in lanes:
        name = lane.source.info.name
        lane.viewers, lane.analysis_sinks = [*lane.viewers, shown[name]], [*lane.analysis_sinks, looked[name]]
    recorders = [sink for lane in lanes for sink in lane.sinks if isinstance(sink, Threaded)]
    screen = Painted(mosaic, shown.values()) if mosaic else None
    pipeline = Pipeline(lanes, analyser, settings, duration_s=WARM_UP_S + seconds + 1, screen=screen)
    cpu = [0.0, 0.0]

    def read_cpu() -> None:
        for place, wait_s in enumerate((WARM_UP_S, seconds)):
            time.sleep(wait_s)
            cpu[place] = time.process_time()

    begun_at = time.monotonic()
    reader = threading.Thread(target=read_cpu)
    reader.start()
    pipeline.run()
    reader.join()
    not_recorded = sum(recorder.dropped for recorder in recorders)
    return figures(begun_at, seconds, shown, looked, cpu[1] - cpu[0]) | {"not_recorded": not_recorded if recorders else None}


def figures(begun_at: float, seconds: float, shown: dict[str, Ages], looked: dict[str, Ages], cpu_s: float) -> dict[str, Any]:
    def counted(ages: Ages) -> list[tuple[float, float]]:
        return [one for one in ages.seen if begun_at + WARM_UP_S <= one[0] < begun_at + WARM_UP_S + seconds]

    per_camera = [counted(ages) for ages in shown.values()]
    looks = [counted(ages) for ages in looked.values()]
    ages = np.array([age for camera in per_camera for _, age in camera])
    return {
        "shown_per_s": [len(camera) / seconds for camera in per_camera],
        "ages_ms": [1000 * float(value) for value in (*np.percentile(ages, (50, 99)), ages.max())],
        "looks_per_s": [len(camera) / seconds for camera in looks],
        "longest_between_looks_s": max((b - a for camera in looks for (a, _), (b, _) in pairwise(camera)), default=seconds),
        "cpu": cpu_s / seconds / len(shown),
    }


def decode(addresses: list[str], seconds: float) -> dict[str, Any]:
    """The floor: CPU seconds of a process that decodes and does nothing else."""
    stop, counts = threading.Event(), dict.fromkeys(addresses, 0)

    def read(address: str) -> None:
        with av.open(address, options={"rtsp_transport": "tcp", "allowed_media_types": "video"}) as container:
            container.streams.video[0].thread_type = "SLICE"
            for _ in container.decode(video=0):
                counts[address] += 1
                if stop.is_set():
                    return

    threads = [threading.Thread(target=read, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    time.sleep(WARM_UP_S)
    begin, before = time.process_time(), sum(counts.values())
    time.sleep(seconds)
    cpu, frames = time.process_time() - begin, sum(counts.values()) - before
    stop.set()
    for thread in threads:
        thread.join()
    return {"cpu": cpu / seconds / len(addresses), "shown_per_s": [frames / seconds / len(addresses)]}


def child(way: str, addresses: list[str], seconds: float, changes: list[str]) -> dict[str, Any]:
    if way == "floor":
        return decode(addresses, seconds)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "cameras.yaml"
        sources = [{"name": f"camera{number}", "address": address} for number, address in enumerate(addresses)]
        config.write_text(json.dumps({"sources": sources}), encoding="utf-8")
        output = Path(folder) / "out" if way in ("record", "both") else None
        return measured(load_settings(config, changes), output, window=way in ("window", "both"), seconds=seconds)


def in_a_process_of_its_own(way: str, addresses: list[str], seconds: float, changes: list[str]) -> dict[str, Any]:
    with ExitStack() as stack:
        environment = dict(os.environ)
        if way in ("window", "both"):
            ready, told = os.pipe()
            screen = [need("Xvfb"), "-displayfd", str(told), "-screen", "0", "1920x1080x24"]
            server = stack.enter_context(subprocess.Popen(screen, pass_fds=[told], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            stack.callback(server.terminate)
            os.close(told)
            with os.fdopen(ready) as answer:
                environment["DISPLAY"] = f":{answer.readline().strip()}"
        words = [sys.executable, __file__, "--child", way, "--seconds", str(seconds), "--addresses", *addresses]
        words += [word for change in changes for word in ("--set", change)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{way} failed:\n{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])


def clip(folder: Path) -> Path:
    from stream.sources.demo import CYCLE_S, DemoSource

    camera = DemoSource(size=SIZE)
    frames = RATE * clock.LOOP_S
    return clock.make_clip(folder / "clip", rate=RATE, size=SIZE, image=lambda number: camera.look(number * CYCLE_S / frames))


def row(way: str, floor: dict[str, Any], one: dict[str, Any]) -> str:
    middle, high, highest = one["ages_ms"]
    recorded = "" if one["not_recorded"] is None else f"   {one['not_recorded']} not recorded"
    slow, fast = min(one["shown_per_s"]), max(one["shown_per_s"])
    return (
        f"{WAYS[way]:<22} shown {slow:.2f} to {fast:.2f}/s   age {middle:.0f}, p99 {high:.0f}, max {highest:.0f} ms   "
        f"looked at {min(one['looks_per_s']):.1f}/s or more, {one['longest_between_looks_s']:.2f} s apart at most   "
        f"CPU {1000 * one['cpu']:.0f} ms per camera and second, {one['cpu'] / floor['cpu']:.1f} times the floor{recorded}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--set", action="append", default=[], help="one setting, as of facestream run")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--addresses", nargs="+", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.child:
        print(json.dumps(child(wanted.child, wanted.addresses, wanted.seconds, wanted.set)))
        return
    with tempfile.TemporaryDirectory() as folder:
        server = RtspServer(clip=str(clip(Path(folder))), rate=RATE, copies=wanted.cameras)
        server.start()
        try:
            addresses = [f"{server.address}{number}" for number in range(wanted.cameras)]
            for _ in range(wanted.rounds):
                for way in wanted.ways:
                    floor = in_a_process_of_its_own("floor", addresses, max(5, wanted.seconds / 3), [])
                    print(f"floor: decoding alone  {1000 * floor['cpu']:.0f} ms of CPU per camera and second", flush=True)
                    print(row(way, floor, in_a_process_of_its_own(way, addresses, wanted.seconds, wanted.set)), flush=True)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
