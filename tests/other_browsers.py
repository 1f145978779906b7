"""Browsers that are driven by WebDriver: Chromium, whose window can be hidden that way, and WebKitGTK, the engine of Safari."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser import CHROMIUM
from tests.media import need

webdriver: Any = pytest.importorskip("selenium.webdriver")
MINI_BROWSERS = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))


@contextmanager
def driven_chromium() -> Iterator[Any]:
    """Chromium, whose `minimize_window` hides its page as a user's does."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or need("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1000,800"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(need("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


@contextmanager
def webkit(display: str) -> Iterator[Any]:
    """WebKitGTK's MiniBrowser.

    Args:
        display: of an X server.
    """
    program = shutil.which("WebKitWebDriver")
    if program is None or not MINI_BROWSERS:
        pytest.skip("missing program: WebKitWebDriver")
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(MINI_BROWSERS[-1])
    options.add_argument("--automation")
    service = webdriver.WebKitGTKService(program, env={**os.environ, "DISPLAY": display, "WEBKIT_DISABLE_COMPOSITING_MODE": "1"})
    driver = webdriver.WebKitGTK(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()
