"""Faces that are hidden are hidden in all that leaves the server: pictures, snapshots, files of guests; and no page can undo what the run
was started with.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from websockets.sync.client import connect

from models.detection.detector import Detector, load_detector
from models.people.folder import PeopleFolder
from tests.enrolled import COLLINS, enrolled
from tests.media import need
from tests.moving_faces import Actor, Film, at_rate, head
from tests.served import TOKEN, Page, Served, served
from tests.web_guest import guest, write_film

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector()


@pytest.fixture(scope="module")
def hidden() -> Iterator[Served]:
    with served("demo", "--hide", "pixelate") as run:
        yield run


@pytest.fixture(scope="module")
def bare() -> Iterator[Served]:
    with served("demo") as run:
        yield run


def shows_a_face(detector: Detector, picture: bytes) -> bool:
    image = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    return len(detector.detect([np.ascontiguousarray(image)])[0]) > 0


def pictures(page: Page, count: int) -> Iterator[tuple[dict, bytes]]:
    for _ in range(count):
        yield page.picture()


def test_no_picture_of_a_hiding_run_shows_a_face(hidden: Served, detector: Detector) -> None:
    with hidden.page() as page:
        page.say(type="watch", cameras={"demo": 640})
        seen = list(pictures(page, 30))
        assert not any(shows_a_face(detector, jpeg) for _, jpeg in seen)
        assert all(header["faces"] == [] for header, _ in seen)
        assert any(header["hidden_faces"] == 1 for header, _ in seen)
        assert "landmarks" not in json.dumps([header for header, _ in seen])
    for path in ("/cameras/demo.jpg", "/snapshots/demo.png", "/snapshots/demo.png?boxes=0"):
        status, _, picture = hidden.ask(path)
        assert status == 200
        assert not shows_a_face(detector, picture), path


def test_the_events_say_nothing_of_hidden_faces_but_how_many_there_are(hidden: Served) -> None:
    token = {"Authorization": f"Bearer {TOKEN}"}
    with connect(f"ws://127.0.0.1:{hidden.port}/events", additional_headers=token) as socket:
        events = [json.loads(socket.recv(timeout=20)) for _ in range(20)]
    assert all(event["faces"] == [] and event["hidden"]["style"] for event in events)
    assert any(event["hidden_faces"] == 1 and event["hidden"]["areas"] for event in events)


@pytest.mark.parametrize(
    ("name", "value"), [("hide.style", "none"), ("hide.whom", "known"), ("hide.margin", 0.5), ("hide.hold_s", 0), ("hide.whom", "nobody")]
)
def test_no_page_shows_whom_the_run_was_started_to_hide(hidden: Served, name: str, value: object) -> None:
    with hidden.page() as page:
        page.say(type="set", name=name, value=value)
        assert "the run was started to hide faces" in page.hear("refused")["why"]


def test_the_style_may_change(hidden: Served, detector: Detector) -> None:
    with hidden.page() as page:
        page.say(type="watch", cameras={"demo": 640})
        page.say(type="set", name="hide.style", value="fill")
        page.hear("state", lambda state: state["controls"]["settings"]["hide.style"] == "fill")
        assert page.hear("state")["controls"]["stays_hidden"] is True
        assert not any(shows_a_face(detector, jpeg) for _, jpeg in pictures(page, 10))
        page.say(type="set", name="detector.enabled", value=False)
        page.picture(lambda header: True)
        page.hear("state", lambda state: state["controls"]["settings"]["detector.enabled"] is False)
        list(pictures(page, 5))
        image = cv2.imdecode(np.frombuffer(page.picture()[1], np.uint8), cv2.IMREAD_COLOR)
        assert image.std() < 10, "nobody looks: all of it is filled"
        page.say(type="set", name="detector.enabled", value=True)


def test_a_page_hides_and_shows_while_it_runs(bare: Served, detector: Detector) -> None:
    with bare.page() as page:
        page.say(type="watch", cameras={"demo": 640})
        assert any(shows_a_face(detector, jpeg) for _, jpeg in pictures(page, 20))
        page.say(type="set", name="hide.style", value="blur")
        page.picture(lambda header: header.get("hidden_faces"))
        assert not any(shows_a_face(detector, jpeg) for _, jpeg in pictures(page, 30))
        page.say(type="set", name="hide.whom", value="mask=without_mask")
        assert "asks for the classifier mask" in page.hear("refused")["why"]
        page.say(type="set", name="hide.style", value="none")
        page.picture(lambda header: header["faces"])
        assert any(shows_a_face(detector, jpeg) for _, jpeg in pictures(page, 20))


def test_a_picture_that_stays_is_hidden_from_when_faces_are(bare: Served, detector: Detector) -> None:
    def shown(path: str) -> bool:
        status, _, picture = bare.ask(path)
        assert status == 200
        return shows_a_face(detector, picture)

    with bare.page() as page:
        page.say(type="watch", cameras={"demo": 640})
        page.picture(lambda header: header["faces"])
        page.say(type="pause", camera="demo", on=True)
        page.hear("state", lambda state: state["cameras"][0]["paused"])
        assert shown("/snapshots/demo.png")
        page.say(type="set", name="hide.style", value="blur")
        page.hear("state", lambda state: state["controls"]["settings"]["hide.style"] == "blur")
        for path in ("/snapshots/demo.png", "/snapshots/demo.png?boxes=0", "/cameras/demo.jpg", "/cameras/demo.jpg?boxes=0"):
            assert not shown(path), path
        page.say(type="set", name="hide.style", value="none")
        page.say(type="pause", camera="demo", on=False)
        page.picture(lambda header: header["faces"])


def test_what_a_page_brings_comes_back_hidden(detector: Detector, portrait_path: Path, portrait: np.ndarray, tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", portrait[:, :, ::-1])[1].tobytes()
    film = write_film(tmp_path / "film.mp4", [np.ascontiguousarray(portrait[index : 500 + index]) for index in range(30)])
    located = tmp_path / "located.mp4"
    tags = ["-metadata", "title=A walk", "-metadata", "location=+48.85+002.29/"]
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", film, "-c", "copy", *tags, located], check=True)
    placeless = ("--set", "hide.keep_gps=false")
    with served("run", "--hide", "blur", *placeless, folder=tmp_path / "work") as run, guest(run) as page:
        page.greet()
        for name, body in (("photo.jpg", portrait_path.read_bytes()), ("film.mp4", located.read_bytes())):
            _, job = page.upload(name, body)
            done = page.over(job)
            assert done["state"] == "done", done
            status, _, result = run.ask(f"/result?job={job}&page={page.key}")
            assert status == 200
            if name == "photo.jpg":
                assert done["faces"] == []
                assert not shows_a_face(detector, result)
            else:
                (tmp_path / "out.mp4").write_bytes(result)
                with av.open(str(tmp_path / "out.mp4")) as container:
                    told = container.metadata
                    images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
                assert len(images) == 30
                assert "title" in told
                assert not any("location" in key for key in told)
                assert any("place" in note for note in done["notes"])
                assert not any(len(detector.detect([image])[0]) for image in images)
        page.say(type="webcam", on=True)
        assert page.hear("webcam", on=True)["hides"] is True
        page.send_picture(1, jpeg)
        answer = page.hear("webcam", seq=1)
        assert answer["faces"] == []
        assert not shows_a_face(detector, base64.b64decode(answer["picture"]))


@pytest.mark.parametrize("whom", ["unknown", "known"])
def test_no_page_makes_a_hidden_face_one_that_is_shown(astronaut: np.ndarray, portrait: np.ndarray, tmp_path: Path, whom: str) -> None:
    left = Actor(head(astronaut, "astronaut"), lambda time_s: (170 + 10 * np.sin(time_s), 180, 170))
    right = Actor(head(portrait, "hopper"), lambda time_s: (460 + 10 * np.cos(time_s), 180, 180))
    film = write_film(tmp_path / "door.mp4", [Film([left, right], size=(640, 360)).picture(time_s) for time_s in at_rate(6.28, 15)], 15)
    people = enrolled(tmp_path / "people", {COLLINS: astronaut})
    asked = ("--people", people, "--hide", "blur", "--set", f"hide.whom={whom}", "--set", "source.loop=true")
    with served("run", film.name, *asked, cwd=film.parent) as run, run.page() as page:
        page.say(type="watch", cameras={"door.mp4": 640})
        header, _ = page.picture(lambda header: len(header["faces"]) == 1 and header["hidden_faces"] == 1)
        (shown,) = header["faces"]
        hidden_box = [400, 100, 520, 260] if shown["box"][0] < 320 else [110, 100, 230, 260]
        for track in {1, 2, 3, None} - {shown["track"]}:
            page.say(type="point", camera="door.mp4", track=track, box=hidden_box)
            assert page.hear("refused")["what"] == "point"
        page.say(type="enrol", name="Somebody")
        assert page.hear("refused")["why"] == "Choose a face first."
        for name, value in (("tracker.min_overlap", 0.01), ("identity.min_eyes_px", 4), ("identity.every_s", 60)):
            page.say(type="set", name=name, value=value)
            assert "whom" in page.hear("refused")["why"], name
        assert len(PeopleFolder(people).load()) == 1
