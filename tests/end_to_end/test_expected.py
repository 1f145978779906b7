"""What the odd pictures and videos should give, by people's own count: `expected.csv` of the folder of real photos and videos."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.command import facestream


def expected(data_dir: Path, under: str) -> dict[str, str]:
    with (data_dir / "expected.csv").open(encoding="utf-8") as file:
        return {row["file"]: row["expected"] for row in csv.DictReader(file) if row["file"].startswith(under)}


def faces_by_source(text: str, data_dir: Path) -> dict[str, list[int]]:
    """How many faces each frame has, by the source's path below the data's folder."""
    found: dict[str, list[int]] = {}
    for line in text.splitlines():
        event = json.loads(line)
        found.setdefault(Path(event["source"]).relative_to(data_dir).as_posix(), []).append(len(event["faces"]))
    return found


@pytest.mark.slow
def test_odd_pictures_show_the_faces_they_should(data_dir: Path) -> None:
    rows = expected(data_dir, "image_odd/derived/")
    assert rows
    done = facestream("run", data_dir / "image_odd" / "derived", "--events", "-")
    found = faces_by_source(done.stdout, data_dir)
    wrong = {}
    for name, says in rows.items():
        counts = found.get(name, [])
        if says == "error message":
            right = not counts and Path(name).name in done.stderr
        elif "error" in says:  # "1, or a clear error"
            right = counts == [1] or Path(name).name in done.stderr
        elif "first frame" in says:
            right = counts[:1] == [1] and 0 in counts
        elif " or " in says:
            right = counts in ([0], [1])
        else:
            right = counts == [int(says.split()[0])]
        if not right:
            wrong[name] = (says, counts)
    assert not wrong
    assert done.returncode == 1, "two of them are no pictures"


@pytest.mark.slow
def test_odd_videos_give_what_they_should(data_dir: Path) -> None:
    def counts(name: str) -> list[int]:
        done = facestream("run", data_dir / name, "--events", "-", "--set", "detector.min_face_px=40")
        assert done.returncode == 0, done.stderr
        return faces_by_source(done.stdout, data_dir)[name]

    folder = "video/derived"
    leaves = counts(f"{folder}/face_leaves_returns.mp4")
    assert (leaves[:30], leaves[30:60], leaves[60:]) == ([1] * 30, [0] * 30, [1] * 30)
    assert counts(f"{folder}/no_face_blank.mp4") == [0] * 45
    assert counts(f"{folder}/one_frame.mp4") == [1]
    for name in ("rotmeta_90.mp4", "rotmeta_180.mp4"):
        found = counts(f"{folder}/{name}")
        assert found == [1] * len(found), "upright once the rotation is honoured"
    for name in ("bottle-detection.mp4", "car-detection.mp4"):
        found = counts(f"video/intel_scenes/{name}")
        assert sum(found) <= 0.01 * len(found), "nobody is there"


def test_videos_that_are_none_are_refused_in_a_sentence(data_dir: Path) -> None:
    rows = expected(data_dir, "video/")
    names = [name for name, says in rows.items() if says == "error message"]
    assert len(names) >= 4
    done = facestream("run", *(data_dir / name for name in names))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(Path(name).name in done.stderr for name in names)
