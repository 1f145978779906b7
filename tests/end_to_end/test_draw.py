"""`facestream draw` as a user runs it: pictures and videos from the events of a run."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.media import av
from tests.command import facestream, is_one_sentence, running
from tests.media import ffprobe_times, make_clip, need

SIZE = (384, 400)


def walk(portrait: np.ndarray, count: int) -> list[np.ndarray]:
    """A window of 384×400 that wanders over the portrait, the face always in it."""
    return [np.ascontiguousarray(portrait[20 + index : 420 + index, 2 * (index % 60) : 2 * (index % 60) + 384]) for index in range(count)]


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def audio_md5(path: Path) -> str:
    command = [need("ffmpeg"), "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def far(before: np.ndarray, after: np.ndarray) -> float:
    """The share of pixels that differ by more than encoding does."""
    return float((np.abs(before.astype(int) - after.astype(int)).max(axis=2) > 40).mean())


def of_the_events(done: subprocess.CompletedProcess[str]) -> str:
    """What was said, but for the note that every run of the clip has."""
    return "".join(line for line in done.stderr.splitlines(keepends=True) if "by its own clock" not in line)


@pytest.fixture(scope="module")
def clip(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty frames of one face at uneven times, with sound, in a transport stream whose clock begins in an hour."""
    folder = tmp_path_factory.mktemp("clip")
    times = [index * 40 + (index % 3) * 7 for index in range(30)]
    silent = make_clip(folder / "silent.mp4", times=times, time_base=Fraction(1, 1000), images=walk(portrait, 30), size=SIZE)
    path = folder / "clip.ts"
    sound = ["-f", "lavfi", "-i", "sine=frequency=440:duration=1.2"]
    late = ["-c:v", "copy", "-c:a", "aac", "-output_ts_offset", "3600"]
    subprocess.run([need("ffmpeg"), "-v", "error", "-i", silent, *sound, *late, path], check=True)
    return path


