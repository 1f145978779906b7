"""Who may see the page, and how it comes back: the token, its form, a connection that is cut, a run that has ended."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import chromium, opened, served
from tests.ports import free_port
from tests.served import Served
from tests.tcp_proxy import CuttableProxy
from tests.waiting import wait_for
from tests.web_proxy import PREFIX, proxy

pytestmark = pytest.mark.slow

REFUSED = "status of 401"
UNREACHABLE = ("ERR_CONNECTION", "WebSocket", "ERR_EMPTY_RESPONSE")


@pytest.fixture(scope="module")
def run() -> Iterator[Served]:
    with served("demo") as run:
        yield run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_the_token_leaves_the_address_and_is_remembered_where_no_script_can_read_it(browser: Browser, run: Served):
    with opened(browser, run) as page:
        expect(page.locator(".tile")).to_be_visible()
        assert page.url == run.address
        assert page.evaluate("document.cookie") == ""
        assert run.token not in page.content()
        page.reload()
        expect(page.locator(".tile")).to_be_visible()
        expect(page.locator("#login")).to_be_hidden()


def test_without_a_token_the_page_asks_for_it_and_says_what_is_wrong(browser: Browser, run: Served):
    with opened(browser, run, url=run.address, allowed=[REFUSED]) as page:
        field = page.get_by_label("Token")
        expect(field).to_be_focused()
        expect(page.locator(".tile")).to_have_count(0)
        field.fill("not the token at all")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        field.fill(f" {run.invitation} ")  # the whole address will do
        page.get_by_role("button", name="Open", exact=True).click()
        expect(page.locator(".tile")).to_be_visible()
        expect(page.locator("#login")).to_be_hidden()


def test_an_address_with_a_wrong_token_asks_for_the_right_one(browser: Browser, run: Served):
    with opened(browser, run, url=f"{run.address}#token=wrong-wrong-wrong", allowed=[REFUSED]) as page:
        expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        page.goto(run.invitation)
        expect(page.locator(".tile")).to_be_visible()


def test_a_connection_that_is_cut_comes_back_by_itself(browser: Browser, run: Served):
    with CuttableProxy(run.address) as proxy, opened(browser, run, url=f"{proxy.address}#token={run.token}", allowed=[".*"]) as page:
        age, note = page.locator(".age"), page.locator("#note")
        expect(age).to_have_text(re.compile("shown here: [1-9]"))
        proxy.cut()
        expect(note).to_have_text("The connection is lost; trying again.")
        expect(age).to_have_text(re.compile(r"picture of .* ago"))
        proxy.mend()
        expect(note).to_be_empty(timeout=8000)
        expect(age).to_have_text(re.compile("shown here: [1-9]"))


def test_a_line_that_is_silently_dead_is_noticed(browser: Browser, run: Served):
    with CuttableProxy(run.address) as proxy, opened(browser, run, url=f"{proxy.address}#token={run.token}", allowed=[".*"]) as page:
        expect(page.locator(".age")).to_have_text(re.compile("shown here: [1-9]"))
        proxy.swallow()
        expect(page.locator("#note")).to_have_text("The connection is lost; trying again.", timeout=8000)
        proxy.cut()
        proxy.mend()
        expect(page.locator("#note")).to_be_empty(timeout=10_000)


def test_a_run_that_ends_is_told_of_and_the_next_one_asks_for_its_own_token(browser: Browser):
    port = str(free_port())
    with served("demo", "--web", port) as first, opened(browser, first, allowed=[REFUSED, *UNREACHABLE]) as page:
        expect(page.locator(".tile")).to_be_visible()
        first.end()
        expect(page.locator("#note")).to_have_text("The run has ended. This page comes back by itself when it runs again.")
        with served("demo", "--web", port) as second:
            page.get_by_label("Token").fill(second.token)
            page.keyboard.press("Enter")
            expect(page.locator("#note")).to_be_empty()
            expect(page.locator(".age")).to_have_text(re.compile("shown here: [1-9]"))


def test_a_run_with_the_same_token_comes_back_without_a_word(browser: Browser):
    port, chosen = str(free_port()), {"FACESTREAM_WEB_TOKEN": "a-token-of-the-users-own"}
    with served("demo", "--web", port, environment=chosen) as first, opened(browser, first, allowed=[REFUSED, *UNREACHABLE]) as page:
        expect(page.locator(".tile")).to_be_visible()
        first.end()
        expect(page.locator("#note")).not_to_be_empty()
        with served("demo", "--web", port, environment=chosen):
            expect(page.locator("#note")).to_be_empty(timeout=12_000)
            expect(page.locator("#login")).to_be_hidden()
            expect(page.locator(".age")).to_have_text(re.compile("shown here: [1-9]"))


def test_the_page_works_under_a_prefix_behind_a_proxy(browser: Browser, run: Served):
    with proxy(run.port) as port:
        address = f"http://127.0.0.1:{port}{PREFIX}/"
        under_prefix = replace(run, address=address)  # all else is nobody's business
        with opened(browser, under_prefix) as page:
            expect(page.locator(".age")).to_have_text(re.compile("shown here: [1-9]"))
            assert page.url == address


def test_where_no_socket_passes_pictures_come_one_by_one_until_one_does(browser: Browser, run: Served):
    passes = threading.Event()
    with proxy(run.port, upgrades=passes.is_set) as port:
        address = f"http://127.0.0.1:{port}{PREFIX}/"
        with opened(browser, replace(run, address=address), allowed=["WebSocket"]) as page:
            note, age, boxes = page.locator("#note"), page.locator(".age"), page.get_by_role("button", name="Boxes")
            expect(note).to_contain_text("WebSockets do not pass here")
            expect(age).to_have_text(re.compile("shown here: [4-9]|shown here: 1\\d"), timeout=8000)
            colour = "[...document.querySelector('canvas').getContext('2d').getImageData(0, 0, 854, 480).data].join()"
            before = page.evaluate(colour)
            wait_for(lambda: page.evaluate(colour) != before)
            expect(boxes).to_be_hidden()
            expect(page.get_by_role("button", name="Use my camera")).to_be_hidden()
            expect(page.locator("#controls")).to_be_hidden()
            assert page.evaluate("getComputedStyle(document.querySelector('canvas')).opacity") == "1"
            passes.set()
            expect(note).to_be_empty(timeout=12_000)
            expect(boxes).to_be_visible()
            expect(page.locator(".face .box").first).to_be_visible()
            expect(page.locator("#controls")).to_be_visible()
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.wait_for_timeout(1500)
            assert not asked, "the socket has it all again"
