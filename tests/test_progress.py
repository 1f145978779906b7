"""Long work says how far it is and how long it still takes."""

from __future__ import annotations

import re

import pytest

from stream import progress


def test_without_a_terminal_a_line_tells_the_time_left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with progress.Told() as told:
        for done in range(1, 4):
            told("training", done, 1000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "training: 1 of 1000", "of what has just begun nobody knows how long it takes"
    assert re.fullmatch(r"training: 3 of 1000, about \d+ s left", lines[2])
