"""What is costly to make is made for sizes that come often, and only for those."""

from __future__ import annotations

from models.detection.size_cache import SIZES_REMEMBERED, SizeCache


def made_for(things: SizeCache[str], sizes: list[int], times: int) -> list[int]:
    """Which sizes something was made for, when each came `times` times in turn."""
    made: list[int] = []
    for _ in range(times):
        for size in sizes:
            got = things.get((size, size, 20), 1, lambda size=size: made.append(size) or f"for {size}")  # type: ignore[func-returns-value]
            assert got in (None, f"for {size}")
    return made


def test_a_size_gets_its_thing_once_it_came_more_often_than_so_many_times() -> None:
    things = SizeCache[str](3, kept=2)
    assert made_for(things, [1, 2], 3) == []
    assert made_for(things, [2], 5) == [2]
    assert made_for(things, [1, 2], 2) == [1]


def test_pictures_that_come_together_count_one_by_one() -> None:
    things = SizeCache[str](3, kept=2)
    assert things.get((9, 9, 20), 4, lambda: "made") == "made"


def test_an_expected_size_has_its_thing_at_once() -> None:
    things = SizeCache[str](3, kept=2)
    assert things.expect((1, 1, 20), lambda: "for 1") == "for 1"
    assert made_for(things, [1], 1) == []


def test_that_nothing_can_be_made_for_a_size_is_found_out_once() -> None:
    things = SizeCache[str | None](1, kept=2)
    asked: list[int] = []
    for number in range(5):
        assert things.get((9, 9, 20), 1, lambda number=number: asked.append(number)) is None  # type: ignore[func-returns-value]
    assert asked == [1]


def test_more_frequent_sizes_than_are_kept_are_not_made_anew_for_each_picture() -> None:
    things = SizeCache[str](9, kept=2)
    assert len(made_for(things, [1, 2, 3], 100)) <= 30
    assert len(things.made) == 2


def test_a_size_that_does_not_come_for_long_is_forgotten() -> None:
    things = SizeCache[str](2, kept=2)
    assert made_for(things, [0], 2) == []
    assert made_for(things, list(range(1, SIZES_REMEMBERED + 1)), 1) == []
    assert made_for(things, [0], 2) == []
    assert made_for(things, [0], 1) == [0]
