"""Known people on a page: who they are, somebody added from the picture, a wrong name taken away. Real runs, real browser."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, expect

from models.people.folder import PeopleFolder
from tests.browser import chromium, opened
from tests.browser import served as shown
from tests.enrolled import COLLINS, HOPPER, enrolled
from tests.moving_faces import Actor, Film, at_rate, head
from tests.served import Page, served
from tests.waiting import wait_for
from tests.web_guest import guest, jpeg, write_film

pytestmark = pytest.mark.slow

CAMERA = ("--set", "source.loop=true")
"""A file goes on for ever."""


@pytest.fixture(scope="module")
def film(astronaut: np.ndarray, portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eileen Collins on the left, Grace Hopper on the right, a little to and fro."""
    left = Actor(head(astronaut, "astronaut"), lambda time_s: (170 + 10 * np.sin(time_s), 180, 170))
    right = Actor(head(portrait, "hopper"), lambda time_s: (460 + 10 * np.cos(time_s), 180, 180))
    pictures = [Film([left, right], size=(640, 360)).picture(time_s) for time_s in at_rate(6.28, 15)]
    return write_film(tmp_path_factory.mktemp("film") / "door.mp4", pictures, 15)


@pytest.fixture
def people(astronaut: np.ndarray, tmp_path: Path) -> Path:
    return enrolled(tmp_path / "people", {COLLINS: astronaut})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def names_of(header: dict[str, Any]) -> list[str | None]:
    """Of the faces from left to right; undecided ones are left out."""
    faces = sorted(header["faces"], key=lambda face: face["box"][0])
    return [face["person"]["name"] for face in faces if face["person"]]


def point_at(page: Page, header: dict[str, Any], place: int) -> None:
    face = sorted(header["faces"], key=lambda face: face["box"][0])[place]
    page.say(type="point", camera="door.mp4", track=face["track"], box=face["box"])


def test_somebody_is_added_from_the_picture_and_a_wrong_name_is_taken_away(browser: Browser, film: Path, people: Path) -> None:
    with shown("run", "door.mp4", *CAMERA, "--people", people, cwd=film.parent) as run:
        with opened(browser, run) as page:
            faces: Locator = page.get_by_role("complementary", name="More").locator("#faces li")
            expect(faces.filter(has_text=COLLINS)).to_have_count(1, timeout=20_000)
            expect(faces.filter(has_text="unknown")).to_have_count(1)
            expect(page.locator(".words span", has_text=COLLINS)).to_have_count(1)
            expect(page.locator("[aria-live=polite]")).to_have_text(f"door.mp4: 2 faces ({COLLINS}, unknown).", timeout=12_000)
            dialog = page.get_by_role("dialog", name="Who is this?")
            faces.filter(has_text="unknown").get_by_role("button").press("Enter")
            expect(dialog).to_contain_text("It is nobody who is known.")
            expect(dialog.get_by_label("Name")).to_be_focused()
            page.keyboard.type("/nobody\u202e")
            dialog.get_by_role("button", name="Add").click()
            expect(dialog.get_by_role("status")).to_have_class("refused", timeout=20_000)
            dialog.get_by_label("Name").fill(HOPPER)
            page.keyboard.press("Enter")
            expect(dialog.get_by_role("status")).to_have_text(f"{HOPPER} is known from now on.", timeout=20_000)
            page.keyboard.press("Escape")
            expect(dialog).to_be_hidden()
            expect(faces.filter(has_text=HOPPER)).to_have_count(1)
            view = page.locator(".view")
            size = view.bounding_box()
            assert size is not None
            view.click(position={"x": size["width"] * 170 / 640, "y": size["height"] / 2})
            expect(dialog).to_contain_text(f"It is taken for {COLLINS}.")
            dialog.get_by_role("button", name=f"This is not {COLLINS}").click()
            expect(faces.filter(has_text=COLLINS)).to_have_count(0)
            expect(faces.filter(has_text="unknown")).to_have_count(1)
        known = PeopleFolder(people).load()
        assert [(person.name, len(person.photos)) for person in known] == [(COLLINS, 1), (HOPPER, 1)]
        assert {stat.S_IMODE(file.stat().st_mode) for file in people.glob("*.json")} == {0o600}
        assert "Hopper" not in run.said
        assert "Collins" not in run.said


def test_what_is_no_name_or_shows_too_little_is_refused_in_a_sentence(film: Path, people: Path) -> None:
    with served("run", "door.mp4", *CAMERA, "--people", people, cwd=film.parent) as run, run.page() as page:
        page.say(type="watch", cameras={"door.mp4": 640})
        page.say(type="enrol", name="Ada")
        assert page.hear("refused")["why"] == "Choose a face first."
        page.say(type="point", camera="door.mp4", track=99, box=[600, 0, 620, 20])
        assert page.hear("refused", seconds=30)["why"] in ("That face is gone from the picture.", "There is no such picture.")
        header, _ = page.picture(lambda header: names_of(header) == [COLLINS, None])
        point_at(page, header, 1)
        page.say(type="enrol", name="  ")
        assert "name" in page.hear("refused")["why"]
        page.say(type="enrol", name="unknown")
        assert "unknown" in page.hear("refused")["why"]
        point_at(page, header, 0)
        page.say(type="enrol", name="Somebody Else")
        assert page.hear("refused")["why"] == f"This picture looks like {COLLINS}, who is enrolled."
        assert len(PeopleFolder(people).load()) == 1


