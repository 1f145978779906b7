"""Photos and videos that a page sends: what becomes of them, what is refused, and that nothing of them stays."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from models.imaging.boxes import iou
from stream.web.jobs import LARGEST, MOST_WAITING
from tests.disk import full_disk
from tests.served import Served, served
from tests.waiting import wait_for
from tests.web_guest import Guest, guest, jpeg, write_film

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where what pages send lies."""
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def run(uploads: Path) -> Iterator[Served]:
    with served("run", folder=uploads) as one:
        yield one


@pytest.fixture
def page(run: Served) -> Iterator[Guest]:
    with guest(run) as one:
        yield one


def sent(page: Guest, name: str, body: bytes) -> dict[str, object]:
    """What became of a file."""
    status, job = page.upload(name, body)
    assert status == 202, job
    return page.over(job)


def result(run: Served, job: object, **headers: str) -> tuple[int, dict[str, str], bytes]:
    return run.ask(f"/result?job={job}", **headers)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_comes_back_upright_with_its_faces(page: Guest, portrait: np.ndarray, orientation: int) -> None:
    lies = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what undoes an orientation (Pillow's transpose)
    picture, exif = Image.fromarray(portrait), Image.Exif()
    if orientation > 1:
        picture = picture.transpose(Image.Transpose(lies[orientation]))
        exif[0x112] = orientation
    done = sent(page, "photo.jpg", jpeg(picture, exif=exif, quality=95))
    assert (done["state"], done["width"], done["height"]) == ("done", 512, 600)
    (face,) = done["faces"]  # type: ignore[misc]
    assert iou(np.array([face["box"]]), np.array([[172, 110, 352, 334]]))[0, 0] > 0.8
    status, headers, body = result(page.served, done["id"])
    assert (status, headers["content-type"], headers["cache-control"]) == (200, "image/jpeg", "no-store")
    shown = np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).astype(int)
    assert shown.shape == portrait.shape
    assert abs(shown - portrait).mean() < 3


def test_heic_and_a_picture_with_a_wrong_name_are_read(page: Guest, portrait: np.ndarray) -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(Image.fromarray(portrait)).save(file)
    for name in ("IMG_0001.HEIC", "photo.mp4", "photo", ""):
        done = sent(page, name, file.getvalue())
        assert (done["state"], done["kind"], len(done["faces"])) == ("done", "photo", 1), done  # type: ignore[arg-type]


def test_a_large_photo_is_looked_at_whole_and_shown_smaller(page: Guest, portrait: np.ndarray) -> None:
    done = sent(page, "large.jpg", jpeg(Image.fromarray(portrait).resize((4096, 4800))))
    assert (done["width"], done["height"]) == (4096, 4800)
    assert len(done["faces"]) == 1  # type: ignore[arg-type]
    with Image.open(io.BytesIO(result(page.served, done["id"])[2])) as shown:
        assert 2550 < max(shown.size) <= 2560


