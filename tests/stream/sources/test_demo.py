"""The demo camera: smooth, at its own pace, with the face mostly in view."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np

from stream.sources.demo import AWAY_S, CYCLE_S, WALL, DemoSource
from tests.media import HandClock, watching


def test_it_gives_its_rate_for_as_long_as_asked():
    clock = HandClock()
    source = DemoSource(2, rate=30, clock=clock, wait=clock.wait)
    frames = list(source)
    assert [frame.pts for frame in frames] == list(range(60))
    assert frames[0].time_base == Fraction(1, 30)
    assert all(abs(frame.captured_at - 100 - frame.time_s) < 1e-6 for frame in frames)
    assert (source.info.live, source.info.width, source.info.height) == (True, 854, 480)
    assert frames[0].image.shape == (480, 854, 3)


def test_a_late_reader_misses_frames_instead_of_getting_old_ones():
    clock = HandClock()
    times = []
    for frame in DemoSource(2, rate=10, clock=clock, wait=clock.wait):
        times.append(frame.time_s)
        clock.now += 0.25
    assert len(times) == 7
    assert all(b - a >= 0.25 for a, b in itertools.pairwise(times))


def test_it_keeps_real_time():
    started = time.monotonic()
    frames = list(DemoSource(0.6, rate=20))
    assert 0.5 < time.monotonic() - started < 1.2
    assert 6 <= len(frames) <= 12


def test_it_goes_on_until_closed():
    with watching(DemoSource()) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 3)


def test_the_camera_moves_smoothly_and_looks_away_once_per_cycle():
    source = DemoSource()
    wall = [np.mean(np.abs(source.look(n / 5).astype(int) - WALL).max(axis=2) < 3) for n in range(int(CYCLE_S * 5))]
    middle = int(sum(AWAY_S) / 2 * 5)
    assert wall[middle] > 0.9
    assert sum(share > 0.9 for share in wall) < 15
    near = [np.abs(source.look(t).astype(int) - source.look(t + 1 / 30)).mean() for t in np.arange(0, CYCLE_S, 0.7)]
    assert max(near) < 20
    assert np.array_equal(source.look(1.0), source.look(1.0 + CYCLE_S))


def test_the_demo_starts_without_importing_matplotlib():
    program = "import sys; from stream.sources.demo import DemoSource; DemoSource(); sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_opencv_is_imported_before_pyav():
    program = """if 1:
        import sys
        import stream.sources.video, stream.sources.network, stream.sources.camera, stream.sources.demo
        order = [name for name in sys.modules if name in ("cv2", "av")]
        sys.exit(order != ["cv2", "av"])"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
