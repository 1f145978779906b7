"""Photos and videos that are dropped on the page in a real browser, or chosen."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser import chromium, opened, served
from tests.served import Served
from tests.waiting import wait_for
from tests.web_guest import jpeg, write_film

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Iterator[Served]:
    with served("run") as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)), dropped = new DataTransfer()
  dropped.items.add(new File([bytes], name))
  const words = { dataTransfer: dropped, bubbles: true, cancelable: true }
  for (const type of ["dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, words))
}"""


def drop(page: Page, file: list[str]) -> None:
    page.get_by_role("button", name="Choose photos or videos").wait_for()
    page.evaluate(DROP, file)


def test_a_dropped_photo_is_shown_upright_with_a_box_over_its_face(browser: Browser, run: Served, portrait: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    photo = jpeg(Image.fromarray(portrait).rotate(90, expand=True), exif=exif)
    with opened(browser, run) as page:
        drop(page, ["Größe <i>.jpg", base64.b64encode(photo).decode()])
        picture = page.get_by_role("img", name="Größe <i>.jpg: 1 face")
        picture.wait_for()
        wait_for(lambda: page.evaluate("() => document.querySelector('.guest img').naturalHeight") == 600)
        shown, box = picture.bounding_box(), page.locator(".guest rect").bounding_box()
        scale = shown["width"] / 512
        assert shown["height"] == pytest.approx(600 * scale, abs=1)
        middle = [(box["x"] + box["width"] / 2 - shown["x"]) / scale, (box["y"] + box["height"] / 2 - shown["y"]) / scale]
        assert middle == pytest.approx([262, 222], abs=12)
        page.get_by_role("button", name="Remove: Größe <i>.jpg").focus()
        page.keyboard.press("Enter")
        wait_for(lambda: page.locator(".files li").count() == 0)


def test_a_chosen_video_shows_progress_and_ends_in_a_download(browser: Browser, run: Served, portrait: np.ndarray, tmp_path: Path) -> None:
    film = write_film(tmp_path / "Übung \N{CLAPPER BOARD}.mp4", [portrait] * 200, sound=True)
    with opened(browser, run, viewport={"width": 360, "height": 640}) as page:
        page.locator(".guest input[type=file]").set_input_files([film])
        bar = page.get_by_role("progressbar", name="Progress of Übung")
        wait_for(lambda: "Looking for faces: " in page.locator(".files li").inner_text())
        assert bar.is_visible()
        link = page.get_by_role("link", name="Download Übung")
        with page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename == "Übung \N{CLAPPER BOARD} with faces.mp4"
        assert Path(download.value.path()).stat().st_size > 10_000
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert bar.is_hidden()


def test_many_files_go_one_by_one_and_the_bad_ones_say_why(browser: Browser, run: Served, portrait_path: Path, tmp_path: Path) -> None:
    bad, empty = tmp_path / "bad.jpg", tmp_path / "empty.png"
    bad.write_bytes(b"rubbish" * 100)
    empty.touch()
    text = tmp_path / "text.txt"  # a browser calls it what forms can send, too
    text.write_text("hello")
    photos = [tmp_path / f"{number}.jpg" for number in range(12)]
    for photo in photos:
        photo.write_bytes(portrait_path.read_bytes())
    with opened(browser, run) as page:
        page.locator(".guest input[type=file]").set_input_files([bad, *photos, empty, text])
        wait_for(lambda: page.locator(".files img").count() == 12)
        wait_for(lambda: page.get_by_role("button", name="Remove").count() == 15)
        for name in ("bad.jpg", "text.txt"):
            assert "is neither a photo nor a video" in page.locator(".files li", has_text=name).inner_text()
        assert "is empty" in page.locator(".files li", has_text="empty.png").inner_text()


def test_a_video_that_is_looked_at_can_be_cancelled(browser: Browser, run: Served, portrait: np.ndarray, tmp_path: Path) -> None:
    film = write_film(tmp_path / "long.mp4", [portrait] * 1500)
    with opened(browser, run) as page:
        page.locator(".guest input[type=file]").set_input_files([film])
        wait_for(lambda: "Looking for faces: " in page.locator(".files li").inner_text())
        page.get_by_role("button", name="Cancel: long.mp4").click()
        assert page.locator(".files li").count() == 0
        drop(page, ["photo.jpg", base64.b64encode(jpeg(portrait)).decode()])
        page.get_by_role("img", name="photo.jpg: 1 face").wait_for(timeout=5000)
