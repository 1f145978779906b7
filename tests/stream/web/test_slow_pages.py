"""A page on a thin line and one in a slow browser: they get smaller and fewer pictures, not older ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import chromium, opened, served
from tests.served import Served
from tests.tcp_proxy import CuttableProxy

pytestmark = [pytest.mark.slow, pytest.mark.alone]

NOTE = """
window.noted = []
document.addEventListener("drawn", ({ target, detail }) =>
  window.noted.push([Date.now() / 1000 - detail.captured_at, target.querySelector("canvas").width]))
"""
MBIT_S = 1_000_000 / 8
"""Bytes a second."""


@pytest.fixture(scope="module")
def run() -> Iterator[Served]:
    with served("demo") as run:
        yield run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def drawn(page: Page, seconds: float) -> np.ndarray:
    """Of each picture that is drawn in that time: its age, s, and its width, px."""
    page.evaluate(NOTE)
    page.wait_for_timeout(1000 * seconds)
    return np.array(page.evaluate("window.noted.splice(0)"), float).reshape(-1, 2)


def test_a_line_of_one_megabit_gets_smaller_pictures_and_no_older_ones(browser: Browser, run: Served):
    with CuttableProxy(run.address) as proxy, opened(browser, replace(run, address=proxy.address)) as page:
        expect(page.locator(".age")).to_have_text(re.compile("shown here: [12]"))
        before = drawn(page, 2)
        proxy.bytes_per_s = MBIT_S
        ages, widths = drawn(page, 15).T
        ages, widths = ages[len(ages) // 2 :], widths[len(widths) // 2 :]
        assert len(ages) > 20
        assert np.median(ages) < 0.5
        assert ages.max() < 1.5
        assert widths[-1] < before[0, 1]
        proxy.bytes_per_s = None
        back = drawn(page, 3)
        assert len(back) > 45
        assert np.median(back[-20:, 0]) < 0.2


def test_a_slow_browser_draws_fewer_pictures_and_no_older_ones_and_slows_no_other(browser: Browser, run: Served):
    with opened(browser, run) as slow, opened(browser, run) as quick:
        for page in (slow, quick):
            expect(page.locator(".age")).to_have_text(re.compile("shown here: [12]"))
        slow.context.new_cdp_session(slow).send("Emulation.setCPUThrottlingRate", {"rate": 6})
        slow.evaluate(NOTE)
        quickly = drawn(quick, 10)
        slowly = np.array(slow.evaluate("window.noted.splice(0)"), float)
        assert len(slowly) > 30
        assert np.median(slowly[:, 0]) < 0.5
        assert slowly[len(slowly) // 3 :, 0].max() < 1.5
        assert len(quickly) > 150
        assert np.median(quickly[:, 0]) < 0.2
