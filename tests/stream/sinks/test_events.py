"""Events are lines of JSON that other programs can read while the run goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.errors import SinkError
from stream.faces import Analysis, Face, Person
from stream.frame import Frame, SourceInfo
from stream.sinks.events import EventsSink
from stream.sinks.result import Result
from tests.paths import ROOT

LANDMARKS = np.array([[540.12, 190.2], [604.7, 189.5], [571, 224.8], [545.3, 251.6], [600.2, 250.9]], np.float32)
BOX = np.array([512.21, 130.89, 634, 287.4], np.float32)


def result(*faces: Face, live: bool = False, source: str = "clip.mp4") -> Result:
    image = np.zeros((720, 1280, 3), np.uint8)
    frame = Frame.of_image(image, source=source, captured_at=time.monotonic() - 1, index=12, pts=12, time_base=Fraction(1, 25))
    return Result(frame, Analysis(source, 12, frame.time_s, faces), SourceInfo(source, live=live))


def test_a_line_says_all_that_was_found(tmp_path: Path):
    probabilities = {"not face": 0.031, "face": 0.969}
    sink = EventsSink(tmp_path / "new/events.jsonl")
    sink.write(result(Face(BOX, 0.99834, LANDMARKS, track=1, label="face", probability=0.969, probabilities=probabilities)))
    line = (tmp_path / "new/events.jsonl").read_text()  # before it is closed: readers follow along
    assert line.endswith("}\n")
    assert json.loads(line) == {
        "source": "clip.mp4",
        "frame": 12,
        "time_s": 0.48,
        "width": 1280,
        "height": 720,
        "faces": [
            {
                "track": 1,
                "box": [512.2, 130.9, 634.0, 287.4],
                "score": 0.9983,
                "landmarks": [[540.1, 190.2], [604.7, 189.5], [571.0, 224.8], [545.3, 251.6], [600.2, 250.9]],
                "label": "face",
                "probability": 0.969,
                "probabilities": probabilities,
                "state": "found",
                "age_s": 0.0,
            }
        ],
    }
    sink.close()
    sink.close()


def test_no_faces_is_an_empty_list_and_no_classifier_no_label(tmp_path: Path):
    sink = EventsSink(tmp_path / "events.jsonl")
    sink.write(result())
    sink.write(result(Face(BOX, 0.9, LANDMARKS)))
    sink.close()
    first, second = map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines())
    assert first["faces"] == []
    assert second["faces"][0]["track"] is None
    assert not {"label", "probability", "probabilities"} & set(second["faces"][0])


def test_who_it_is_is_told_only_where_people_are_known_and_null_is_undecided(tmp_path: Path):
    box, landmarks = np.array([0, 0, 9, 9], np.float32), np.zeros((5, 2), np.float32)
    persons = (Person("Ada", 6.2149, 8), Person(None, 0.4, 3), None)
    known = result(*(Face(box, 0.9, landmarks, person=person) for person in persons))
    sink = EventsSink(tmp_path / "events.jsonl")
    sink.write(replace(known, analysis=replace(known.analysis, knows_people=True)))
    sink.write(known)
    sink.close()
    told, untold = (json.loads(line)["faces"] for line in (tmp_path / "events.jsonl").read_text().splitlines())
    assert [face["person"] for face in told] == [
        {"name": "Ada", "score": 6.21, "looks": 8}, {"name": None, "score": 0.4, "looks": 3}, None,
    ]  # fmt: skip
    assert not any("person" in face for face in untold)


def test_live_sources_say_when_the_picture_arrived(tmp_path: Path):
    sink = EventsSink(tmp_path / "events.jsonl")
    sink.write(result(live=True))
    sink.close()
    utc = datetime.fromisoformat(json.loads((tmp_path / "events.jsonl").read_text())["utc"])
    assert 0.9 < (datetime.now(UTC) - utc).total_seconds() < 5


def test_a_name_that_is_no_text_is_still_json(tmp_path: Path):
    sink = EventsSink(tmp_path / "events.jsonl")
    sink.write(result(source="日本-\udcff.mp4"))
    sink.close()
    assert json.loads((tmp_path / "events.jsonl").read_bytes().decode("utf-8"))["source"] == "日本-\udcff.mp4"


def test_standard_output_takes_lines_and_stays_open(capsys: pytest.CaptureFixture[str]):
    sink = EventsSink("-")
    sink.write(result())
    sink.close()
    print("after")
    line, after = capsys.readouterr().out.splitlines()
    assert json.loads(line)["frame"] == 12
    assert after == "after"


def test_a_reader_that_goes_away_ends_the_output_quietly():
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.stream.sinks.test_events import EventsSink, result\n"
        "sink = EventsSink('-')\nfor _ in range(5000): sink.write(result())\nsink.close()\nsys.stderr.write('to the end')"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b"to the end"
    process.stderr.close()
    assert process.wait(30) == 0


def test_what_is_there_already_is_not_replaced(tmp_path: Path):
    path = tmp_path / "events.jsonl"
    path.write_text("precious")
    with pytest.raises(SinkError, match=r"events\.jsonl: exists already; add --overwrite"):
        EventsSink(path)
    assert path.read_text() == "precious"
    EventsSink(path, overwrite=True).close()
    assert path.read_text() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full, which plays the full disk")
def test_a_full_disk_is_one_sentence():
    sink = EventsSink("/dev/full", overwrite=True)
    with pytest.raises(SinkError, match=r"/dev/full: cannot be written \(No space left on device\)"):
        sink.write(result())
    sink.close()
