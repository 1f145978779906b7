"""The page as a user has it: the command with `--web` in a process of its own, and a real browser that opens what it prints."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.served import Served
from tests.served import served as served_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DEVICE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
"""Arguments with which Chromium has a camera; `--use-file-for-fake-video-capture=/whole/path.y4m` names what it sees."""

served = partial(served_run, token=None)
"""A run that makes its own token, as its user has it."""


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Chromium without a window.

    Args:
        arguments: of its command line, such as `DEVICE`.
    """
    if CHROMIUM is None:
        pytest.skip("missing program: chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
        try:
            yield browser
        finally:
            browser.close()


class Complaints:
    """What went wrong in a page: errors of scripts and on its console, and requests to anybody but the page's own server."""

    def __init__(self, context: BrowserContext, address: str, allowed: Sequence[str]) -> None:
        self.heard: list[str] = []
        self._allowed, self._address = [re.compile(words) for words in allowed], address
        context.on("console", lambda message: self._hear(f"{message.text} ({message.location})") if message.type == "error" else None)
        context.on("weberror", lambda error: self._hear(str(error.error)))
        context.on("request", lambda request: self._asked(request.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((self._address, "data:", "blob:")):
            self._hear(f"request to {url}")

    def _hear(self, words: str) -> None:
        if not any(pattern.search(words) for pattern in self._allowed):
            self.heard.append(words)


@contextmanager
def opened(browser: Browser, run: Served, *, url: str | None = None, allowed: Sequence[str] = (), **context: Any) -> Iterator[Page]:
    """The page in a context of its own (no cookies yet). Fails at the end where a script failed or the console has an error.

    Args:
        url: what is opened, if not the run's invitation.
        allowed: expressions for errors that the test provokes.
        context: of `Browser.new_context`, such as `viewport`, `color_scheme`, `permissions`, or all of `playwright.devices["iPhone 15"]`.
    """
    window = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **context})
    complaints = Complaints(window, run.address, allowed)
    try:
        page = window.new_page()
        page.set_default_timeout(20_000)
        page.goto(url or run.invitation)
        yield page
        assert not complaints.heard, complaints.heard
    finally:
        window.close()


def note_what_is_drawn(page: Page) -> None:
    """From now on the page notes each picture that it draws, as it is when that has happened."""
    page.evaluate(_NOTE_DRAWN)


def drawn_since(page: Page) -> list[dict[str, Any]]:
    """What was noted since the last call: `camera`, `seq`, `frame`, `faces` and `width` as its header says; `number`, which
    `tests.clock` painted into the picture that is on the canvas; `paths`, the boxes of the SVG; `at`, `performance.now()`.
    """
    return page.evaluate("window.noted.splice(0)")  # type: ignore[no-any-return]


_NOTE_DRAWN = """() => {
  window.noted = []
  const read = (canvas, share) => {
    const [block, bits] = [16 * share, 13]
    if (canvas.width < bits * block) return null
    const pixels = canvas.getContext("2d").getImageData(0, Math.round(block / 2), canvas.width, 1).data
    const set = [...Array(bits).keys()].map((bit) => pixels[4 * Math.round((bit + 0.5) * block)] > 128)
    if (set.filter(Boolean).length % 2) return null
    return set.slice(0, -1).reduce((number, on, bit) => number + on * 2 ** bit, 0)
  }
  document.addEventListener("drawn", ({ target, detail }) => {
    const { camera, seq, frame, faces, width } = detail
    const canvas = target.querySelector("canvas")
    const paths = [...target.querySelectorAll(".box")].map((path) => path.getAttribute("d"))
    window.noted.push({ camera, seq, frame, faces, width, paths, number: read(canvas, canvas.width / width), at: performance.now() })
  })
}"""