def test_a_video_comes_back_with_boxes_and_sound(page: Guest, portrait: np.ndarray, tmp_path: Path) -> None:
    given = write_film(tmp_path / "given.mp4", [portrait] * 50, sound=True)
    done = sent(page, "Größe \N{GRINNING FACE}.mp4", given.read_bytes())
    assert (done["state"], done["kind"], done["frames"]) == ("done", "video", 50), done
    status, headers, body = result(page.served, done["id"])
    assert status == 200
    assert headers["content-disposition"] == "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%20%F0%9F%98%80%20with%20faces.mp4"
    with av.open(io.BytesIO(body)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(io.BytesIO(body)) as container:
        sound_s = sum((Fraction(frame.samples, frame.sample_rate) for frame in container.decode(audio=0)), Fraction())
    assert len(pictures) == 50
    assert sound_s == pytest.approx(2, abs=0.1)
    drawn = abs(pictures[25].astype(int) - portrait).max(axis=2) > 60
    assert drawn[100:350, 160:360].sum() > 500, "a box is drawn around the face"
    assert not drawn[450:].any()
    status, headers, part = result(page.served, done["id"], Range="bytes=100-199")
    assert (status, headers["content-range"], part) == (206, f"bytes 100-199/{len(body)}", body[100:200])


def test_an_animated_picture_is_a_video(page: Guest, portrait: np.ndarray) -> None:
    file, picture = io.BytesIO(), Image.fromarray(portrait)
    picture.save(file, "GIF", save_all=True, append_images=[picture.rotate(angle) for angle in (3, 6, 9)], duration=100)
    done = sent(page, "moving.gif", file.getvalue())
    assert (done["state"], done["kind"], done["frames"]) == ("done", "video", 4)


def test_the_progress_of_a_video_is_told(page: Guest, portrait: np.ndarray, tmp_path: Path) -> None:
    given = write_film(tmp_path / "given.mp4", [portrait] * 200)
    _, job = page.upload("long.mp4", given.read_bytes())
    seen = [page.hear("job", id=job, state="running")["frames"] for _ in range(3)]
    assert seen == sorted(seen)
    assert 0 < seen[-1] <= 200
    assert page.over(job)["frames"] == 200


LIST = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("empty.jpg", b"", "empty.jpg: is empty."),
        ("rubbish.mp4", b"hello" * 1000, "rubbish.mp4: is neither a photo nor a video that can be read."),
        ("notes.txt", b"To whom it may concern\n" * 100, "notes.txt: is neither a photo nor a video that can be read."),
        ("cut.jpg", b"\xff\xd8\xff\xe0 rubbish" * 30, "cut.jpg: is damaged and cannot be read"),
        ("cut.mp4", b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(5000), "cut.mp4: is neither a photo nor a video"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        ("raw.cr2", b"rubbish" * 100, "camera raw"),
        ("<b>x.png", b"rubbish" * 100, "<b>x.png: is neither"),
        ("../../../etc/passwd", b"rubbish" * 100, "passwd: is neither"),
        ("C:\\photos\\a.png", b"rubbish" * 100, "a.png: is neither"),
        ("\0\r\n.png", b"rubbish" * 100, "is neither"),
        ("n" * 5000 + ".png", b"rubbish" * 100, "is neither"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(page: Guest, uploads: Path, name: str, body: bytes, why: str) -> None:
    failed = sent(page, name, body)
    assert failed["state"] == "failed"
    assert why in str(failed["why"])
    assert str(uploads) not in str(failed["why"])
    assert "\n" not in str(failed["why"])
    assert result(page.served, failed["id"])[0] == 404


def test_a_file_can_have_no_other_file_of_this_machine_read(page: Guest, portrait: np.ndarray, tmp_path: Path) -> None:
    film = write_film(tmp_path / "secret.ts", [portrait] * 50)
    for name, text in (
        ("list.m3u8", LIST.format(film)),
        ("list.mp4", LIST.format(f"file://{film}")),
        ("list.ts", "#EXTM3U\n" + "\n" * 5000 + LIST.format(film)),
        ("list.ffconcat", f"ffconcat version 1.0\nfile '{film}'\n"),
        ("list.txt", f"file '{film}'\n"),
        ("stream.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"),
        ("%03d.jpg", "rubbish"),
        ("*.jpg", "rubbish"),
    ):
        failed = sent(page, name, text.encode())
        assert (failed["state"], failed["frames"]) == ("failed", 0), name


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(page: Guest) -> None:
    file = io.BytesIO()
    Image.new("1", (8000, 7500)).save(file, "PNG")  # 60 million in a few kilobytes
    assert "8000×7500 pixels are too many" in str(sent(page, "bomb.png", file.getvalue())["why"])


def test_a_body_that_is_too_large_or_belongs_to_no_page_is_refused(run: Served, page: Guest) -> None:
    assert run.ask(f"/upload?page={page.key}", "POST", b"", **{"Content-Length": str(LARGEST + 1)})[0] == 413
    assert run.ask("/upload?page=nobody&name=x", "POST", b"x")[0] == 404
    assert run.ask("/upload", "GET")[0] == 405
    assert run.ask("/upload?page=x", "POST", b"x", Authorization="Bearer wrong-wrong-wrong")[0] in (401, 403)
    assert run.ask("/upload?page=x", "POST", b"x", Origin="http://evil.example")[0] == 403
    assert result(run, "../../etc/passwd")[0] == 404


def test_files_wait_their_turn_and_only_so_many(run: Served, page: Guest, portrait: np.ndarray, tmp_path: Path) -> None:
    body = write_film(tmp_path / "long.mp4", [portrait] * 400).read_bytes()
    jobs = []
    for number in range(MOST_WAITING + 1):
        status, job = page.upload(f"{number}.mp4", body)
        assert status == 202
        jobs.append(job)
        if number == 0:
            page.hear("job", id=job, state="running")
    status, why = page.upload("late.mp4", body)
    assert status == 429
    assert "waiting already" in why
    for job in reversed(jobs):
        page.say(type="cancel", job=job)
        page.hear("job", id=job, state="cancelled")
    photo = jpeg(portrait)
    assert sent(page, "photo.jpg", photo)["state"] == "done", "the one that was looked at has ended"


def test_nobody_cancels_the_files_of_another_page(run: Served, page: Guest, portrait: np.ndarray) -> None:
    done = sent(page, "photo.jpg", jpeg(portrait))
    with guest(run) as other:
        other.say(type="cancel", job=done["id"])
        other.hear("state")
        other.hear("state")
    assert result(run, done["id"])[0] == 200


def test_a_page_that_comes_back_finds_its_files(run: Served, portrait: np.ndarray) -> None:
    with guest(run) as one:
        job = sent(one, "photo.jpg", jpeg(portrait))["id"]
        key = one.key
    with guest(run) as other:
        assert other.key != key, "a key is its page's alone"
    with guest(run, key) as back:
        assert back.key == key
        assert back.hear("job", id=job)["state"] == "done"


def test_what_is_taken_off_is_off_the_disk(run: Served, page: Guest, uploads: Path, portrait: np.ndarray) -> None:
    before = files_below(uploads)
    job = sent(page, "photo.jpg", jpeg(portrait))["id"]
    (new,) = files_below(uploads) - before
    assert new.name == "photo.jpg", "the result; the photo itself is gone"
    (folder,) = uploads.glob("facestream-web-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    page.say(type="cancel", job=job)
    wait_for(lambda: not new.parent.exists())
    assert result(run, job)[0] == 404


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_named_nowhere_but_on_its_page(portrait: np.ndarray, tmp_path: Path) -> None:
    with served("demo", "--events", tmp_path / "events.jsonl", folder=tmp_path) as run, guest(run) as page:
        assert sent(page, "secret.jpg", jpeg(portrait))["state"] == "done"
        assert sent(page, "secret.mp4", b"rubbish")["state"] == "failed"
        said = run.end().told + (tmp_path / "events.jsonl").read_text()
    assert "secret" not in said
    assert "facestream-web-" not in said


def test_what_a_killed_run_has_left_goes_when_the_next_one_begins(portrait: np.ndarray, tmp_path: Path) -> None:
    with served("run", folder=tmp_path) as run, guest(run) as page:
        sent(page, "photo.jpg", jpeg(portrait))
        (left,) = tmp_path.glob("facestream-web-*")
        os.utime(left, (0, 0))
        with served("run", folder=tmp_path):
            assert left.exists(), "it is in use"
        run.process.kill()
        run.process.wait()
        os.utime(left, (0, 0))
        with served("run", folder=tmp_path):
            assert not left.exists()


def test_a_full_disk_is_one_sentence_and_the_run_goes_on(portrait: np.ndarray, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    film = write_film(tmp_path / "noise.mp4", [np.roll(noise, 3 * number, 1) for number in range(40)], crf=40).read_bytes()
    with ExitStack() as stack:
        with full_disk(len(film) + 1000):
            run = stack.enter_context(served("run", folder=tmp_path))
        page = stack.enter_context(guest(run))
        status, why = page.upload("large.mp4", bytes(3_000_000))
        assert status == 507
        assert re.fullmatch(r"The server's disk cannot take it \(.+\)\.", why)
        failed = sent(page, "noise.mp4", film)
        assert failed["state"] == "failed"
        assert re.fullmatch(r"noise.mp4: cannot be written \(.+\)\.", str(failed["why"]))
        assert sent(page, "photo.jpg", jpeg(portrait))["state"] == "done"
        ended = run.end()
        assert ended.took_s < 2
        assert "Traceback" not in ended.told
