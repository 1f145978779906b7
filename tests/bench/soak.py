"""Whether a long run stays as it began: memory, threads, handles and latency of `facestream run`, sampled, with their slopes.

    python tests/bench/soak.py [--minutes 60] [--every 10] [--break-every 60] [--samples FILE]

Two RTSP cameras (640×360 at 15 frames/s, one face, served by GStreamer) and a looping file of 25 frames/s, all recorded in pieces of a
minute, with events and metrics. Each minute one of the two cameras is killed as by a power cut and is back two seconds later. Samples are
taken while all three give pictures, so at equal states. The slope is Theil and Sen's (the median of the slopes between all pairs) of each
half, with its interval of 95 %: what leaks rises in both, what warms up (caches, the heaps of threads) in the first. Flat is what rises in
the second half by less than its allowance in an hour, or may do so by the interval.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests import clock
from tests.media import RtspServer, ffprobe_times, make_clip
from tests.ports import free_port

SIZE, RATE = (640, 360), 15
AWAY_S = 2.0
"""How long a killed camera stays away."""
LATENCY = "facestream_capture_to_shown_seconds_bucket"
ALLOWED = {"memory_mib": 5.0, "threads": 0.0, "handles": 0.0, "p99_ms": 20.0}
"""What may be gained in an hour and still be called flat. Memory: glibc's heap breathes by about as much (a guess)."""


@dataclass(slots=True)
class Sample:
    """The process at one moment at which every source gave pictures."""

    minute: float
    memory_mib: float
    threads: int
    handles: int
    p99_ms: float
    """Of the age of shown pictures since the sample before, over all sources."""


@dataclass(slots=True)
class Soak:
    """What a run gave."""

    samples: list[Sample] = field(default_factory=list)
    breaks: int = 0
    reconnects: int = 0
    shown: int = 0
    exit_code: int = 0
    stderr: str = ""
    pieces: dict[str, int] = field(default_factory=dict)
    """Closed recordings of each source, every one of which plays."""
    unplayable: list[str] = field(default_factory=list)
    samples_file: TextIO | None = None


class Process:
    """A running `facestream run`, seen from outside."""

    def __init__(self, pid: int, port: int) -> None:
        self._pid, self._port = pid, port
        self._before: Counter[float] = Counter()
        self.reconnects = self.shown = 0

    def look(self, minute: float) -> Sample | None:
        """None while a source gives no pictures."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=10).read().decode()
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        up = [sample.value for sample in samples if sample.name == "facestream_source_up"]
        self.reconnects = int(sum(sample.value for sample in samples if sample.name == "facestream_reconnects_total"))
        shown = [sample.value for sample in samples if sample.name == "facestream_frames_total" and sample.labels["outcome"] == "shown"]
        self.shown = int(sum(shown))
        buckets: Counter[float] = Counter()
        for sample in samples:
            if sample.name == LATENCY:
                buckets[float(sample.labels["le"])] += sample.value
        new, self._before = Counter({edge: buckets[edge] - self._before[edge] for edge in buckets}), buckets
        if len(up) < 3 or not all(up) or not new[float("inf")]:
            return None
        proc = Path(f"/proc/{self._pid}")
        memory_kib = int(re.search(r"VmRSS:\s+(\d+)", (proc / "status").read_text()).group(1))  # type: ignore[union-attr]
        threads, handles = (sum(1 for _ in (proc / kind).iterdir()) for kind in ("task", "fd"))
        return Sample(minute, memory_kib / 1024, threads, handles, 1000 * quantile(new, 0.99))


def quantile(buckets: Counter[float], share: float) -> float:
    """As Prometheus takes it from a histogram's cumulative buckets: linear within one."""
    wanted, below, begin = share * buckets[float("inf")], 0.0, 0.0
    for edge in sorted(buckets):
        if buckets[edge] >= wanted:
            return begin if edge == float("inf") else begin + (edge - begin) * (wanted - below) / (buckets[edge] - below)
        begin, below = edge, buckets[edge]
    return begin


@contextmanager
def cameras(folder: Path) -> Iterator[list[RtspServer]]:
    from stream.sources.demo import CYCLE_S, DemoSource

    demo, frames = DemoSource(size=SIZE), RATE * clock.LOOP_S
    clip = clock.make_clip(folder / "clip", rate=RATE, size=SIZE, image=lambda number: demo.look(number * CYCLE_S / frames))
    make_clip(folder / "file.mp4", times=range(frames), images=(demo.look(number / 25) for number in range(frames)), size=SIZE)
    with ExitStack() as stack:
        servers = [RtspServer(clip=str(clip), rate=RATE) for _ in range(2)]
        for server in servers:
            stack.callback(server.kill)
            server.start()
        yield servers


