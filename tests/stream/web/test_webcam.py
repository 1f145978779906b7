"""The camera of a browser, by a program that speaks as the page does: what is answered, what is refused, and what goes with its page."""

from __future__ import annotations

import io
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.web.guests import MOST_WEBCAMS
from tests.served import Served, served
from tests.waiting import wait_for
from tests.web_guest import Guest, guest, half_an_upload, jpeg, write_film

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> Iterator[Served]:
    with served("run") as one:
        yield one


def answer(one: Guest, seq: int) -> dict[str, object]:
    return one.hear("webcam", seq=seq)


def shows_one_face(one: Guest, seq: int, data: bytes) -> bool:
    """Whether a picture, sent until it was searched, has one face: a machine that is busy with others searches a little later."""
    for number in range(seq, seq + 30_000, 1000):
        one.send_picture(number, data)
        if faces := answer(one, number)["faces"]:
            return len(faces) == 1  # type: ignore[arg-type]
        time.sleep(0.1)
    return False


def test_each_picture_is_answered_with_its_own_faces(run: Served, portrait: np.ndarray) -> None:
    left, right = (Image.new("RGB", (1280, 720)) for _ in range(2))
    left.paste(Image.fromarray(portrait), (0, 60))
    right.paste(Image.fromarray(portrait), (700, 60))
    with guest(run) as one:
        one.begin_camera()
        for seq in range(1, 101, 2):
            one.send_picture(seq, jpeg(left))
            there = answer(one, seq)
            one.send_picture(seq + 1, jpeg(right))
            here = answer(one, seq + 1)
            if seq > 20 and there["faces"] and here["faces"]:
                break
        (face,), (moved,) = there["faces"], here["faces"]  # type: ignore[misc]
    assert (there["width"], there["height"]) == (1280, 720)
    assert 150 < face["box"][0] < 220
    assert moved["box"][0] - face["box"][0] == pytest.approx(700, abs=15)
    assert face["score"] > 0.8
    assert face["words"]
    assert len(face["velocity"]) == 2


def test_what_is_no_picture_is_refused_in_a_sentence_and_the_next_one_answered(run: Served, portrait: np.ndarray) -> None:
    whole = jpeg(portrait)
    with guest(run) as one:
        one.begin_camera()
        messages = (
            b"",
            b"\x00",
            b"\xff\xff\xff\xff{}",
            struct.pack(">I", 2) + b"{}",
            struct.pack(">I", 4) + b"null",
            struct.pack(">I", 9) + b'{"seq":1',
        )
        for message in (*messages, struct.pack(">I", 600) + b"[" * 600, struct.pack(">I", 13) + b'{"seq": 1e999'):
            one.socket.send(message)
            assert "no picture" in one.hear("refused", what="picture")["why"], message
        for seq, data, why in (
            (1, b"", "not a JPEG"),
            (2, b"\xff\xd8\xff\xe0 rubbish" * 20, "not a JPEG"),
            (3, _png(portrait), "not a JPEG"),
            (4, whole[: len(whole) // 2], "damaged"),
            (5, jpeg(Image.new("L", (4000, 3000))), "4000×3000 pixels are too many"),
            (6, _said_to_be_huge(whole), "too many"),
        ):
            one.send_picture(seq, data)
            said = answer(one, seq)
            assert why in str(said["why"])
            assert said["faces"] == []
        assert shows_one_face(one, 7, whole)


def _png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def _said_to_be_huge(data: bytes) -> bytes:
    """A JPEG whose header says 65500 × 65500."""
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", 65500, 65500) + data[place + 4 :]


def test_grey_and_four_coloured_pictures_are_pictures_too(run: Served, portrait: np.ndarray) -> None:
    with guest(run) as one:
        one.begin_camera()
        for seq, mode in enumerate(("L", "CMYK"), 1):
            assert shows_one_face(one, seq, jpeg(Image.fromarray(portrait).convert(mode))), mode


def test_pictures_without_a_camera_are_refused(run: Served, portrait: np.ndarray) -> None:
    with guest(run) as one:
        one.send_picture(1, jpeg(portrait))
        assert "no camera here" in one.hear("refused", what="picture")["why"]


def test_a_flood_of_pictures_costs_nobody_anything(run: Served, portrait: np.ndarray) -> None:
    data = jpeg(portrait)
    with guest(run) as one:
        one.begin_camera()
        for seq in range(1, 41):
            one.send_picture(seq, data)
            time.sleep(0.02)  # as a page that cares for no answer
        assert answer(one, 40)
        assert shows_one_face(one, 41, data)


def test_there_is_room_for_four_and_a_place_is_free_once_a_page_has_gone(run: Served, portrait: np.ndarray) -> None:
    with ExitStack() as stack:
        pages = [stack.enter_context(guest(run)) for _ in range(MOST_WEBCAMS)]
        for page in pages:
            page.begin_camera()
        with guest(run) as late:
            late.say(type="webcam", on=True)
            assert "no room" in late.hear("refused", what="webcam")["why"]
            pages[0].socket.close()

            def may_begin() -> bool:
                late.say(type="webcam", on=True)
                return late.hear_any("webcam", "refused").get("on") is True

            wait_for(may_begin, 10)
            for page in (*pages[1:], late):
                assert shows_one_face(page, 1, jpeg(portrait))


def test_a_camera_that_was_stopped_begins_anew(run: Served, portrait: np.ndarray) -> None:
    with guest(run) as one:
        for seq in (1, 2, 3):
            one.begin_camera()
            assert shows_one_face(one, seq, jpeg(portrait))
            one.say(type="webcam", on=False)


def test_nobody_else_sees_the_pictures(run: Served, portrait: np.ndarray) -> None:
    with guest(run) as one, guest(run) as other:
        one.begin_camera()
        one.send_picture(1, jpeg(portrait))
        answer(one, 1)
        assert other.hear("state")["cameras"] == []


def test_a_run_that_ends_by_itself_and_a_page_that_only_shows_take_no_guests_and_say_so(portrait: np.ndarray, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mp4", [portrait] * 100, rate=5)  # shown at its own pace
    for words, why in (([film], "without a file"), (["--web-view-only"], "only shows")):
        with served("run", *words) as run, guest(run) as one:
            assert why in one.hear("state")["guests"]["why_not"]
            one.say(type="webcam", on=True)
            assert why in one.hear("refused", what="webcam")["why"]
            status, said = one.upload("photo.jpg", jpeg(portrait))
            assert status == 409
            assert why in said


def test_a_run_ends_at_once_while_a_camera_and_an_upload_are_open(portrait: np.ndarray, tmp_path: Path) -> None:
    with served("run", folder=tmp_path) as run, guest(run) as one, half_an_upload(one):
        one.begin_camera()
        one.send_picture(1, jpeg(portrait))
        answer(one, 1)
        assert list(tmp_path.iterdir())
        ended = run.end()
        assert run.process.returncode == 130
    assert ended.took_s < 2
    assert "Traceback" not in ended.told
    assert list(tmp_path.iterdir()) == []
