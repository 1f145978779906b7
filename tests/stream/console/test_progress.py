"""Long work says how far it is and how long it still takes."""

from __future__ import annotations

import re

import pytest

from stream.console import progress


def test_without_a_terminal_a_line_tells_the_time_left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY_SHARE", 0.0)
    with progress.ProgressReporter() as told:
        for done in range(1, 4):
            told("training", done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "training: 1 of 1000", "of what has just begun nobody knows how long it takes"
    assert re.fullmatch(r"training: 3 of 1000, about \d+ s left", lines[2])


def test_work_whose_rate_is_of_interest_tells_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY_SHARE", 0.0)
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.ProgressReporter() as told:
        told("photos", 200, 1000, tells_rate=True)
        now += 20.0
        told("photos", 300, 1000, tells_rate=True)
    assert capsys.readouterr().err.splitlines()[1] == "photos: 300 of 1000, 5/s, about 2 min left"


def test_a_camera_tells_its_frames_now_and_then_and_ever_less_often(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.ProgressReporter() as told:
        for now in range(4000):
            told("door", now, None, "frames")
            told("clip", now, 4000, "frames")
    lines = capsys.readouterr().err.splitlines()
    door = [int(line.removeprefix("door: ").removesuffix(" frames")) for line in lines if line.startswith("door")]
    assert len(door) < 100
    assert door[-1] - door[-2] > 300, "a tenth of the time that it has been going on"
    assert any(line.startswith("clip: 2") and " of about 4000 frames, about " in line for line in lines), "each has lines of its own"
