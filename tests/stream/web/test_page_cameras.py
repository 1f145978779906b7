"""Several cameras on the page: a grid and a large one, none that nobody sees, and those that give no picture."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, drawn_since, note_what_is_drawn, opened, served
from tests.media import make_clip, rtsp_server
from tests.ports import free_port
from tests.served import Served
from tests.waiting import wait_for

pytestmark = pytest.mark.slow

NAMES = ["door.mp4", "garden.mp4", "hall.mp4", "yard.mp4"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("clips")
    for name in NAMES:
        make_clip(folder / name, times=range(25))
    with served("run", *NAMES, "--set", "source.loop=true", "--set", "detector.enabled=false", cwd=folder) as run:
        yield run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def shown_large(page: Page) -> list[str | None]:
    return [tile.get_attribute("data-camera") for tile in page.locator(".tile.large:visible").all()]


def test_one_camera_is_large_by_click_enter_or_digit_and_all_are_back_by_escape_or_0(browser: Browser, run: Served):
    with opened(browser, run) as page:
        tiles = page.locator(".tile:visible")
        expect(tiles).to_have_count(4)
        tiles.nth(1).click()
        expect(tiles).to_have_count(1)
        assert shown_large(page) == ["garden.mp4"]
        expect(page.locator("#back")).to_be_focused()
        page.keyboard.press("Escape")
        expect(tiles).to_have_count(4)
        expect(page.get_by_role("button", name="garden.mp4", exact=True)).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert shown_large(page) == ["hall.mp4"]
        page.keyboard.press("4")
        assert shown_large(page) == ["yard.mp4"]
        page.keyboard.press("0")
        expect(tiles).to_have_count(4)
        page.keyboard.press("9")
        page.keyboard.press("Control+1")
        expect(tiles).to_have_count(4)
        page.keyboard.press("1")
        page.reload()
        expect(page.locator(".tile")).to_have_count(4)
        assert shown_large(page) == ["door.mp4"]  # the address remembers it
        page.go_back()
        expect(tiles).to_have_count(4)


def test_only_what_is_seen_is_asked_for_and_as_wide_as_it_is_shown(browser: Browser, run: Served):
    asked: list[dict[str, float]] = []

    def said(words: object) -> None:
        if isinstance(words, str) and (message := json.loads(words))["type"] == "watch":
            asked.append(message["cameras"])

    with opened(browser, run, url="about:blank", viewport={"width": 360, "height": 560}, device_scale_factor=2) as page:
        page.on("websocket", lambda socket: socket.on("framesent", said))
        page.goto(run.invitation)
        expect(page.locator(".tile")).to_have_count(4)
        wait_for(lambda: page.evaluate("1") and asked and asked[-1])
        assert set(asked[-1]) == {"door.mp4", "garden.mp4"}
        view = page.locator(".view").first.bounding_box()
        assert view is not None
        assert list(asked[-1].values()) == pytest.approx([2 * view["width"]] * 2, abs=1)
        page.locator(".tile").last.scroll_into_view_if_needed()
        wait_for(lambda: page.evaluate("1") and "yard.mp4" in asked[-1] and "door.mp4" not in asked[-1], but=lambda: asked[-1])
        page.keyboard.press("3")
        wait_for(lambda: page.evaluate("1") and set(asked[-1]) == {"hall.mp4"}, but=lambda: asked[-1])


def test_every_camera_of_the_grid_moves(browser: Browser, run: Served):
    with opened(browser, run) as page:
        expect(page.locator(".tile")).to_have_count(4)
        note_what_is_drawn(page)
        seen: dict[str, set[int]] = {name: set() for name in NAMES}

        def all_moved() -> bool:
            for one in drawn_since(page):
                seen[one["camera"]].add(one["seq"])
            return all(len(numbers) > 10 for numbers in seen.values())

        wait_for(all_moved, 10, but=lambda: seen)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_of_360_px_scrolls_only_downwards_and_its_buttons_are_large_enough(browser: Browser, run: Served, scheme: str):
    phone = {"viewport": {"width": 360, "height": 640}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
    with opened(browser, run, color_scheme=scheme, **phone) as page:
        expect(page.locator(".tile")).to_have_count(4)
        for _ in range(2):
            assert page.evaluate("document.documentElement.scrollWidth") == 360
            for button in page.locator("button:visible:not(.caption button)").all():
                there = button.bounding_box()
                assert there is not None
                assert there["width"] >= 44
                assert there["height"] >= 44
            ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 128) == (scheme == "dark")
            page.locator(".tile").first.tap()
            expect(page.locator(".tile:visible")).to_have_count(1)


def test_a_camera_without_a_signal_says_since_when_and_why_and_comes_back(browser: Browser, tmp_path: Path):
    with (
        rtsp_server() as camera,
        served("run", camera.address, "--set", "detector.enabled=false") as run,
        opened(browser, run) as page,
    ):
        silence = page.locator(".silence")
        expect(page.locator(".age")).to_have_text(re.compile("shown here: [1-9]"))
        expect(silence).to_be_hidden()
        camera.kill()
        expect(silence).to_contain_text("NO SIGNAL")
        expect(silence).to_contain_text(re.compile(r"since \d+:\d\d:\d\d.*, for \d+\ss"))
        expect(silence.locator("span").last).not_to_have_text("")
        expect(page.locator(".age")).to_have_text(re.compile(r"picture of \d+:\d\d:\d\d.*, \d+\ss ago"))
        expect(page.locator(".status")).to_be_empty()
        assert page.locator("canvas").first.evaluate("(one) => getComputedStyle(one).filter").startswith("brightness(0.4)")
        assert page.locator("canvas").first.evaluate("(one) => one.getContext('2d').getImageData(5, 5, 1, 1).data[3]") == 255
        camera.start()
        expect(silence).to_be_hidden()
        expect(page.locator(".age")).to_have_text(re.compile("shown here: [1-9]"))


def test_a_long_name_is_short_in_the_grid_and_whole_with_the_large_picture(browser: Browser):
    addresses = [f"rtsp://admin:secret@127.0.0.1:{free_port()}/Streaming/Channels/{number}" for number in (101, 102)]
    with served("run", *addresses, "--set", "detector.enabled=false") as run, opened(browser, run) as page:
        names = page.locator(".tile h2 button")
        expect(names).to_have_text([re.compile(rf"^127\.0\.0\.1:\d+ … {number}$") for number in (101, 102)])
        assert re.fullmatch(r"rtsp://admin:\*+@127.*/101", names.first.get_attribute("title") or "")
        expect(page.locator("#controls li > span").last).to_have_text(re.compile("… 102$"))
        page.keyboard.press("2")
        expect(names.last).to_have_text(re.compile(r"^rtsp://admin:\*+@127.*/102$"))
        assert "secret" not in page.content()


def test_the_demo_can_be_looked_at_by_https(browser: Browser, tmp_path: Path):
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with (
        served("demo", "--web-tls", "self-signed", environment=environment) as run,
        opened(browser, run, ignore_https_errors=True) as page,
    ):
        assert run.address.startswith("https://")
        expect(page.locator(".age")).to_have_text(re.compile("shown here: [1-9]"))
