"""A photo may come through standard input or a named pipe, as a video may: it is the photo that it is."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from stream.media import av
from tests.command import facestream, is_one_sentence, usual_environment
from tests.media import ffprobe_times, make_clip, picture
from tests.waiting import wait_for

pytestmark = pytest.mark.slow  # each is a whole command

BLIND = ("--set", "detector.enabled=false")


def piped(data: bytes, *words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stream", *map(str, words)]
    done = subprocess.run(command, input=data, capture_output=True, cwd=cwd, env=usual_environment(), timeout=60, check=False)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def encoded(image: np.ndarray, kind: str, **options: object) -> bytes:
    made = io.BytesIO()
    Image.fromarray(image).save(made, kind, **options)
    return made.getvalue()


def test_a_photo_through_standard_input_is_written_as_the_photo_with_what_it_says(tmp_path: Path, portrait: np.ndarray) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Copyright] = "somebody"
    data = encoded(np.rot90(portrait), "JPEG", quality=95, exif=exif, dpi=(300, 300))
    done = piped(data, "run", "-", "-o", "b.jpg", "--events", "b.jsonl", "--model", "none", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("standard input: 1 picture")
    with Image.open(tmp_path / "b.jpg") as written:
        assert written.size == (512, 600)
        assert written.getexif()[ExifTags.Base.Copyright] == "somebody"
        assert written.info["dpi"] == (300, 300)
    (event,) = map(json.loads, (tmp_path / "b.jsonl").read_text().splitlines())
    assert event["source"] == "standard input"
    assert len(event["faces"]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.jpg", "b.jsonl"]
    listed = piped(data, "run", "-", "--no-window", "--model", "none", cwd=tmp_path)
    assert listed.stdout.startswith("standard input: 1 face")


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        ("JPEG", {}, "standard-input.jpg"),
        ("PNG", {}, "standard-input.png"),
        ("WEBP", {}, "standard-input.webp"),
        ("BMP", {}, "standard-input.bmp"),
        ("PPM", {}, "standard-input.ppm"),
        ("TIFF", {}, "standard-input.tif"),
        ("AVIF", {}, "standard-input.avif"),
        ("GIF", {}, "standard-input.gif"),
        ("JPEG2000", {}, "standard-input.jp2"),
        ("MPO", {"save_all": True, "append_images": [Image.new("RGB", (64, 64))]}, "standard-input.jpg"),
        ("ICO", {}, "standard-input.png"),
    ],
)
def test_in_a_folder_it_has_a_name_and_its_format(kind: str, options: dict[str, object], name: str, tmp_path: Path) -> None:
    done = piped(encoded(picture(3, 256, 256), kind, **options), "run", "-", "-o", "out", *BLIND, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_what_is_no_photo_stays_the_video_it_is(tmp_path: Path) -> None:
    jpegs = b"".join(encoded(picture(number), "JPEG") for number in range(5))
    pngs = b"".join(encoded(picture(number), "PNG") for number in range(5))
    moving = encoded(picture(0), "GIF", save_all=True, append_images=[Image.fromarray(picture(number)) for number in range(1, 5)])
    for data in (jpegs, pngs, moving):
        done = piped(data, "run", "-", "-o", "out.mkv", "--overwrite", *BLIND, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert len(ffprobe_times(tmp_path / "out.mkv")) == 5
    assert jpegs.count(b"\xff\xd8\xff") == 5


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"%PDF-1.7\n%", "standard input: PDF cannot be read; convert it to JPEG or PNG first."),
        (b"\xff\x0a" + bytes(50), "standard input: JPEG XL cannot be read; convert it to JPEG or PNG first."),
        (encoded(picture(3), "TIFF")[:300], "standard input: is damaged and cannot be"),
    ],
)
def test_a_picture_that_cannot_be_read_is_one_sentence(data: bytes, told: str, tmp_path: Path) -> None:
    done = piped(data, "run", "-", "-o", "b.jpg", *BLIND, cwd=tmp_path)
    assert done.returncode == 1
    assert is_one_sentence(done.stderr), done.stderr
    assert told in done.stderr
    assert not list(tmp_path.iterdir())


def test_of_a_photo_that_breaks_off_what_is_there_is_used_and_said(tmp_path: Path) -> None:
    data = encoded(picture(3), "JPEG", quality=95)
    done = piped(data[: len(data) * 4 // 5], "run", "-", "-o", "b.png", *BLIND, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        0,
        "facestream: standard input: is cut off or damaged; only a part of it could be decoded.\n",
    )


def test_a_photo_comes_through_a_named_pipe_and_from_a_file(tmp_path: Path) -> None:
    data = encoded(picture(3), "PNG")
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(data))
    writer.start()
    done = facestream("run", "pipe", "-o", "a.png", *BLIND, cwd=tmp_path)
    writer.join(10)
    assert (done.returncode, done.stderr) == (0, "")
    (tmp_path / "photo").write_bytes(data)
    line = f"{sys.executable} -m stream run - -o b.png {' '.join(BLIND)} < photo"
    subprocess.run(["bash", "-c", line], cwd=tmp_path, env=usual_environment(), check=True, capture_output=True)
    for name in ("a.png", "b.png"):
        with Image.open(tmp_path / name) as written:
            np.testing.assert_array_equal(np.asarray(written.convert("RGB")), picture(3))


def test_pictures_that_come_one_after_the_other_are_shown_as_they_come(tmp_path: Path) -> None:
    """A camera's program may send JPEGs for ever: nobody waits for the end."""
    command = [sys.executable, "-m", "stream", "run", "-", "--events", "e.jsonl", *BLIND]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=usual_environment())
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        for number in range(400):
            process.stdin.write(encoded(picture(number), "JPEG", quality=95))
            process.stdin.flush()
            time.sleep(0.01)
        wait_for(lambda: (tmp_path / "e.jsonl").exists() and len((tmp_path / "e.jsonl").read_bytes().splitlines()) > 50, 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130
    finally:
        process.kill()
        process.stdin.close()
        process.stderr.close()


def test_a_photo_that_does_not_end_is_waited_for_until_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stream", "run", "-", "-o", "b.jpg", *BLIND]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=usual_environment())
    assert process.stdin is not None
    assert process.stderr is not None
    try:
        process.stdin.write(encoded(picture(3), "TIFF")[:1000])
        process.stdin.flush()
        time.sleep(2)  # longer than it takes to begin
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=3) == 130
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.stdin.close()
        process.stderr.close()


def test_a_video_loses_nothing_by_being_looked_at_for_a_photo(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv")
    done = piped(clip.read_bytes(), "run", "-", "-o", "out.mkv", *BLIND, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 30
