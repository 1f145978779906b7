"""A file of events is read in step with the frames, and what is no event of these frames is refused."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from stream.errors import SourceError, UsageError
from stream.replay.saved import Reading, SavedEvents

FACE = {
    "track": 1,
    "box": [10.1, 20.0, 30.0, 50.0],
    "score": 0.9,
    "landmarks": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]],
    "state": "found",
    "age_s": 0.0,
}


def line(frame: int, source: str = "clip.mp4", **more: Any) -> dict[str, Any]:
    return {"source": source, "frame": frame, "time_s": frame / 25, "width": 64, "height": 48, "faces": [FACE], **more}


def saved(path: Path, *lines: dict[str, Any]) -> SavedEvents:
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    return SavedEvents(path)


def read(events: SavedEvents, name: str, mark: str | None = None) -> Reading:
    begin = events.find(name, mark)
    assert begin is not None
    return Reading(events.path, begin)


def test_each_frame_gets_its_own_event(tmp_path: Path) -> None:
    """Of two sources whose lines are mixed, some missing, with lines of tracks between them."""
    lines = [line(0), line(0, "b.mp4"), line(1), {"source": "clip.mp4", "kind": "track", "track": 1}, line(3), line(1, "b.mp4"), line(4)]
    events = saved(tmp_path / "faces.jsonl", *lines)
    reading = read(events, "clip.mp4")
    found = [reading.of(index) for index in range(6)]
    assert [None if one is None else one.index for one in found] == [0, 1, None, 3, 4, None]
    assert found[0] is not None
    (face,) = found[0].faces
    assert face.box.tolist() == pytest.approx([10.1, 20, 30, 50])
    other = read(events, "b.mp4")
    assert [other.of(index) is not None for index in range(3)] == [True, True, False]


def test_a_file_is_found_by_its_fingerprint_then_by_its_name(tmp_path: Path) -> None:
    events = saved(tmp_path / "e", line(0, fingerprint="1-10-a"), line(1), line(0, fingerprint="1-20-b", faces=[]), line(1, faces=[]))
    for name in ("clip.mp4", "moved.mp4"):
        first, second = (read(events, name, mark).of(0) for mark in ("1-10-a", "1-20-b"))
        assert first is not None
        assert second is not None
        assert (len(first.faces), len(second.faces)) == (1, 0), "one name, two files, one after the other"
    with pytest.raises(UsageError, match="fingerprint"):
        events.find("clip.mp4", "1-30-c")
    assert events.find("other.mp4", "1-30-c") is None
    assert events.find("other.mp4", None) is None


def test_events_without_a_fingerprint_are_found_by_name(tmp_path: Path) -> None:
    assert saved(tmp_path / "e", line(0)).find("clip.mp4", "1-30-c") is not None


def test_a_run_that_was_added_to_the_file_is_another(tmp_path: Path) -> None:
    reading = read(saved(tmp_path / "e", line(0), line(1), line(0), line(1), line(2)), "clip.mp4")
    assert [reading.of(index) is not None for index in range(3)] == [True, True, False]


def test_what_is_no_file_of_events_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "e"
    os.mkfifo(tmp_path / "pipe")
    for content in (b"", b"\n", b"{}\n{}\n", b"[1]\n", b"\x00\xff\n", b'{"kind": "track"}\n', b"[" * 100_000):
        path.write_bytes(content)
        with pytest.raises(UsageError):
            SavedEvents(path)
    for place in (tmp_path / "none", tmp_path / "pipe", tmp_path):
        with pytest.raises(UsageError):
            SavedEvents(place)


def test_only_the_last_line_may_be_cut(tmp_path: Path) -> None:
    path = tmp_path / "e"
    whole = json.dumps(line(0)).encode() + b"\n"
    path.write_bytes(whole + whole.replace(b'"frame": 0', b'"frame": 1')[:50])
    events = SavedEvents(path)
    assert "cut off" in events.notes[0]
    assert read(events, "clip.mp4").of(0) is not None
    assert read(events, "clip.mp4").of(1) is None
    path.write_bytes(b"\n" + whole + b"\r\n")
    assert not SavedEvents(path).notes, "an empty line is no matter"
    path.write_bytes(whole + whole[:50] + b"\n" + whole)
    with pytest.raises(SourceError, match="line 2"):
        SavedEvents(path)


@pytest.mark.parametrize(
    "wrong",
    [
        {"box": [1, 2, 3]},
        {"box": [1, 2, "x", 4]},
        {"box": [30, 2, 3, 4]},
        {"box": [1, 2, float("nan"), 4]},
        {"box": [1, 2, 10**400, 4]},
        {"box": None},
        {"score": "high"},
        {"score": float("inf")},
        {"landmarks": [[1, 2]] * 4},
        {"track": "one"},
        {"state": "seen"},
        {"label": 7},
        {"probabilities": [1]},
        {"person": "Ada"},
        {"person": {"name": 7, "score": 1, "looks": 2}},
    ],
)
def test_a_face_that_no_run_wrote_is_named_by_its_line(tmp_path: Path, wrong: dict[str, Any]) -> None:
    reading = read(saved(tmp_path / "e", line(0), line(1, faces=[FACE | wrong])), "clip.mp4")
    assert reading.of(0) is not None
    with pytest.raises(SourceError, match="line 2"):
        reading.of(1)


def test_events_are_never_all_in_memory(tmp_path: Path) -> None:
    path, text = tmp_path / "e", json.dumps(line(10**6))
    path.write_text("".join(text.replace("1000000", str(frame)) + "\n" for frame in range(4000)))
    tracemalloc.start()
    try:
        reading = read(SavedEvents(path), "clip.mp4")
        assert all(reading.of(frame) is not None for frame in range(0, 4000, 10))
        assert tracemalloc.get_traced_memory()[1] < 3e5, "of a megabyte and a half"
    finally:
        tracemalloc.stop()
