"""Files and photos that are run for a page: they wait for it, play at their pace, and stay until somebody has seen them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.media import make_clip
from tests.served import served

pytestmark = pytest.mark.slow


def test_a_video_waits_for_its_page_and_plays_at_its_pace(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", times=range(50))
    with served("run", clip) as run:
        time.sleep(2)
        assert run.process.poll() is None, "it would be over by now"
        with run.page() as page:
            page.say(type="watch", cameras={str(clip): 320})
            begin = time.monotonic()
            page.picture(lambda header: header["frame"] >= 45)
            assert time.monotonic() - begin > 1.5
        assert run.process.wait(20) == 0


def test_a_video_that_is_written_waits_for_nobody(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", times=range(50))
    with served("run", clip, "-o", tmp_path / "out.mp4", "--max-frames", "40") as run:
        assert run.process.wait(30) == 0
    assert (tmp_path / "out.mp4").exists()


def test_a_run_that_waits_for_a_page_can_be_stopped(tmp_path: Path) -> None:
    with served("run", make_clip(tmp_path / "clip.mp4", times=range(50))) as run:
        begin = time.monotonic()
        assert run.end().code == 130
        assert time.monotonic() - begin < 2


def test_waiting_for_a_page_is_part_of_the_duration(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", times=range(500))
    with served("run", clip, "--duration", "4", "--set", "source.loop=true") as run:
        begin = time.monotonic()
        time.sleep(2)
        with run.page() as page:
            page.say(type="watch", cameras={str(clip): 320})
            page.picture()
            assert run.process.wait(20) == 0
        assert time.monotonic() - begin < 5, "it would be 6"


def test_each_picture_stays_until_somebody_turns_to_the_next(tmp_path: Path, portrait_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(portrait_path.read_bytes())
    with served("run", tmp_path) as run, run.page() as page:
        page.say(type="watch", cameras={str(tmp_path): 320})
        seen = [page.picture()[0]["source"]]
        with pytest.raises(AssertionError, match="no picture"):
            page.hear("picture", seconds=1.5)
        assert page.hear("state")["cameras"][0]["state"] == "up", "all is read; the button for the next stays as long as there is one"
        for _ in range(2):
            page.say(type="next", camera=str(tmp_path))
            seen.append(page.picture()[0]["source"])
        assert [Path(name).name for name in seen] == ["a.jpg", "b.jpg", "c.jpg"]
        page.say(type="next", camera=str(tmp_path))
        assert run.process.wait(20) == 0


def test_where_nobody_may_turn_pictures_turn_themselves(tmp_path: Path, portrait_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes(portrait_path.read_bytes())
    with served("run", tmp_path, "--web-view-only") as run, run.page() as page:
        page.say(type="watch", cameras={str(tmp_path): 320})
        seen = [Path(page.picture()[0]["source"]).name for _ in range(2)]
        assert seen == ["a.jpg", "b.jpg"]
        assert run.process.wait(20) == 0
