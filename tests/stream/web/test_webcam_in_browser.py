"""The camera of a real browser, with a film in its place: its faces on the page, and what the page says where there is no camera."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium, opened, served
from tests.served import Served
from tests.waiting import wait_for
from tests.web_guest import camera_film, seen_by_camera

pytestmark = pytest.mark.slow

IN_STEP = """() => {
  const canvas = document.querySelector(".screen canvas"), box = document.querySelector(".screen rect")
  if (!canvas.width || !box) return null
  const row = canvas.getContext("2d").getImageData(0, 180, canvas.width, 1).data
  let left = 0
  while (left < canvas.width && Math.abs(row[4 * left] - 90) + Math.abs(row[4 * left + 2] - 90) < 40) left++
  const number = (name) => Number(box.getAttribute(name))
  return { width: canvas.width, left, x: number("x") + number("width") / 2, y: number("y") + number("height") / 2,
    seq: Number(document.querySelector(".webcam").dataset.seq) }
}"""
"""Where the portrait lies in the picture that is shown, and where the box over it lies, at the same moment."""


@pytest.fixture(scope="module")
def run() -> Iterator[Served]:
    with served("run") as one:
        yield one


@pytest.fixture(scope="module")
def browser(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    film = camera_film(portrait, tmp_path_factory.mktemp("camera") / "camera.y4m")
    with chromium(*seen_by_camera(film)) as one:
        yield one


def switch_on(page: Page) -> None:
    """By keyboard alone."""
    page.get_by_role("button", name="Use my camera").focus()
    page.keyboard.press("Enter")
    page.locator(".screen rect").first.wait_for()


def test_box_and_picture_are_of_the_same_moment(browser: Browser, run: Served) -> None:
    with opened(browser, run) as page:
        switch_on(page)
        page.get_by_label("In step").check()
        seen: dict[int, dict[str, float]] = {}

        def enough() -> bool:
            if (now := page.evaluate(IN_STEP)) is not None and now["left"]:
                seen[now["seq"]] = now
            return len(seen) > 30

        wait_for(enough)
    places = {now["left"] for now in seen.values()}
    assert max(places) - min(places) > 30, "it moves"
    for now in list(seen.values())[5:]:
        face_x = now["left"] + 262 * 300 / 512
        assert now["width"] - now["x"] == pytest.approx(face_x, abs=6), "mirrored, as in a looking glass"
        assert now["y"] == pytest.approx(4 + 222 * 352 / 600, abs=10)


def test_the_self_view_has_its_boxes_and_can_be_turned_round(browser: Browser, run: Served, tmp_path: Path) -> None:
    with opened(browser, run, viewport={"width": 360, "height": 640}) as page:
        switch_on(page)
        wait_for(lambda: "1 face" in page.locator(".screen").first.get_attribute("aria-label"))
        assert "face" in page.locator(".webcam > p").inner_text()
        middle = "() => { const r = document.querySelector('.screen rect'); return Number(r.getAttribute('x')) }"
        assert page.evaluate(middle) > 320
        page.get_by_label("Mirrored").uncheck()
        wait_for(lambda: page.evaluate(middle) < 320)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        for place in page.locator(".guest button:visible, .guest label:visible").all():
            assert place.bounding_box()["height"] >= 44
        page.get_by_role("button", name="Stop my camera").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Use my camera").wait_for()
        assert page.locator(".webcam").is_hidden()
        assert "off" in page.locator(".said").inner_text()
        switch_on(page)


def test_a_camera_goes_on_when_the_connection_comes_back(browser: Browser, run: Served) -> None:
    with opened(browser, run) as page:
        sockets: list[Any] = []
        page.route_web_socket("**/ws", lambda socket: sockets.append((socket, socket.connect_to_server())))
        page.reload()
        switch_on(page)
        first = len(sockets)
        sockets[-1][0].close()
        wait_for(lambda: page.wait_for_timeout(50) or len(sockets) > first)
        seq = "() => Number(document.querySelector('.webcam').dataset.seq)"
        before = page.evaluate(seq)
        wait_for(lambda: page.evaluate(seq) > before + 10)
