"""A line for each track when it is over."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from stream.faces import Analysis, Face, Person
from stream.frame import Frame, SourceInfo
from stream.sinks.events import EventsSink
from stream.sinks.result import Result

IMAGE = np.zeros((90, 160, 3), np.uint8)
FRONTAL = np.array([[40, 40], [60, 40], [50, 50], [42, 60], [58, 60]], np.float32)
TURNED = np.array([[40, 40], [60, 40], [62, 50], [42, 60], [58, 60]], np.float32)


def face(track: int, side: float, landmarks: np.ndarray = FRONTAL, **more: object) -> Face:
    return Face(np.array([30, 30, 30 + side, 30 + side], np.float32), 0.9, landmarks, track=track, **more)  # type: ignore[arg-type]


def result(index: int, *faces: Face, source: str = "clip.mp4", still: bool = False) -> Result:
    frame = Frame.of_image(IMAGE, source=source, captured_at=0.0, index=index, pts=index, time_base=Fraction(1, 10))
    return Result(frame, Analysis(source, index, frame.time_s, faces, forget_after_s=1.0), SourceInfo(source, still=still))


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_track_has_its_line_when_it_is_over_and_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = EventsSink(path, tracks_over_after_s=1.0)
    for index in range(10):
        sink.write(result(index, face(1, 40, TURNED if index == 7 else FRONTAL, age_s=index / 10 + 0.2, label="face", probability=0.9)))
    sink.write(result(10, face(1, 80, state="predicted", age_s=1.2, label="face", probability=0.9, certainty=0.99)))
    for index in range(11, 30):
        sink.write(result(index, face(2, 20 + index, age_s=(index - 11) / 10)))
    told = [line for line in lines(path) if line.get("kind") == "track"]
    assert told == [
        {
            "source": "clip.mp4", "kind": "track", "track": 1, "first_s": -0.2, "last_s": 1.0, "frames": 11, "best_frame": 0,
            "label": "face", "probability": 0.9, "certainty": 0.99,
        }
    ]  # fmt: skip
    sink.close()
    last = lines(path)[-1]
    assert (last["track"], last["first_s"], last["last_s"], last["frames"], last["best_frame"]) == (2, 1.1, 2.9, 19, 29)
    assert "label" not in last
    assert len(lines(path)) == 32


def test_who_a_track_is_is_told_as_it_was_decided_last(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    sink = EventsSink(path, tracks_over_after_s=1.0)
    for index, person in enumerate((None, Person(None, 0.4, 2), Person("Ada", 6.2, 5))):
        one = result(index, face(1, 40, person=person))
        sink.write(replace(one, analysis=replace(one.analysis, knows_people=True)))
    sink.close()
    assert lines(path)[-1]["person"] == {"name": "Ada", "score": 6.2, "looks": 5}


def test_nobody_gets_them_unasked_and_photos_have_none(tmp_path: Path) -> None:
    for name, asked, still in (("a", False, False), ("b", True, True)):
        sink = EventsSink(tmp_path / name, tracks_over_after_s=1.0 if asked else None)
        sink.write(result(0, face(1, 40), still=still))
        sink.close()
        assert [line.get("kind") for line in lines(tmp_path / name)] == [None]


def test_the_tracks_of_two_sources_are_apart(tmp_path: Path) -> None:
    sink = EventsSink(tmp_path / "events.jsonl", tracks_over_after_s=1.0)
    for source in ("a", "b", "a"):
        sink.write(result(0, face(1, 40), source=source))
    sink.close()
    assert {line["source"]: line["frames"] for line in lines(tmp_path / "events.jsonl") if line.get("kind")} == {"a": 2, "b": 1}


def test_another_source_of_the_same_name_has_tracks_of_its_own(tmp_path: Path) -> None:
    sink = EventsSink(tmp_path / "events.jsonl", tracks_over_after_s=1.0)
    for index in (0, 1, 2, 0, 1):
        sink.write(result(index, face(1, 40)))
    sink.close()
    assert [line["frames"] for line in lines(tmp_path / "events.jsonl") if line.get("kind")] == [3, 2]