def soak(folder: Path, minutes: float, every_s: float = 10.0, break_every_s: float = 60.0, samples: TextIO | None = None) -> Soak:
    """Run it and look at it.

    Args:
        folder: gets everything that is written.
        samples: gets a line of JSON for each sample, at once.
    """
    done, port = Soak(samples_file=samples), free_port()
    with cameras(folder) as servers, (folder / "stderr.txt").open("w") as errors:
        (folder / "sources.yaml").write_text(
            json.dumps(
                {
                    "sources": [
                        *({"name": f"camera{number}", "address": server.address} for number, server in enumerate(servers)),
                        {"name": "loop", "address": str(folder / "file.mp4"), "source": {"loop": True}},
                    ]
                }
            )
        )
        command = [sys.executable, "-m", "stream", "run", "--config", str(folder / "sources.yaml"), "--metrics-port", str(port)]
        command += ["-o", str(folder / "out"), "--segment", str(min(1.0, minutes / 3)), "--events", str(folder / "events.jsonl")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            watch(done, Process(process.pid, port), process, servers, minutes, every_s, break_every_s)
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):  # then its exit code says so; what was seen until then is worth its report
                process.communicate(timeout=30)
        finally:
            process.kill()
            process.communicate()
    done.exit_code = process.returncode
    done.stderr = (folder / "stderr.txt").read_text()
    check_pieces(done, folder / "out")
    return done


def watch(
    done: Soak,
    seen: Process,
    process: subprocess.Popen[str],
    servers: list[RtspServer],
    minutes: float,
    every_s: float,
    break_every_s: float,
) -> None:
    begun = time.monotonic()
    next_break = begun + break_every_s
    while (now := time.monotonic()) < begun + 60 * minutes and process.poll() is None:
        if now >= next_break:
            broken = servers[done.breaks % 2]
            broken.kill()
            time.sleep(AWAY_S)
            broken.start()
            done.breaks, next_break = done.breaks + 1, next_break + break_every_s
        threading.Event().wait(every_s)
        try:
            sample = seen.look((time.monotonic() - begun) / 60)
        except OSError:  # not there yet
            continue
        done.reconnects, done.shown = seen.reconnects, seen.shown
        if sample is not None:
            done.samples.append(sample)
            if done.samples_file is not None:
                print(json.dumps(asdict(sample)), file=done.samples_file, flush=True)


def check_pieces(done: Soak, folder: Path) -> None:
    pieces = sorted(folder.glob("*.mp4"))
    done.pieces = dict(Counter(piece.name.rpartition("-")[0] for piece in pieces))
    for piece in pieces:
        times = ffprobe_times(piece)
        if not times or min(np.diff(times), default=1) <= 0:
            done.unplayable.append(piece.name)


def report(done: Soak) -> bool:
    """Print it. Whether everything is flat."""
    minutes = done.samples[-1].minute
    print(f"{minutes:.0f} minutes, {len(done.samples)} samples; {done.breaks} times a camera was killed, {done.reconnects} reconnects;")
    print(f"{done.shown} frames shown; pieces: {done.pieces}; unplayable: {done.unplayable or 'none'}; exit code {done.exit_code}")
    print(f"{'':<12}{'at first':>10}{'at last':>10}{'slope per hour, 1st half':>28}{'2nd half':>12}   {'95 %':<20}")
    all_flat = True
    for name, allowed in ALLOWED.items():
        values = [float(getattr(sample, name)) for sample in done.samples]
        tenth = max(1, len(values) // 10)
        before, after = (slope([s for s in done.samples if (s.minute > minutes / 2) is late], name) for late in (False, True))
        flat = after[0] <= allowed or after[1] <= allowed
        all_flat &= flat
        print(
            f"{name:<12}{np.median(values[:tenth]):>10.1f}{np.median(values[-tenth:]):>10.1f}{before[0]:>28.1f}{after[0]:>12.1f}   "
            f"{f'{after[1]:.1f} to {after[2]:.1f}':<20} {'flat' if flat else 'NOT FLAT'}"
        )
    return all_flat


def slope(samples: Sequence[Sample], name: str) -> tuple[float, float, float]:
    """Per hour, by Theil and Sen, with the ends of its interval of 95 %."""
    from scipy.stats import theilslopes

    hours = np.array([sample.minute / 60 for sample in samples])
    middle, _, low, high = theilslopes(np.array([float(getattr(sample, name)) for sample in samples]), hours, 0.95)
    return float(middle), float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=10, help="seconds between samples")
    parser.add_argument("--break-every", type=float, default=60, help="seconds between two power cuts")
    parser.add_argument(
        "--samples", type=argparse.FileType("w"), default=os.devnull, help="write the samples to this file, as lines of JSON"
    )
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, wanted.samples as samples:
        done = soak(Path(folder), wanted.minutes, wanted.every, wanted.break_every, samples)
    if done.stderr:
        print(done.stderr[-2000:], file=sys.stderr)
    raise SystemExit(0 if report(done) and not done.unplayable and done.reconnects >= done.breaks else 1)


if __name__ == "__main__":
    main()
