"""Several cameras in one window on a real screen: each in its own shape with its name, and its user can look at one alone."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from stream.sinks.screen.mosaic import fitted, grid
from tests.command import running
from tests.media import ffprobe_times, make_clip, need, rtsp_server
from tests.ports import free_port
from tests.screen import screenshot
from tests.waiting import wait_for

COLOURS = {"red": (200, 30, 30), "green": (30, 180, 30), "blue": (40, 40, 220)}
SIZES = {"red": (320, 180), "green": (180, 320), "blue": (320, 240)}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 20, 64])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1728, 972), (700, 1200)])
def test_the_cells_are_of_one_size_apart_and_inside(count: int, width: int, height: int) -> None:
    cells = np.array(grid(count, width, height))
    assert len(cells) == count
    assert cells.min() >= 0
    assert (cells[:, [0, 2]].max(), cells[:, [1, 3]].max()) <= (width, height)
    sizes = cells[:, 2:] - cells[:, :2]
    assert np.ptp(sizes, axis=0).max() <= 1
    covered = np.zeros((height, width), int)
    for x1, y1, x2, y2 in cells:
        covered[y1:y2, x1:x2] += 1
    assert covered.max() == 1
    assert covered.mean() > 0.5 or width < height, "hardly any of the window is left empty"


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (1, 1000), (1000, 1), (6000, 4000)])
def test_a_picture_keeps_its_shape_in_its_cell(width: int, height: int) -> None:
    x1, y1, x2, y2 = fitted((100, 50, 500, 300), width, height)
    assert 100 <= x1 < x2 <= 500
    assert 50 <= y1 < y2 <= 300
    if min(width, height) > 1:
        assert (x2 - x1) / (y2 - y1) == pytest.approx(width / height, rel=0.02)
    assert abs((x1 + x2) - 600) <= 1
    assert abs((y1 + y2) - 350) <= 1


class Shown:
    """A run with a window on a screen."""

    def __init__(self, process: subprocess.Popen[str], display: str, shot: Path) -> None:
        self.process, self._display, self._shot = process, display, shot
        self.places: dict[str, tuple[int, int]] = {}
        """The middle of each colour, filled anew at each look."""

    def sees(self) -> dict[str, tuple[int, int]]:
        """Width and height in pixels of each colour on the screen."""
        screen = screenshot(self._display, self._shot).astype(int)
        found = {}
        for name, colour in COLOURS.items():
            rows, columns = np.nonzero((np.abs(screen - colour) < 25).all(axis=2))
            if len(rows) > 100:
                found[name] = (int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
                self.places[name] = (int(np.median(columns)), int(np.median(rows)))
        return found

    def wait(self, until: Callable[[dict[str, tuple[int, int]]], object], seconds: float = 30) -> dict[str, tuple[int, int]]:
        seen: dict[str, tuple[int, int]] = {}

        def reached() -> object:
            nonlocal seen
            assert self.process.poll() is None, self.process.communicate()
            seen = self.sees()
            return until(seen)

        wait_for(reached, seconds, but=lambda: seen)
        return seen

    def do(self, *words: str) -> None:
        # no window manager: a key goes to the window under the pointer
        subprocess.run([need("xdotool"), *words], env=os.environ | {"DISPLAY": self._display}, check=True)


@contextmanager
def shown(screen: str, folder: Path, sources: list[dict[str, object]], *words: str) -> Iterator[Shown]:
    config = folder / "cams.yaml"
    config.write_text(json.dumps({"detector": {"enabled": False}, "sources": sources}), encoding="utf-8")
    with running("run", "--config", config, "--window", *words, environment={"DISPLAY": screen}) as process:
        yield Shown(process, screen, folder / "shot.png")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    """Three cameras of one colour each."""
    folder, made = tmp_path_factory.mktemp("clips"), []
    for name, colour in COLOURS.items():
        width, height = SIZES[name]
        image = np.full((height, width, 3), colour, np.uint8)
        clip = make_clip(folder / f"{name}.mp4", images=[image] * 25, times=range(25), size=(width, height))
        made.append({"name": name, "address": str(clip), "source": {"loop": True}})
    return made


@pytest.mark.slow
def test_all_are_seen_and_one_alone_by_key_or_click_until_q(screen: str, tmp_path: Path, sources: list[dict[str, object]]) -> None:
    with shown(screen, tmp_path, sources) as window:
        together = window.wait(lambda seen: len(seen) == 3)
        for name, (width, height) in together.items():
            assert width / height == pytest.approx(SIZES[name][0] / SIZES[name][1], rel=0.1), "shapes are kept"
        window.do("mousemove", "100", "100", "key", "3")
        alone = window.wait(lambda seen: set(seen) == {"blue"})
        assert alone["blue"][1] > 1.5 * together["blue"][1], "it is larger then"
        window.do("mousemove", "100", "100", "key", "3")
        window.wait(lambda seen: seen == together)
        window.do("mousemove", *map(str, window.places["red"]), "click", "1")
        window.wait(lambda seen: set(seen) == {"red"})
        window.do("key", "0")
        window.wait(lambda seen: seen == together)
        window.do("key", "q")
        stdout, stderr = window.process.communicate(timeout=10)
    assert window.process.returncode == 0, stderr
    assert [line.split(":")[0] for line in stdout.splitlines()] == ["red", "green", "blue"]


def test_a_camera_that_is_dead_leaves_the_others_in_the_picture(screen: str, tmp_path: Path, sources: list[dict[str, object]]) -> None:
    dead = {"name": "cellar", "address": f"rtsp://viewer:S3cret@127.0.0.1:{free_port()}/x"}
    with shown(screen, tmp_path, [dead, *sources]) as window:
        window.wait(lambda seen: len(seen) == 3)
        window.do("mousemove", "100", "100", "key", "q")
        stdout, stderr = window.process.communicate(timeout=20)
    assert window.process.returncode == 1, "one never gave a picture"
    assert len(stdout.splitlines()) == 3
    assert "cellar: no picture ever came (refused: nothing listens there)." in stderr
    assert "S3cret" not in stderr


@pytest.mark.slow
def test_a_recording_beside_the_window_has_its_own_size(screen: str, tmp_path: Path, sources: list[dict[str, object]]) -> None:
    from stream.media import av

    with rtsp_server(rate=15) as server:
        camera = {"name": "moving", "address": server.address}
        with shown(screen, tmp_path, [camera, *sources[:1]], "-o", str(tmp_path / "out")) as window:
            recordings = [tmp_path / "out" / f"{name}.mp4" for name in ("moving", "red")]
            wait_for(lambda: all(len(ffprobe_times(path)) > 20 for path in recordings))
            window.do("mousemove", "100", "100", "key", "q")
            stdout, stderr = window.process.communicate(timeout=30)
    assert window.process.returncode == 0, stderr
    for name, size in (("moving", (320, 240)), ("red", (320, 180))):
        with av.open(str(tmp_path / "out" / f"{name}.mp4")) as container:
            frames = list(container.decode(video=0))
        assert (frames[0].width, frames[0].height) == size
        assert len(frames) > 20
    assert stdout.count("written to") == 2
