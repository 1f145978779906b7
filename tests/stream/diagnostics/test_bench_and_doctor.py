"""`facestream bench` measures this machine, and `facestream doctor` finds what is wrong with it."""

from __future__ import annotations

import itertools
import json
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.analysis.analyser import Analyser
from stream.diagnostics.advice import advise
from stream.diagnostics.measurement import Row, Spread, measure
from stream.settings.schema import Settings
from stream.sources.demo import DemoSource
from stream.sources.opening import open_source
from stream.sources.repeat import RepeatSource
from tests.command import facestream, is_one_sentence, running
from tests.media import make_clip

STAGES = {"decode", "detect", "track", "classify", "draw", "encode"}
QUICK = ("--seconds", "0.1", "--set", "pipeline.batch_size=1", "--set", "classifier.every_s=0")


@pytest.fixture(scope="module")
def measured(portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the bench says of a clip with one face, asked for a rate that no machine reaches."""
    clip = make_clip(tmp_path_factory.mktemp("bench") / "mine.mp4", times=range(8), images=[portrait] * 8, size=(512, 600))
    done = facestream("bench", clip, "--rate", "100000", "--json", *QUICK)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.slow
def test_the_users_own_source_and_three_sizes_with_one_face_and_four_are_measured(measured: dict[str, Any]) -> None:
    rows = [(Path(row["name"]).name, row["width"], row["height"], round(row["faces"])) for row in measured["rows"]]
    assert rows == [
        ("mine.mp4", 512, 600, 1),
        ("480p", 854, 480, 1),
        ("720p", 1280, 720, 1),
        ("1080p", 1920, 1080, 1),
        ("480p", 854, 480, 4),
        ("720p", 1280, 720, 4),
        ("1080p", 1920, 1080, 4),
    ]
    assert [row["min_face_px"] for row in measured["rows"]] == [28, 27, 40, 60, 27, 40, 60], "auto, as in a run"


@pytest.mark.slow
def test_the_stages_of_a_frame_make_up_its_time(measured: dict[str, Any]) -> None:
    for row in measured["rows"]:
        stages = {name: spread["median"] for name, spread in row["stages_ms"].items()}
        assert set(stages) == STAGES
        assert all(ms > 0 for ms in stages.values()), row
        assert all(spread["low"] <= spread["high"] for spread in row["stages_ms"].values())
        rate = row["frames_per_s"]
        assert 0 < rate["low"] <= rate["median"] <= rate["high"]
        frame_ms = 1000 / rate["median"]
        assert frame_ms < 3 * sum(stages.values()), "side by side is no slower than one after the other"
        assert frame_ms > (stages["detect"] + stages["track"] + stages["classify"]) / 3, "one thread does these three"


@pytest.mark.slow
def test_the_device_and_the_precision_are_those_really_used(measured: dict[str, Any]) -> None:
    device = measured["device"]
    assert device["name"]
    assert device["precision"] in ("bf16", "f16", "f32")
    assert device["kind"] in ("cpu", "gpu")
    assert device["reason"]


@pytest.mark.slow
def test_no_rate_is_promised_that_was_not_measured(measured: dict[str, Any]) -> None:
    (sentence,) = measured["advice"]["sentences"]
    assert "mine.mp4 (512×600, 1 face) does not reach 100000 frames/s here" in sentence
    best = max([measured["rows"][0]["frames_per_s"]["median"], *(one["frames_per_s"] for one in measured["advice"]["tried"])])
    assert f"{best:.3g}" in sentence


@pytest.mark.slow
def test_a_person_gets_a_table_and_what_to_type() -> None:
    done = facestream("bench", "--rate", "0.1", "--set", "detector.enabled=false", "--set", "detector.precision=f32", *QUICK)
    assert done.returncode == 0, done.stderr
    first, _, heading, *lines = done.stdout.splitlines()
    assert ", f32 (" in first
    assert set(heading.split()) >= STAGES | {"frames/s"}
    assert [line.split()[0] for line in lines[:6]] == ["480p", "720p", "1080p"] * 2
    assert len({len(line) for line in [heading, *lines[:6]]}) == 1, "aligned"
    assert "1080p (1920×1080, 0 faces) reaches 0.1 frames/s with the settings as they are" in done.stdout
    assert "--set" not in done.stdout, "nothing needs to be set"


@pytest.mark.parametrize(
    ("words", "code"), [(["none.mp4"], 1), (["97"], 1), (["--set", "detector.min_face=40"], 2), (["--model", "nobody"], 1)], ids=str
)
def test_rubbish_gets_one_sentence(words: list[str], code: int, tmp_path: Path) -> None:
    done = facestream("bench", *words, cwd=tmp_path)
    assert done.returncode == code
    assert is_one_sentence(done.stderr), done.stderr


def row(rate: float, min_face_px: int, *, live: bool = False, decode_ms: float = 1, encode_ms: float = 1) -> Row:
    """A measurement of a 720p source, as it might have come out."""
    ms = {"decode": decode_ms, "detect": 1000 / rate - 2, "track": 1, "classify": 1, "draw": 1, "encode": encode_ms}
    spreads = {stage: Spread(value, value, value) for stage, value in ms.items()}
    return Row("clip.mp4", 1280, 720, 1.0, min_face_px, live, 100, 0.0, Spread(rate, rate, rate), spreads)


def test_the_advice_is_the_first_smallest_face_that_reached_the_rate() -> None:
    rates = {80: 24.0, 160: 31.0}
    advice = advise(30, [(row(12, 40), lambda px: row(rates[px], px))], [])
    assert advice.sentences == [
        "clip.mp4 (1280×720, 1 face) reaches 30 frames/s with --set detector.min_face_px=160 (31; 80 px gave 24); "
        "smaller faces are then not looked for."
    ]
    assert [(one.min_face_px, one.frames_per_s) for one in advice.tried] == [(80, 24.0), (160, 31.0)]


def test_where_writing_is_the_slowest_no_larger_face_is_tried() -> None:
    (sentence,) = advise(30, [(row(20, 40, encode_ms=99), lambda px: pytest.fail("that would not help"))], []).sentences
    assert "does not reach 30 frames/s here: at most 20 was measured, and drawing and writing takes the longest there" in sentence


def test_a_smallest_face_that_loses_the_faces_is_no_advice() -> None:
    (sentence,) = advise(30, [(row(12, 40), lambda px: replace(row(90, px), faces=0.0))], []).sentences
    assert "does not reach 30 frames/s here: at most 12 was measured" in sentence
    assert "at 80 px its faces are no longer found" in sentence


def test_a_camera_that_sets_the_rate_itself_is_told_so() -> None:
    (sentence,) = advise(60, [(row(30, 40, live=True), lambda px: pytest.fail("that would not help"))], []).sentences
    assert "because the camera gives no more than 30" in sentence


def test_a_webcam_is_asked_for_the_largest_size_that_reached_the_rate() -> None:
    sizes = [
        replace(row(rate, 40), name=name, width=width) for rate, name, width in ((60, "480p", 854), (33, "720p", 1280), (9, "1080p", 1920))
    ]
    *_, last = advise(30, [(size, lambda px: row(10, px)) for size in sizes], sizes).sentences
    assert last.startswith("A webcam is asked for the size of 720p")
    assert "--set source.camera_width=1280 --set source.camera_height=720" in last


def test_a_short_clip_goes_on_as_one_whose_time_never_turns_back(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "short.mp4", times=[0, 2, 3, 7])
    source = RepeatSource(lambda: open_source(clip))
    frames = list(itertools.islice(source, 12))
    source.close()
    assert [frame.index for frame in frames] == list(range(12))
    steps = np.diff([frame.time_s for frame in frames])
    assert np.allclose(steps, [0.08, 0.04, 0.16, 0.16] * 2 + [0.08, 0.04, 0.16])


def test_a_camera_is_measured_at_its_own_pace(tmp_path: Path) -> None:
    measured = measure(DemoSource(rate=50, size=(320, 240)), Analyser(None, None), Settings(), 0.5, tmp_path, "camera")
    assert measured.live
    assert "decode" not in measured.stages_ms, "waiting for a camera is no work"
    assert 5 < measured.frames_per_s.median < 60


@pytest.mark.parametrize("written", ["854x480-1.mp4", "measured.mp4"])
def test_a_stopped_bench_leaves_nothing_whatever_it_is_writing(written: str, tmp_path: Path) -> None:
    with running("bench", "--seconds", "5", "--set", "detector.enabled=false", environment={"TMPDIR": str(tmp_path)}) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        deadline = time.monotonic() + 30
        while not list(tmp_path.glob(f"*/*{written}*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        told_at = time.monotonic()
        _, stderr = process.communicate(timeout=30)
        assert time.monotonic() - told_at < 2
    assert first.startswith("facestream ")
    assert (process.returncode, stderr) == (130, "")
    assert list(tmp_path.iterdir()) == []


def findings(stdout: str) -> dict[str, dict[str, str]]:
    """The doctor's JSON by check."""
    return {one["check"]: one for one in json.loads(stdout)["findings"]}


@pytest.mark.slow
def test_where_all_is_well_the_doctor_says_what_is_there(tmp_path: Path) -> None:
    done = facestream("doctor", "--json", cwd=tmp_path)
    found = findings(done.stdout)
    for check in ("Python", "packages", "this folder", "OpenCV", "decoders", "encoders", "H.264", "OpenVINO", "the job"):
        assert found[check]["state"] == "ok", found[check]
    assert found["display"]["state"] == "note", "no display is no fault"
    assert "DISPLAY" in found["display"]["found"]
    assert str(tmp_path) in found["this folder"]["found"]
    assert list(tmp_path.iterdir()) == []
    assert all(one["advice"] for one in found.values() if one["state"] == "problem")
    assert done.returncode == (1 if json.loads(done.stdout)["problems"] else 0)
    assert done.stderr == ""


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_and_a_display_that_does_not_open_are_problems() -> None:
    done = facestream("doctor", cwd=Path("/proc"), environment={"DISPLAY": ":97"})
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    for check, words in {"this folder": "nothing can be written here", "display": "the display :97 cannot be opened"}.items():
        at = next(number for number, line in enumerate(lines) if line.startswith(f"problem {check}"))
        assert words in lines[at]
        assert "→" in lines[at + 1], "what to do"
    assert lines[-1].startswith("2 problems, ")


def test_libraries_that_do_not_load_or_end_the_process_are_findings(tmp_path: Path) -> None:
    """Real modules in the place of OpenCV, as on a bare Linux, and of OpenVINO, as on a processor that lacks an instruction."""
    why = "libGL.so.1: cannot open shared object file: No such file or directory"
    (tmp_path / "cv2.py").write_text(f"raise ImportError({why!r})\n", encoding="utf-8")
    (tmp_path / "openvino.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n", encoding="utf-8")
    done = facestream("doctor", "--json", cwd=tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr == ""
    found = findings(done.stdout)
    assert (found["OpenCV"]["state"], found["OpenCV"]["advice"]) == ("problem", "sudo apt-get install libgl1")
    assert "libGL.so.1" in found["OpenCV"]["found"]
    assert found["cameras"]["found"] == "not checked, because OpenCV does not work"
    assert found["OpenVINO"]["state"] == "problem"
    assert "signal 4" in found["OpenVINO"]["found"]
    assert found["HEIC photos"]["state"] in ("ok", "note"), "it goes on to the end"
