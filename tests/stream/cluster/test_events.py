"""Events of many groups: files that never clash, and one stream of all of them."""

from __future__ import annotations

import itertools
import json
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from stream.cluster.daily_events import DailyEvents
from stream.cluster.follow import followed, merged
from stream.errors import SinkError
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.sinks.result import Result
from tests.media import picture

CAMERA = SourceInfo("door", live=True)


def result(number: int) -> Result:
    frame = Frame.of_image(picture(number), source="door", captured_at=0.0, index=number, pts=number, time_base=Fraction(1, 25))
    return Result(frame, Analysis("door", number, 0.0), CAMERA)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_day_and_each_run_has_a_file_and_each_line_says_who_looked(tmp_path: Path) -> None:
    days = iter([date(2026, 11, 25)] * 3 + [date(2026, 11, 26)] + [date(2026, 11, 25)] + [date(2026, 11, 26)])
    sink = DailyEvents(tmp_path, "south-g07", "abcd", "n2", day=lambda: next(days))
    for number in range(5):
        sink.write(result(number))
    sink.close()
    first, second = sorted(tmp_path.iterdir())
    assert (first.name, second.name) == ("south-g07-20261125-abcd.jsonl", "south-g07-20261126-abcd.jsonl")
    assert [line["frame"] for line in lines(first)] == [0, 1]
    assert [line["frame"] for line in lines(second)] == [2, 3, 4], "a clock that is set back goes on with the file that is open"
    assert {(line["run"], line["node"]) for path in (first, second) for line in lines(path)} == {("abcd", "n2")}


def test_what_is_there_is_never_replaced(tmp_path: Path) -> None:
    there = tmp_path / "south-g07-20261125-abcd.jsonl"
    there.write_text("kept\n")
    with pytest.raises(SinkError, match="exists"):
        DailyEvents(tmp_path, "south-g07", "abcd", "n2", day=lambda: date(2026, 11, 25))
    assert there.read_text() == "kept\n"


def write(folder: Path, group: str, *seconds: int, rest: str = "", site: str = "south") -> Path:
    path = folder / f"{site}-{group}-20261125-abcd.jsonl"
    with path.open("a") as file:
        file.writelines(json.dumps({"group": group, "utc": f"2026-11-25T08:00:{second:02}.000Z"}) + "\n" for second in seconds)
        file.write(rest)
    return path


def told(all_: list[str]) -> list[tuple[str, int]]:
    return [(line["group"], int(line["utc"][17:19])) for line in map(json.loads, all_)]


def test_events_of_all_groups_come_in_the_order_of_time(tmp_path: Path) -> None:
    write(tmp_path, "g01", 1, 4, 5, rest='{"group": "g01", "ut')  # its node died in the midst of a line
    write(tmp_path, "g02", 2, 3, 6)
    write(tmp_path, "g01", 0, site="north")
    assert told(list(merged(tmp_path, "south"))) == [("g01", 1), ("g02", 2), ("g02", 3), ("g01", 4), ("g01", 5), ("g02", 6)]
    assert list(merged(tmp_path / "nothing", "south")) == []


def test_who_follows_gets_what_comes_whole_and_in_order(tmp_path: Path) -> None:
    write(tmp_path, "g01", 1, 2)
    rounds = iter(["first", "second"])

    def wait(seconds: float) -> None:
        if next(rounds) == "first":
            write(tmp_path, "g01", 5, rest='{"group": "g01", ')
            write(tmp_path, "g02", 3, 4)
        else:
            write(tmp_path, "g01", rest='"utc": "2026-11-25T08:00:09.000Z"}\n')

    assert told(list(itertools.islice(followed(tmp_path, "south", wait=wait), 4))) == [("g02", 3), ("g02", 4), ("g01", 5), ("g01", 9)]
