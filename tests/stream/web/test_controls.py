"""What a page may change while the run goes on: real runs, real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media import ffprobe_times
from tests.served import Page, Served, served
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo() -> Iterator[Served]:
    with served("demo") as run:
        yield run


@pytest.fixture
def page(demo: Served) -> Iterator[Page]:
    with demo.page() as page:
        page.say(type="watch", cameras={"demo": 320})
        yield page


def settings(message: dict) -> dict:
    return message["controls"]["settings"]


def test_a_change_takes_effect_and_shows_on_every_page(demo: Served, page: Page) -> None:
    with demo.page() as other:
        page.picture(lambda header: header["faces"])
        page.say(type="set", name="detector.min_face_px", value=2000)
        other.hear("state", lambda state: settings(state)["detector.min_face_px"] == 2000)
        page.picture(lambda header: not header["faces"])
        for _ in range(40):
            assert not page.picture()[0]["faces"], "no face of the demo is 2000 px wide"
        other.say(type="set", name="detector.min_face_px", value="auto")
        page.hear("state", lambda state: settings(state)["detector.min_face_px"] == "auto")
        page.picture(lambda header: header["faces"])


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("classifier.threshold", 7, "classifier.threshold cannot be 7: it must be less than or equal to 1."),
        ("detector.min_face_px", "huge", "cannot be 'huge'"),
        ("detector.weights", "/etc/passwd", "detector.weights cannot change while a run goes on: start it anew."),
        ("output.crf", 1, "output.crf cannot change while a run goes on: start it anew."),
        ("classifier.model", "/etc", "classifier.model: there are face, mask, smile, none."),
        ("nonsense", 1, "nonsense cannot change while a run goes on: start it anew."),
    ],
)
def test_what_no_settings_file_may_say_a_page_may_not_either(page: Page, name: str, value: object, why: str) -> None:
    page.say(type="set", name=name, value=value)
    assert why in page.hear("refused")["why"]
    page.picture()  # and it goes on


def test_another_model_answers_from_then_on(page: Page) -> None:
    page.picture(lambda header: any(face.get("label") == "face" for face in header["faces"]))
    page.say(type="set", name="classifier.model", value="smile")
    header, _ = page.picture(lambda header: any("smile" in face.get("probabilities", {}) for face in header["faces"]))
    assert header["faces"][0]["label"] in header["faces"][0]["probabilities"]
    page.say(type="set", name="classifier.model", value="none")
    page.picture(lambda header: header["faces"] and all("label" not in face for face in header["faces"]))
    page.say(type="set", name="classifier.model", value="face")
    page.picture(lambda header: any(face.get("label") == "face" for face in header["faces"]))


def test_a_paused_camera_keeps_its_picture_on_every_page(demo: Served, page: Page) -> None:
    with demo.page() as other:
        other.say(type="watch", cameras={"demo": 320})
        page.picture()
        page.say(type="pause", camera="demo", on=True)
        other.hear("state", lambda state: state["cameras"][0]["paused"])
        on_the_way = 4
        with pytest.raises(AssertionError, match="no picture"):
            [other.hear("picture", seconds=1.5) for _ in range(on_the_way + 1)]
        page.say(type="pause", camera="demo", on=False)
        other.picture()


def test_a_snapshot_is_the_whole_picture_with_or_without_boxes(demo: Served, page: Page) -> None:
    page.picture(lambda header: header["faces"])
    page.say(type="pause", camera="demo", on=True)
    page.hear("state", lambda state: state["cameras"][0]["paused"])
    (status, _, boxed), (_, _, clean) = demo.ask("/snapshots/demo.png"), demo.ask("/snapshots/demo.png?boxes=0")
    page.say(type="pause", camera="demo", on=False)
    assert status == 200
    images = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in (boxed, clean)]
    assert images[0].shape == images[1].shape == (480, 854, 3)
    changed = (images[0] != images[1]).any(axis=2).mean()
    assert 0.001 < changed < 0.2, "a box and words, and nothing else"
    status, _, why = demo.ask("/snapshots/nobody.png")
    assert (status, why) == (404, b"There is no camera nobody.")


def test_recordings_stop_and_begin_anew_and_each_plays(tmp_path: Path) -> None:
    with served("demo", "-o", tmp_path / "out.mp4") as run, run.page() as page:
        page.hear("state", lambda state: state["cameras"] and state["cameras"][0]["recording"])
        page.say(type="watch", cameras={"demo": 320})
        wait_for((tmp_path / "out.mp4").exists)
        page.say(type="record", camera="demo", on=False)
        page.hear("state", lambda state: state["cameras"][0]["recording"] is False)
        wait_for(lambda: (tmp_path / "out.mp4").exists() and len(ffprobe_times(tmp_path / "out.mp4")) > 0)
        page.say(type="record", camera="demo", on=True)
        for _ in range(20):
            page.picture()
        ended = run.end()
    assert ended.code == 130
    files = sorted(path.name for path in tmp_path.iterdir())
    assert len(files) == 2
    assert files[0].startswith("out-2")
    assert files[1] == "out.mp4"
    assert all(len(ffprobe_times(tmp_path / name)) > 0 for name in files)
    assert "set on the page: recording of demo ends" in ended.told
    assert "set on the page: recording of demo begins" in ended.told


def test_a_camera_that_is_not_recorded_says_so(page: Page) -> None:
    page.say(type="record", camera="demo", on=True)
    assert page.hear("refused")["why"] == "demo is not recorded: the run was started without -o for it."


def test_a_page_for_viewing_only_changes_nothing() -> None:
    with served("demo", "--web-view-only") as run:
        with run.page() as page:
            assert "controls" not in page.hear("state")
            page.say(type="set", name="detector.min_face_px", value=2000)
            with pytest.raises(AssertionError, match="the page was let go"):
                page.hear("refused")
        assert run.ask("/snapshots/demo.png")[0] == 404
