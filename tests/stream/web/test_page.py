"""The page of a run, in a real browser: boxes lie on the faces of their own picture, and all is said in words, too."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests import clock
from tests.browser import chromium, drawn_since, note_what_is_drawn, opened, served
from tests.media import make_clip
from tests.moving_faces import Actor, Film, head
from tests.served import Served
from tests.waiting import wait_for

pytestmark = pytest.mark.slow

COUNT, RATE = 100, 25
"""Pictures of the clip, and how many a second."""


def place(number: int) -> tuple[float, float, float]:
    """Where the head is in a picture: centre and width, px. Quick: a box of the picture before would lie beside it."""
    turn = 2 * math.pi * number / COUNT
    return 240 + 130 * math.cos(turn), 190 + 50 * math.sin(turn), 110


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Path:
    """A head goes round; each picture says its number."""
    film = Film([Actor(head(portrait, "hopper"), lambda time_s: place(round(time_s * RATE)))])
    images = [film.picture(number / RATE) for number in range(COUNT)]
    for number, image in enumerate(images):
        clock.paint(image, number)
    return make_clip(tmp_path_factory.mktemp("clip") / "door.mp4", times=range(COUNT), images=images, size=film.size)


@pytest.fixture(scope="module")
def run(clip: Path) -> Iterator[Served]:
    with served("run", clip.name, "--set", "source.loop=true", cwd=clip.parent) as run:
        yield run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, run: Served) -> Iterator[Page]:
    with opened(browser, run) as page:
        expect(page.locator(".face")).not_to_have_count(0)
        yield page


def test_each_picture_has_its_own_boxes_and_they_lie_on_the_face(page: Page):
    note_what_is_drawn(page)
    seen: list[dict] = []
    wait_for(lambda: seen.extend(drawn_since(page)) or len([one for one in seen if one["faces"]]) >= 60, but=lambda: len(seen))
    assert [one["seq"] for one in seen] == sorted(one["seq"] for one in seen)
    assert {one["number"] - one["frame"] % COUNT for one in seen} == {0}  # the header's picture is on the canvas
    for one in seen:
        drawn = [[float(number) for number in re.findall(r"[-\d.]+", path)] for path in one["paths"]]
        assert drawn == [[*face["box"], face["box"][0]] for face in one["faces"]]  # M x1 y1 H x2 V y2 H x1
    beside = []
    for one in seen:
        x, y, wide = place(one["number"])
        for x1, y1, x2, y2 in (face["box"] for face in one["faces"]):
            beside.append(max(abs((x1 + x2) / 2 - x), abs((y1 + y2) / 2 - y) - 0.2 * wide) / wide)
    assert np.median(beside) < 0.1
    assert np.quantile(beside, 0.9) < 0.3


def test_lines_lie_on_the_picture_to_the_pixel_whatever_the_window_and_stay_as_thin(page: Page):
    for size in ((1280, 800), (500, 900), (2000, 700)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.wait_for_timeout(200)
        places = page.evaluate(
            """() => ["canvas", "svg", ".words"].map((what) => {
              const {left, top, width, height} = document.querySelector(`.view ${what}`).getBoundingClientRect()
              return [left, top, width, height]
            })"""
        )
        assert places[1:] == [places[0], places[0]]
        assert places[0][2] / places[0][3] == pytest.approx(480 / 360, rel=0.01)
        path = page.locator(".face .box").first
        assert path.evaluate("(one) => getComputedStyle(one).vectorEffect") == "non-scaling-stroke"


def test_what_is_drawn_is_chosen_on_the_page_and_remembered(page: Page):
    boxes, labels, landmarks = (page.get_by_role("button", name=name, exact=True) for name in ("Boxes", "Labels", "Landmarks"))
    box, dots, words = page.locator(".face .box").first, page.locator(".face .dots:not(.rim)").first, page.locator(".words span")
    expect(box).to_have_attribute("d", re.compile("^M"))
    expect(dots).to_have_attribute("d", "")
    expect(words.first).to_have_text(re.compile(r"#\d+ face \d+%"))
    boxes.click()
    labels.click()
    landmarks.click()
    expect(box).to_have_attribute("d", "")
    expect(words).to_have_count(0)
    expect(dots).to_have_attribute("d", re.compile("^(M[^M]+){5}$"))
    expect(boxes).to_have_attribute("aria-pressed", "false")
    page.reload()
    expect(boxes).to_have_attribute("aria-pressed", "false")
    expect(dots).to_have_attribute("d", re.compile("^M"))
    expect(words).to_have_count(0)


def test_a_face_says_all_that_is_known_of_it_below_the_pointer_and_with_the_focus(page: Page):
    card, canvas = page.locator("#card"), page.locator("canvas").first
    expect(card).to_be_hidden()

    def all_is_said() -> bool:
        page.locator("#faces button").first.focus()  # anew: a face that is lost takes its button along
        words = page.evaluate("document.getElementById('card').innerText")
        marked = page.evaluate("document.querySelector('.face.marked .dots:not(.rim)')?.getAttribute('d') ?? ''")
        asked = ("Label", "Probability", "Certainty", "Score", "Track", "Seen for", "Place", "left eye", "right mouth corner")
        return card.is_visible() and all(word in words for word in asked) and marked.startswith("M")

    wait_for(all_is_said, but=card.inner_text)
    page.locator("#options button").first.focus()
    expect(card).to_be_hidden()

    def pointed_at() -> bool:
        there = page.locator(".face .box").first.bounding_box()
        page.mouse.move(there["x"] + there["width"] / 2, there["y"] + there["height"] / 2)
        return card.is_visible()

    wait_for(pointed_at)
    canvas.dispatch_event("pointerleave")
    page.mouse.move(1, 1)
    expect(card).to_be_hidden()


def test_a_finger_on_a_face_shows_the_same(browser: Browser, run: Served):
    with opened(browser, run, viewport={"width": 360, "height": 640}, is_mobile=True, has_touch=True) as page:
        expect(page.locator(".face")).not_to_have_count(0)

        def touched() -> bool:
            there = page.locator(".face .box").first.bounding_box()
            assert there is not None
            page.touchscreen.tap(there["x"] + there["width"] / 2, there["y"] + there["height"] / 2)
            return page.locator("#card").is_visible()

        wait_for(touched)
        below = page.locator(".caption").bounding_box()
        assert below is not None
        page.touchscreen.tap(below["x"] + 5, below["y"] + 5)
        expect(page.locator("#card")).to_be_hidden()


def test_all_is_there_for_those_who_listen(page: Page):
    expect(page.get_by_role("img", name=re.compile(r"^door\.mp4: \d+ face"))).to_be_visible()
    expect(page.get_by_role("list", name="Faces of door.mp4").get_by_role("listitem").first).to_have_text(re.compile(r"#\d+ face \d+%"))
    expect(page.get_by_role("region", name="1 face").get_by_role("button").first).to_contain_text(re.compile(r"score 0\.\d\d|score 1\.00"))
    live = page.locator("[aria-live=polite]")
    expect(live).to_have_text("door.mp4: 1 face (face).", timeout=12_000)
    expect(page.locator(".status")).to_have_text(re.compile(r"\d+ frames/s · latency \d+ ms · last look \d+ ms ago"))
    expect(page.locator(".age")).to_have_text(re.compile(r"shown here: \d+ a second, \d+\sms old"))


def test_what_is_served_weighs_less_than_60_kb(browser: Browser, run: Served):
    with opened(browser, run, url="about:blank") as page:
        line = page.context.new_cdp_session(page)
        line.send("Network.enable")
        weights: list[float] = []
        line.on("Network.loadingFinished", lambda one: weights.append(one["encodedDataLength"]))
        page.goto(run.invitation)
        expect(page.locator(".face")).not_to_have_count(0)
        assert len(weights) > 8
        assert sum(weights) < 60_000
