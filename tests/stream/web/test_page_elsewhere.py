"""The page where it is not looked at, in a crowd, and in another engine."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser import chromium, opened, served
from tests.media import make_clip
from tests.moving_faces import Actor, Film, head
from tests.other_browsers import driven_chromium, webkit
from tests.served import Served
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Iterator[Served]:
    with served("demo") as run:
        yield run


NOTE = """
window.noted = []
document.addEventListener("drawn", ({ detail }) => window.noted.push([detail.seq, Date.now() / 1000 - detail.captured_at]))
const send = WebSocket.prototype.send
window.said = []
WebSocket.prototype.send = function (words) { window.said.push(JSON.parse(words)); return send.call(this, words) }
"""


def test_a_hidden_page_asks_for_nothing_and_comes_back_to_now(run: Served):
    with driven_chromium() as driver:
        driver.get(run.invitation)
        driver.execute_script(NOTE)
        wait_for(lambda: len(driver.execute_script("return window.noted")) > 10)
        driver.minimize_window()
        wait_for(lambda: driver.execute_script("return document.hidden"))
        wait_for(lambda: driver.execute_script("return window.said.filter((one) => one.type === 'watch').at(-1)?.cameras") == {})
        drawn = len(driver.execute_script("return window.noted.splice(0)"))
        assert drawn > 0
        time.sleep(3)  # what was on its way has come; for so long nobody looks
        assert len(driver.execute_script("return window.noted.splice(0)")) <= 4
        asked = time.monotonic()
        driver.set_window_size(1000, 800)
        driver.set_window_rect(0, 0, 1000, 800)
        wait_for(lambda: driver.execute_script("return window.noted.length"))
        assert time.monotonic() - asked < 3
        assert max(age for _, age in driver.execute_script("return window.noted")) < 0.5  # none of those that came while it was hidden
        wait_for(lambda: len(driver.execute_script("return window.noted")) > 10)


def test_a_crowd_is_drawn_all_the_same(portrait: np.ndarray, tmp_path: Path):
    across, down, wide = 11, 7, 80
    hopper = head(portrait, "hopper")

    def at(x: float, y: float) -> Actor:
        return Actor(hopper, lambda time_s: (x, y, wide))

    film = Film([at(60 + 106 * column, 60 + 100 * row) for column in range(across) for row in range(down)], size=(1280, 720))
    make_clip(tmp_path / "crowd.mp4", times=range(10), images=[film.picture(0)] * 10, size=film.size)
    with (
        served("run", "crowd.mp4", "--set", "source.loop=true", cwd=tmp_path) as run,
        chromium() as browser,
        opened(browser, run) as page,
    ):
        expect(page.locator("#faces-title")).to_have_text(re.compile(r"^(6[1-9]|7\d) faces$"), timeout=15_000)
        crowd = page.locator(".crowd")
        expect(crowd).to_be_visible()
        expect(page.locator(".face")).to_have_count(0)
        expect(page.locator("#faces li")).to_have_count(across * down, timeout=15_000)
        boxes = """(crowd) => {
          const pixels = crowd.getContext("2d").getImageData(0, 0, crowd.width, crowd.height).data
          let drawn = 0
          for (let at = 3; at < pixels.length; at += 4) drawn += pixels[at] > 128
          return drawn
        }"""
        assert crowd.evaluate(boxes) > 60 * 100
        page.get_by_role("button", name="Boxes").click()
        page.get_by_role("button", name="Labels").click()
        wait_for(lambda: crowd.evaluate(boxes) == 0)

        def has_card() -> bool:  # a face that is gone for a moment takes its focus along
            page.locator("#faces button").first.focus()
            return page.locator("#card").is_visible() and crowd.evaluate(boxes) > 100

        wait_for(has_card)


@pytest.mark.filterwarnings("ignore:setting remote_server_addr")  # Selenium's own
def test_the_page_is_the_same_in_webkit(run: Served, screen: str):
    with webkit(screen) as driver:
        driver.get(run.invitation)

        def asked(words: str) -> Any:
            return driver.execute_script(f"return {words}")

        wait_for(lambda: asked("document.querySelectorAll('.face .box').length"), 30, but=lambda: asked("document.body.innerText"))
        assert asked("location.href") == run.address
        assert re.match(r"M[\d.]+ [\d.]+H", asked("document.querySelector('.face .box').getAttribute('d')"))
        places = asked("['canvas', 'svg'].map((one) => document.querySelector('.view ' + one).getBoundingClientRect().toJSON())")
        assert places[0] == places[1]
        pixel = "document.querySelector('canvas').getContext('2d').getImageData(0, 0, 9, 9).data.slice(0, 3)"
        assert max(asked(f"[...{pixel}]")) > 20
        wait_for(lambda: re.search(r"shown here: [1-9]", asked("document.querySelector('.age').textContent")))
        assert re.search("face", asked("document.querySelector('.words').textContent"))
