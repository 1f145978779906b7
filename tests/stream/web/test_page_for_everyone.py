"""The page is for everyone: axe-core finds nothing to complain of in any of its views, and its scripts have the types they say."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

import stream.web
from tests.browser import chromium, opened, served
from tests.media import make_clip
from tests.served import Served
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory, portrait: object) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    picture = portrait[:480, 16:496]  # type: ignore[index]
    make_clip(folder / "door.mp4", times=range(25), images=[picture] * 25, size=(480, 480))
    make_clip(folder / "yard.mp4", times=range(25))
    return folder


@pytest.fixture(scope="module")
def run(clips: Path) -> Iterator[Served]:
    with served("run", "door.mp4", "yard.mp4", "--set", "source.loop=true", cwd=clips) as run:
        yield run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def violations(page: Page) -> list[str]:
    """What axe-core says is wrong, and where."""
    found = Axe().run(page)
    assert len(found["passes"]) > 5  # it has looked
    return [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]


def test_what_axe_says_is_real(browser: Browser, run: Served):
    with opened(browser, run) as page:
        expect(page.locator(".tile")).to_have_count(2)
        page.evaluate("document.getElementById('back').replaceChildren(); document.getElementById('back').hidden = false")
        page.evaluate("Object.assign(document.querySelector('h1').style, { color: '#999', background: '#777' })")
        assert {one.partition(":")[0] for one in violations(page)} == {"button-name", "color-contrast"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing_in_any_view(browser: Browser, run: Served, scheme: str, width: int):
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 740}, "reduced_motion": "reduce"}
    with opened(browser, run, **look) as page:
        expect(page.locator(".tile")).to_have_count(2)
        expect(page.locator(".words span")).not_to_have_count(0)
        assert violations(page) == [], "grid"
        page.keyboard.press("1")
        expect(page.locator("#faces li")).not_to_have_count(0)
        assert violations(page) == [], "one camera"

        def has_card() -> bool:  # a face that is gone for a moment takes its focus along
            page.locator("#faces button").first.focus()
            return page.locator("#card").is_visible()

        wait_for(has_card)
        assert violations(page) == [], "a face"
    with opened(browser, run, url=run.address, **look) as page:
        expect(page.get_by_label("Token")).to_be_visible()
        assert violations(page) == [], "login"


def test_axe_finds_nothing_where_there_is_no_signal(browser: Browser):
    with served("run", "rtsp://127.0.0.1:9/none") as run, opened(browser, run) as page:
        expect(page.locator(".silence")).to_contain_text("NO SIGNAL")
        assert violations(page) == []


def test_nothing_moves_for_those_who_want_no_motion(browser: Browser, run: Served):
    for wish, moves in (("reduce", False), ("no-preference", True)):
        with opened(browser, run, reduced_motion=wish) as page:
            expect(page.locator(".tile")).to_have_count(2)
            durations = page.evaluate("[...document.querySelectorAll('*')].map((one) => getComputedStyle(one).transitionDuration)")
            assert any(duration not in ("0s", "") for duration in durations) == moves


def test_the_scripts_have_the_types_that_they_say():
    compiler = [shutil.which("tsc")] if shutil.which("tsc") else ["npx", "--no-install", "tsc"]
    if shutil.which(compiler[0]) is None or subprocess.run([*compiler, "--version"], capture_output=True, check=False).returncode:
        pytest.skip("TypeScript's compiler is not here (npm install typescript)")
    scripts = sorted(Path(stream.web.__file__).parent.joinpath("page").glob("*.js"))
    assert len(scripts) > 8
    words = "--checkJs --noEmit --strict --target es2022 --lib es2023,dom,dom.iterable --module es2022 --moduleDetection force"
    done = subprocess.run([*compiler, *words.split(), *scripts], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