def test_a_photo_that_one_look_has_decided_is_not_looked_at_again(portrait_path: Path, people: Path) -> None:
    with served("run", portrait_path, "--people", people) as run, run.page() as page:
        name = page.hear("state", lambda state: state["cameras"])["cameras"][0]["name"]
        page.say(type="watch", cameras={name: 320})
        header, _ = page.picture(lambda header: header["faces"])
        assert names_of(header) == [None]
        page.say(type="point", camera=name, track=None, box=header["faces"][0]["box"])
        page.say(type="deny", name=COLLINS)
        assert "photo" in page.hear("refused")["why"]


def test_a_page_for_viewing_only_shows_names_and_changes_none(browser: Browser, film: Path, people: Path) -> None:
    with shown("run", "door.mp4", *CAMERA, "--people", people, "--web-view-only", cwd=film.parent) as run, opened(browser, run) as page:
        face = page.locator("#faces li", has_text=COLLINS)
        expect(face).to_have_count(1, timeout=20_000)
        face.get_by_role("button").press("Enter")
        page.locator(".view").click(position={"x": 100, "y": 100})
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert len(list(people.glob("*.json"))) == 1


def test_a_run_that_knows_nobody_asks_for_no_names(browser: Browser, film: Path) -> None:
    with shown("run", "door.mp4", *CAMERA, cwd=film.parent) as run, opened(browser, run) as page:
        face = page.locator("#faces li").first
        expect(face).to_contain_text(re.compile("face"), timeout=20_000)
        face.get_by_role("button").press("Enter")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_nothing_is_wrong_for_those_who_listen_while_the_page_asks(browser: Browser, film: Path, people: Path) -> None:
    for scheme in ("light", "dark"):
        with (
            shown("run", "door.mp4", *CAMERA, "--people", people, cwd=film.parent) as run,
            opened(browser, run, color_scheme=scheme) as page,
        ):
            page.locator("#faces li", has_text=COLLINS).get_by_role("button").click(timeout=20_000)
            expect(page.get_by_role("dialog", name="Who is this?")).to_be_visible()
            found = Axe().run(page)
            assert len(found["passes"]) > 5
            assert [one["id"] for one in found["violations"]] == []


def test_a_guest_s_photo_and_camera_are_named(people: Path, astronaut: np.ndarray, portrait: np.ndarray) -> None:
    with served("run", "--people", people) as run, guest(run) as page:
        said = {}
        for name, picture in (("known.jpg", astronaut), ("other.jpg", portrait)):
            status, job = page.upload(name, jpeg(picture, quality=95))
            assert status == 202, job
            (said[name],) = page.over(job)["faces"]
        assert said["known.jpg"]["person"]["name"] == said["known.jpg"]["words"].partition(" ")[2] == COLLINS
        assert said["other.jpg"]["person"]["name"] is None


def test_a_run_that_is_asked_to_end_while_somebody_is_added_ends_in_time(film: Path, people: Path) -> None:
    with served("run", "door.mp4", *CAMERA, "--people", people, cwd=film.parent) as run:
        with run.page() as page:
            page.say(type="watch", cameras={"door.mp4": 320})
            header, _ = page.picture(lambda header: names_of(header) == [COLLINS, None])
            point_at(page, header, 1)
            page.say(type="enrol", name=HOPPER)
            page.picture()
        ended = run.end()
        assert ended.took_s < 3
        assert "Traceback" not in ended.told
    names = [person.name for person in PeopleFolder(people).load()]
    assert names in ([COLLINS], [COLLINS, HOPPER]), "whole or not at all"


def test_who_is_enrolled_elsewhere_is_named_without_a_restart(film: Path, people: Path, portrait: np.ndarray) -> None:
    with served("run", "door.mp4", *CAMERA, "--people", people, cwd=film.parent) as run, run.page() as page:
        page.say(type="watch", cameras={"door.mp4": 320})
        page.picture(lambda header: names_of(header) == [COLLINS, None])
        enrolled(people, {HOPPER: portrait})
        page.picture(lambda header: names_of(header) == [COLLINS, HOPPER])
        PeopleFolder(people).remove(COLLINS)
        page.picture(lambda header: names_of(header) == [None, HOPPER])
        wait_for(lambda: b"facestream_" in run.ask("/metrics")[2])
        assert b"Hopper" not in run.ask("/metrics")[2]