@pytest.fixture(scope="module")
def turned(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that a player must turn."""
    images = [np.ascontiguousarray(np.rot90(image)) for image in walk(portrait, 12)]
    return make_clip(tmp_path_factory.mktemp("turned") / "turned.mp4", times=range(12), images=images, size=SIZE[::-1], quarter_turns=3)


@pytest.fixture(scope="module")
def told(clip: Path, turned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a run of both has made: clip.mp4, turned.mp4 and faces.jsonl, with a line for each track."""
    folder = tmp_path_factory.mktemp("told")
    done = facestream("run", clip, turned, "-o", folder, "--events", folder / "faces.jsonl", "--set", "output.track_events=true")
    assert done.returncode == 0, done.stderr
    return folder


def first_only(events: Path, to: Path, frames: int) -> Path:
    """The events of so many frames of the first source."""
    lines = [line for line in events.read_text().splitlines(keepends=True) if "clip.ts" in line and '"kind"' not in line]
    to.write_text("".join(lines[:frames]))
    return to


def test_what_is_drawn_from_events_is_what_the_run_drew(clip: Path, turned: Path, told: Path, tmp_path: Path) -> None:
    done = facestream("draw", told / "faces.jsonl", clip, turned, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    for name, count in (("clip.mp4", 30), ("turned.mp4", 12)):
        then, now = decoded(told / name), decoded(tmp_path / name)
        assert len(then) == len(now) == count
        assert all(np.array_equal(*pair) for pair in zip(then, now, strict=True)), "to the bit"
        assert ffprobe_times(tmp_path / name) == ffprobe_times(told / name)
    assert audio_md5(tmp_path / "clip.mp4") == audio_md5(told / "clip.mp4")
    with av.open(str(clip)) as container:
        bare = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert min(map(far, bare, decoded(tmp_path / "clip.mp4"))) > 0.01, "boxes were drawn"


def test_no_network_is_loaded(clip: Path, told: Path, tmp_path: Path) -> None:
    watched = {"PYTHONPROFILEIMPORTTIME": "1"}  # every import is a line on stderr
    done = facestream("draw", told / "faces.jsonl", clip, "-o", tmp_path / "out.mp4", environment=watched)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert done.returncode == 0
    assert {"stream", "av"} <= imported
    assert not imported & {"openvino", "tensorflow", "keras", "onnxruntime", "torch"}


def test_a_file_is_known_by_what_is_in_it(clip: Path, told: Path, tmp_path: Path) -> None:
    moved, changed = tmp_path / "moved.ts", tmp_path / "clip.ts"
    shutil.copy(clip, moved)
    done = facestream("draw", told / "faces.jsonl", moved, "-o", tmp_path / "out.mp4")
    assert done.returncode == 0, done.stderr
    assert all(np.array_equal(*pair) for pair in zip(decoded(told / "clip.mp4"), decoded(tmp_path / "out.mp4"), strict=True))

    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    changed.write_bytes(content)
    (tmp_path / "faces.jsonl").write_text((told / "faces.jsonl").read_text().replace(str(clip), "clip.ts"))
    done = facestream("draw", "faces.jsonl", "clip.ts", "-o", "none.mp4", cwd=tmp_path)
    assert done.returncode == 2
    assert is_one_sentence(done.stderr)
    assert "fingerprint" in done.stderr
    assert not (tmp_path / "none.mp4").exists()


def test_a_source_without_events_is_refused(turned: Path, told: Path, tmp_path: Path) -> None:
    events = first_only(told / "faces.jsonl", tmp_path / "faces.jsonl", 30)
    done = facestream("draw", events, turned, "-o", tmp_path / "out.mp4")
    assert (done.returncode, is_one_sentence(done.stderr)) == (2, True)
    assert "clip.ts" in done.stderr, "it says of what there are some"


def test_a_cut_line_costs_the_frames_after_it_their_faces(clip: Path, told: Path, tmp_path: Path) -> None:
    events = first_only(told / "faces.jsonl", tmp_path / "faces.jsonl", 20)
    whole = events.read_text()
    events.write_text(whole[: whole.rindex('"score"')])
    done = facestream("draw", events, clip, "-o", tmp_path / "out.mp4")
    assert done.returncode == 0, done.stderr
    assert "cut off" in done.stderr
    assert "11 frames have no event" in done.stderr
    assert "drawn without faces" in done.stderr
    then, now = decoded(told / "clip.mp4"), decoded(tmp_path / "out.mp4")
    assert [far(*pair) > 0.01 for pair in zip(then, now, strict=True)] == [False] * 19 + [True] * 11


def test_where_faces_are_hidden_a_frame_without_event_is_hidden_whole(clip: Path, told: Path, portrait: np.ndarray, tmp_path: Path) -> None:
    events = first_only(told / "faces.jsonl", tmp_path / "faces.jsonl", 20)
    done = facestream("draw", events, clip, "-o", tmp_path / "out.mp4", "--hide", "fill", "--score", "1", "--style", "none")
    assert done.returncode == 0, done.stderr
    assert "10 frames have no event" in done.stderr
    assert "hidden whole" in done.stderr
    now = decoded(tmp_path / "out.mp4")
    for index, (frame, bare) in enumerate(zip(now, walk(portrait, 30), strict=True)):
        if index < 20:
            eyes = 215 - 20 - index, 265 - 2 * index  # between them, in the window
            assert frame[eyes[0] - 20 : eyes[0] + 20, eyes[1] - 20 : eyes[1] + 20].max() < 60, "covered, whatever the score"
            assert far(frame[-40:, :40], bare[-40:, :40]) < 0.1, "and nothing else is"
        else:
            assert frame.max() < 60


@pytest.mark.slow
def test_what_a_run_has_hidden_stays_hidden(clip: Path, tmp_path: Path) -> None:
    assert facestream("run", clip, "-o", tmp_path / "then.mp4", "--events", tmp_path / "faces.jsonl", "--hide", "fill").returncode == 0
    done = facestream("draw", tmp_path / "faces.jsonl", clip, "-o", tmp_path / "now.mp4")
    assert (done.returncode, of_the_events(done)) == (0, "")
    then, now = decoded(tmp_path / "then.mp4"), decoded(tmp_path / "now.mp4")
    assert max(map(far, then, now)) < 0.005, "but for tenths of a pixel"
    lines = (tmp_path / "faces.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "faces.jsonl").write_text("".join(lines[:10]))
    done = facestream("draw", tmp_path / "faces.jsonl", clip, "-o", tmp_path / "cut.mp4")
    assert done.returncode == 0
    assert "hidden whole" in done.stderr, "though nobody asked for it anew"
    assert max(frame.max() for frame in decoded(tmp_path / "cut.mp4")[10:]) < 60


def test_damaged_events_are_refused_before_any_work(clip: Path, told: Path, tmp_path: Path) -> None:
    lines = (told / "faces.jsonl").read_text().splitlines(keepends=True)
    events, out = tmp_path / "faces.jsonl", tmp_path / "out.mp4"
    events.write_text("".join([*lines[:5], lines[5][:80] + "\n", *lines[6:]]))
    done = facestream("draw", events, clip, "-o", out)
    assert (done.returncode, is_one_sentence(done.stderr)) == (1, True)
    assert "line 6" in done.stderr
    done = facestream("draw", clip, events, "-o", out)
    assert (done.returncode, is_one_sentence(done.stderr)) == (2, True)
    assert "named first" in done.stderr
    assert not out.exists()


def test_an_event_that_no_run_wrote_ends_it_in_a_sentence(clip: Path, told: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (told / "faces.jsonl").read_text().splitlines()]
    lines[7]["faces"][0]["box"] = [1, 2, 1e400, 4]
    (tmp_path / "faces.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = facestream("draw", tmp_path / "faces.jsonl", clip, "-o", tmp_path / "out.mp4")
    assert done.returncode == 1
    assert is_one_sentence(of_the_events(done))
    assert "line 8" in done.stderr


def test_events_of_another_reading_are_refused(clip: Path, told: Path, tmp_path: Path) -> None:
    """Frames are not told by their number alone."""
    lines = [json.loads(line) for line in (told / "faces.jsonl").read_text().splitlines()]
    for wrong in ({"time_s": 0.123}, {"width": 383}):
        (tmp_path / "faces.jsonl").write_text(
            "".join(json.dumps(line | (wrong if line.get("frame") == 3 else {})) + "\n" for line in lines)
        )
        done = facestream("draw", tmp_path / "faces.jsonl", clip, "-o", tmp_path / "out.mp4", "--overwrite")
        assert done.returncode == 1
        assert is_one_sentence(of_the_events(done))
        assert "frame 3" in done.stderr


@pytest.mark.slow
def test_events_of_a_camera_fit_no_file(clip: Path, told: Path, tmp_path: Path) -> None:
    with running("run", clip, "--set", "source.loop=true", "--events", tmp_path / "live.jsonl", "--duration", "1.5", "--no-window") as one:
        assert one.wait(60) == 0
    assert "utc" in (tmp_path / "live.jsonl").read_text()
    done = facestream("draw", tmp_path / "live.jsonl", clip, "-o", tmp_path / "out.mp4")
    assert (done.returncode, is_one_sentence(done.stderr)) == (2, True)
    assert "camera" in done.stderr
    done = facestream("draw", told / "faces.jsonl", "rtsp://127.0.0.1:9/none", "-o", tmp_path / "out.mp4")
    assert (done.returncode, is_one_sentence(done.stderr)) == (2, True)


@pytest.mark.slow
def test_photos_are_drawn_again_each_with_its_own_faces(portrait: np.ndarray, astronaut: np.ndarray, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    (photos / "deep").mkdir(parents=True)
    Image.fromarray(portrait).save(photos / "hopper.png")
    Image.fromarray(astronaut).save(photos / "deep" / "collins.png")
    done = facestream("run", "photos", "-o", "then", "--events", "faces.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    Image.fromarray(portrait[:, ::-1]).save(photos / "new.png")
    done = facestream("draw", "faces.jsonl", "photos", "-o", "now", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 picture has no event" in done.stderr
    for name in ("hopper.png", "deep/collins.png"):
        then, now = (np.asarray(Image.open(tmp_path / folder / name)) for folder in ("then", "now"))
        assert np.array_equal(then, now)
        assert far(then, np.asarray(Image.open(photos / name))) > 0.005
    assert np.array_equal(np.asarray(Image.open(tmp_path / "now/new.png")), portrait[:, ::-1])

    done = facestream("draw", "faces.jsonl", "photos", "-o", "hidden", "--hide", "fill", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert np.asarray(Image.open(tmp_path / "hidden/new.png")).max() < 60, "nobody knows who is in it"

    Image.fromarray(astronaut[:-1]).save(photos / "hopper.png")
    done = facestream("draw", "faces.jsonl", "photos", "-o", "none", cwd=tmp_path)
    assert (done.returncode, is_one_sentence(done.stderr)) == (2, True)
    assert "hopper.png" in done.stderr


@pytest.mark.slow
def test_other_words_and_fewer_marks(portrait_path: Path, portrait: np.ndarray, tmp_path: Path) -> None:
    events = tmp_path / "faces.jsonl"
    assert facestream("run", portrait_path, "-o", tmp_path / "then.png", "--events", events).returncode == 0

    def drawn(*words: str | Path) -> np.ndarray:
        done = facestream("draw", events, portrait_path, "-o", tmp_path / "now.png", "--overwrite", *words)
        assert done.returncode == 0, done.stderr
        return np.asarray(Image.open(tmp_path / "now.png"))

    then = np.asarray(Image.open(tmp_path / "then.png"))
    (tmp_path / "words.json").write_text('{"face": "visage"}')
    assert 0 < far(then, drawn("--rename", tmp_path / "words.json")) < 0.01, "other words alone"
    assert 0 < far(drawn("--no-labels", "--no-landmarks"), portrait) < far(then, portrait)
    assert np.array_equal(drawn("--score", "1"), portrait), "no score is quite 1"


def test_outputs_are_checked_as_those_of_a_run(clip: Path, told: Path, tmp_path: Path) -> None:
    events, out = told / "faces.jsonl", tmp_path / "out.mp4"
    out.write_bytes(b"mine")
    for output in (out, events):
        before = output.read_bytes() if output.exists() else None
        done = facestream("draw", events, clip, "-o", output)
        assert (done.returncode, is_one_sentence(done.stderr)) == (2, True), output
        assert (output.read_bytes() if output.exists() else None) == before
