"""`facestream run` as a user runs it, on real media, judged by other programs."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.media import av
from tests.command import facestream, is_one_sentence, running
from tests.media import ffprobe, ffprobe_times, make_clip, need
from tests.monitor import comes
from tests.ports import free_port
from tests.waiting import wait_for


def walk(portrait: np.ndarray, count: int) -> list[np.ndarray]:
    """A window of 384×400 that wanders over the portrait, the face always in it."""
    return [np.ascontiguousarray(portrait[20 + index : 420 + index, 2 * (index % 60) : 2 * (index % 60) + 384]) for index in range(count)]


@pytest.fixture(scope="session")
def clip(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty frames of one face at uneven times, with sound."""
    folder = tmp_path_factory.mktemp("clip")
    times = [index * 40 + (index % 3) * 7 for index in range(40)]
    silent = make_clip(folder / "silent.mp4", times=times, time_base=Fraction(1, 1000), images=walk(portrait, 40), size=(384, 400))
    path = folder / "clip.mp4"
    sound = ["-f", "lavfi", "-i", "sine=frequency=440:duration=1.6"]
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", silent, *sound, "-c:v", "copy", "-c:a", "aac", path], check=True)
    return path


def audio_md5(path: Path) -> str:
    command = [need("ffmpeg"), "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def events(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_video_comes_out_with_its_times_its_sound_and_its_faces_followed(clip: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "out.mp4", tmp_path / "faces.jsonl"
    done = facestream("run", clip, "-o", out, "--events", log)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith(f"{clip}: 40 frames, 40 with faces, 1 face followed")
    assert ffprobe_times(out) == pytest.approx(ffprobe_times(clip), abs=1e-6)
    video = ffprobe(out, "-show_entries", "stream=codec_name,pix_fmt,width,height")["streams"][0]
    assert video == {"codec_name": "h264", "pix_fmt": "yuv420p", "width": 384, "height": 400}
    assert audio_md5(out) == audio_md5(clip)
    lines = events(log)
    assert [line["frame"] for line in lines] == list(range(40))
    assert all(line["source"] == str(clip) for line in lines)
    faces = [face for line in lines for face in line["faces"]]  # type: ignore[attr-defined]
    assert len(faces) == 40
    assert {face["track"] for face in faces} == {1}, "it is the same face all along"
    assert all(face["label"] == "face" and face["probability"] > 0.9 for face in faces)


def test_the_box_is_drawn_where_the_face_is(portrait: np.ndarray, portrait_path: Path, tmp_path: Path) -> None:
    done = facestream("run", portrait_path, "-o", tmp_path / "out.png", "--events", "-")
    assert done.returncode == 0, done.stderr
    (line,) = (json.loads(text) for text in done.stdout.splitlines())
    (face,) = line["faces"]
    x1, y1, x2, y2 = (round(side) for side in face["box"])
    assert x1 < 230 < 300 < x2, "the eyes lie inside"
    assert y1 < 180 < 260 < y2
    drawn = np.asarray(Image.open(tmp_path / "out.png"))
    changed = np.abs(drawn.astype(int) - portrait.astype(int)).max(axis=2) > 40
    assert changed[y1:y2, x1 - 2 : x1 + 3].any(axis=1).mean() > 0.9, "the left side of the box"
    inside = changed[y1 + 30 : y2 - 30, x1 + 30 : x2 - 30]
    assert inside.mean() < 0.05, "and the face is left alone"


def test_a_folder_comes_out_with_its_structure_and_formats_whatever_is_wrong_in_it(portrait: np.ndarray, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    (photos / "deep" / "er").mkdir(parents=True)
    Image.fromarray(portrait).save(photos / "one.jpg")
    Image.fromarray(portrait[::-1]).save(photos / "deep" / "two.png")
    Image.fromarray(portrait).save(photos / "deep" / "er" / "three.webp")
    (photos / "empty.jpg").write_bytes(b"")
    (photos / "deep" / "text.jpg").write_text("not a picture", encoding="utf-8")
    (photos / "notes.txt").write_text("no picture at all", encoding="utf-8")
    done = facestream("run", photos, "-o", out)
    assert done.returncode == 1, "not everything could be done"
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert written == ["deep/er/three.webp", "deep/two.png", "one.jpg"]
    assert "3 pictures" in done.stdout
    assert "2 could not be read" in done.stdout
    assert all(name in done.stderr for name in ("empty.jpg", "text.jpg"))
    assert len(done.stderr.splitlines()) == 2
    assert facestream("run", photos / "one.jpg", photos / "deep" / "er", "-o", out).returncode == 2, "one.jpg is there already"


@pytest.mark.slow
def test_a_second_run_skips_its_own_outputs(portrait: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(portrait).save(tmp_path / "one.jpg")
    for _ in range(2):
        done = facestream("run", tmp_path, "-o", tmp_path / "out", "--overwrite")
        assert done.returncode == 0, done.stderr
        assert "1 picture," in done.stdout


def test_without_output_and_display_each_picture_gets_a_line(portrait_path: Path) -> None:
    done = facestream("run", portrait_path)
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith(f"{portrait_path}: 1 face: face ")
    assert last.startswith(f"{portrait_path}: 1 picture, 1 with faces, 1 face")


@pytest.mark.parametrize("px", [20, 40, 60])
def test_each_smallest_face_finds_the_portraits(portrait_path: Path, px: int) -> None:
    done = facestream("run", portrait_path, "--set", f"detector.min_face_px={px}")
    assert f"{portrait_path}: 1 face: " in done.stdout


def test_several_videos_go_into_a_folder(clip: Path, tmp_path: Path) -> None:
    shutil.copy(clip, tmp_path / "a.mp4")
    shutil.copy(clip, tmp_path / "b.mov")
    (tmp_path / "c.mp4").write_text("no video", encoding="utf-8")
    done = facestream("run", tmp_path / "a.mp4", tmp_path / "b.mov", tmp_path / "c.mp4", "-o", tmp_path / "out", "--max-frames", "10")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "c.mp4" in done.stderr
    assert [len(ffprobe_times(path)) for path in sorted((tmp_path / "out").iterdir())] == [10, 10]


def test_the_detector_alone(portrait_path: Path) -> None:
    done = facestream("run", portrait_path, "--model", "none", "--events", "-")
    (face,) = json.loads(done.stdout.splitlines()[0])["faces"]
    assert face["score"] > 0.99
    assert face.get("label") is None


def test_the_demo_needs_nothing(tmp_path: Path) -> None:
    done = facestream("demo", "--seconds", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    video = tmp_path / "facestream-demo.mp4"
    assert ffprobe(video, "-show_entries", "stream=codec_name")["streams"][0]["codec_name"] == "h264"
    assert len(ffprobe_times(video)) > 10, "60 where the machine has nothing else to do"
    assert "median latency" in done.stdout
    assert str(video.name) in done.stdout
    assert "1 face followed" in done.stdout or "faces followed" in done.stdout


RUBBISH = {
    "a missing file": ["none.mp4"],
    "a missing picture": ["none.jpg"],
    "a missing folder": ["nowhere/"],
    "a glob of nothing": ["*.nothing"],
    "a text named .jpg": ["text.jpg"],
    "an empty picture": ["empty.jpg"],
    "an empty video": ["empty.mp4"],
    "a text named .mp4": ["text.mp4"],
    "a folder without pictures": ["hollow"],
    "a camera that is not there": ["97"],
    "an unknown model": ["good.jpg", "--model", "nobody"],
    "a folder that is no model": ["good.jpg", "--model", "hollow"],
    "an unwritable output": ["good.jpg", "-o", "/proc/none/out.jpg"],
    "unwritable events": ["good.jpg", "--events", "/proc/none/faces.jsonl"],
    "a window without a display": ["good.jpg", "--window"],
}
ASKED_WRONGLY = {
    "a port in use": ["good.jpg", "--metrics-port", "PORT"],
    "an address that is not this machine's": ["good.jpg", "--metrics-port", "9100", "--metrics-host", "203.0.113.7"],
    "an address that is none": ["good.jpg", "--metrics-port", "9100", "--metrics-host", "no.such.host.invalid"],
    "an unknown setting": ["good.jpg", "--set", "detector.min_face=40"],
    "a missing settings file": ["good.jpg", "--config", "none.yaml"],
    "an output that is the input": ["good.jpg", "-o", "good.jpg", "--overwrite"],
    "an output that is there already": ["good.jpg", "-o", "there.jpg"],
    "a folder into a file": [".", "-o", "out.jpg"],
    "a picture as a video": ["good.jpg", "-o", "out.mp4"],
    "an ending that cannot be written": ["good.jpg", "-o", "out.xyz"],
    "a threshold for nothing": ["good.jpg", "--set", "classifier.threshold=2"],
}


@pytest.fixture(scope="session")
def rubbish(portrait_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rubbish")
    shutil.copy(portrait_path, folder / "good.jpg")
    shutil.copy(portrait_path, folder / "there.jpg")
    for name in ("empty.jpg", "empty.mp4"):
        (folder / name).write_bytes(b"")
    for name in ("text.jpg", "text.mp4"):
        (folder / name).write_text("this is only a text\n" * 20, encoding="utf-8")
    (folder / "hollow").mkdir()
    return folder


@pytest.mark.parametrize(
    ("words", "code"),
    [(words, 1) for words in RUBBISH.values()] + [(words, 2) for words in ASKED_WRONGLY.values()],
    ids=[*RUBBISH, *ASKED_WRONGLY],
)
def test_rubbish_gets_one_sentence(rubbish: Path, words: list[str], code: int) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = [str(taken.getsockname()[1]) if word == "PORT" else word for word in words]
        done = facestream("run", *words, cwd=rubbish)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert is_one_sentence(done.stderr), done.stderr
    assert sorted(path.name for path in rubbish.iterdir()) == [
        "empty.jpg",
        "empty.mp4",
        "good.jpg",
        "hollow",
        "text.jpg",
        "text.mp4",
        "there.jpg",
    ]


def test_an_address_nobody_answers_says_why_at_once_and_is_tried_until_the_time_is_over() -> None:
    address = f"rtsp://admin:secret@127.0.0.1:{free_port()}/camera"
    begin = time.monotonic()
    with running("run", address, "--duration", "2") as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        said_at = time.monotonic()
        out, rest = process.communicate(timeout=30)
    assert "refused" in first
    assert time.monotonic() - said_at > 1, "at once, not when it gives up after two seconds"
    assert 2 <= time.monotonic() - begin < 20
    assert process.returncode == 1
    assert "secret" not in first + rest + out
    assert "Traceback" not in rest


def test_where_no_window_can_be_a_line_says_why_and_only_there(clip: Path, portrait_path: Path, tmp_path: Path) -> None:
    why = "no window is opened: there is no display (DISPLAY and WAYLAND_DISPLAY are not set); -o writes the pictures, "
    why += "--events what was found\n"
    blind = ("--set", "detector.enabled=false")
    assert facestream("run", clip, clip, *blind).stderr == why, "once"
    for words in (["--no-window"], ["--events", tmp_path / "x.jsonl"], ["-o", tmp_path / "x.mp4"]):
        assert facestream("run", clip, *words, *blind).stderr == ""
    assert facestream("run", portrait_path, *blind).stderr == "", "what is in a picture is printed"


def test_ctrl_c_gets_through_while_an_address_says_nothing() -> None:
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with running("run", f"http://127.0.0.1:{silent.getsockname()[1]}/x") as process:
            connection, _ = silent.accept()  # it has connected, and waits
            begin = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=20)
            connection.close()
    assert time.monotonic() - begin < 3
    assert process.returncode == 130
    assert stderr == ""


def test_a_camera_that_never_answers_is_told_at_the_end() -> None:
    done = facestream("run", f"rtsp://127.0.0.1:{free_port()}/camera", "--duration", "0.5")
    assert done.returncode == 1
    assert "no picture ever came" in done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_the_time_given_is_for_all_sources_together(portrait: np.ndarray, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "long.mp4", times=range(1500), images=[portrait] * 1500, size=(512, 600), options={"preset": "ultrafast"})
    begin = time.monotonic()
    done = facestream("run", clip, clip, clip, "--duration", "1")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1, "the second one never began"
    assert time.monotonic() - begin < 20, "much less than it takes to look at all"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_a_playable_file(portrait: np.ndarray, tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "out.mp4"
    with running("demo", "--seconds", "60", "-o", out, cwd=tmp_path) as process:
        wait_for(lambda: len(ffprobe_times(out)) > 8)
        begin = time.monotonic()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=20)
        assert time.monotonic() - begin < 4
    assert process.returncode == 130, stderr
    told = re.compile(r"demo: \d+ frames|(facestream: )?demo: \d+ frames were not recorded: writing them took longer than they came\.")
    assert all(told.fullmatch(line) for line in stderr.splitlines()), (
        f"progress, where it took long, and what a busy machine cost: {stderr}"
    )
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 5


def test_metrics_can_be_scraped_while_it_runs(tmp_path: Path) -> None:
    port = free_port()
    with running("demo", "--seconds", "60", "--metrics-port", str(port), "-o", tmp_path / "out.mp4") as process:
        wanted = [f'facestream_stage_seconds_count{{stage="{stage}"}}' for stage in ("detect", "track", "classify", "draw", "write")]
        wanted += [
            'facestream_frames_total{outcome="shown"',
            "facestream_capture_to_shown_seconds_bucket",
            "facestream_build_info",
            "facestream_source_up",
        ]
        comes(port, "/metrics", lambda status, text: all(part in text for part in wanted))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
