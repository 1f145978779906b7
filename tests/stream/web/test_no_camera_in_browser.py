"""What the page says where the browser has no camera for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium, opened, served
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium("--host-resolver-rules=MAP cams.test 127.0.0.1") as one:
        yield one


def test_a_page_that_comes_by_http_says_why_there_is_no_camera_and_what_to_do(browser: Browser) -> None:
    with served("run", "--web-host-name", "cams.test") as run:
        url = run.invitation.replace("127.0.0.1", "cams.test")
        with opened(browser, run, url=url, allowed=["request to http://cams.test", "Cross-Origin-Opener-Policy"]) as page:
            page.get_by_role("button", name="Choose photos or videos").wait_for()
            assert page.get_by_role("button", name="Use my camera").count() == 0
            said = page.locator("#guest").inner_text()
            assert "no camera" in said
            assert "--web-cert and --web-key" in said


def test_a_camera_that_may_not_be_used_is_said(browser: Browser) -> None:
    with served("run") as run, opened(browser, run) as page:
        page.get_by_role("button", name="Use my camera").click()
        wait_for(lambda: "camera" in page.locator(".said").inner_text())
        assert page.get_by_role("button", name="Use my camera").is_enabled()
