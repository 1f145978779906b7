"""`facestream run` on what is live: a real RTSP server that dies and comes back, a real window on a real screen."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.media import av
from tests.command import running
from tests.media import rtsp_server
from tests.screen import press, screenshot
from tests.waiting import wait_for


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) if path.exists() else 0


@pytest.mark.slow
def test_a_camera_that_dies_and_comes_back_is_recorded_across_the_gap(tmp_path: Path) -> None:
    out, log = tmp_path / "camera.mp4", tmp_path / "faces.jsonl"
    with (
        rtsp_server(rate=15) as server,
        running("run", server.address, "-o", out, "--events", log, "--set", "source.read_timeout_s=1") as process,
    ):
        wait_for(lambda: lines(log) > 15)
        server.kill()
        seen = lines(log)
        time.sleep(1.5)
        server.start()
        wait_for(lambda: lines(log) > seen + 15)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    assert process.returncode == 130, stderr
    assert "1 reconnect" in stdout
    assert "trying again" in stderr
    assert stderr.count("trying again") <= 2, "each cause once; not a line for each try"
    assert stderr.count("is back after") == 1
    with av.open(str(out)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    gaps = np.diff(times)
    assert gaps.min() > 0
    assert gaps.max() > 1, "the gap is as long as it was"
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert all("utc" in event for event in events)


@contextmanager
def shown(display: str, shot: Path, *words: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The running command, once its window shows a picture."""
    with running(*words, cwd=shot.parent, environment={"DISPLAY": display}) as process:
        wait_for(lambda: screenshot(display, shot).std() > 30, but=lambda: "the window never showed a picture")
        yield process


@pytest.mark.slow
def test_the_demo_opens_a_window_and_q_ends_it(screen: str, tmp_path: Path) -> None:
    shot = tmp_path / "screen.png"
    with shown(screen, shot, "demo", "--seconds", "60") as process:
        first = screenshot(screen, shot)
        wait_for(lambda: (first != screenshot(screen, shot)).mean() > 0.05, but=lambda: "it does not move")
        press(screen, "q")
        stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stderr
    assert all(re.fullmatch(r"demo: \d+ frames", line) for line in stderr.splitlines()), "nothing but progress, where it took long"
    assert "median latency" in stdout
    assert not list(tmp_path.glob("*.mp4")), "with a display it writes no file"


@pytest.mark.slow
def test_the_arrows_leaf_through_photos_both_ways(screen: str, tmp_path: Path) -> None:
    colours = [(220, 30, 30), (30, 200, 30), (40, 40, 230)]
    (tmp_path / "photos").mkdir()
    for number, colour in enumerate(colours):
        Image.new("RGB", (320, 240), colour).save(tmp_path / "photos" / f"{number}.png")

    def seen() -> int | None:
        pixels = screenshot(screen, tmp_path / "screen.png").astype(int)
        return next((place for place, colour in enumerate(colours) if (np.abs(pixels - colour) < 9).all(axis=2).sum() > 5000), None)

    with shown(screen, tmp_path / "screen.png", "run", tmp_path / "photos", "--set", "detector.enabled=false") as process:
        wait_for(lambda: seen() == 0)
        keys = ["Left", "Right", "Down", "Left", "Up", "Left", "space", "Shift_L", "Right"]
        for key, wanted in zip(keys, [0, 1, 2, 1, 0, 0, 1, 1, 2], strict=True):
            press(screen, key)
            wait_for(lambda wanted=wanted: seen() == wanted, but=lambda key=key: (key, seen()))
        assert process.poll() is None
        press(screen, "Right")
        assert process.wait(timeout=30) == 0


@pytest.mark.slow
def test_a_photo_stays_in_its_window_until_a_key_is_pressed(screen: str, portrait_path: Path, tmp_path: Path) -> None:
    with shown(screen, tmp_path / "screen.png", "run", portrait_path) as process:
        time.sleep(1)
        assert process.poll() is None
        press(screen, "space")
        assert process.wait(timeout=30) == 0
