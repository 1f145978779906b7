"""A picture's end is known before the next one begins, and never taken for certain before it has proved so."""

from __future__ import annotations

import pytest

from stream.sources.access_units import TRIALS, AccessUnits

AUD, KEY, SLICE, FILLER = 0x09, 0x65, 0x41, 0x0C


def nal(head: int, size: int = 100) -> bytes:
    return b"\0\0\0\1" + bytes([head]) + bytes([7]) * (size - 1)


def rest(size: int) -> bytes:
    """The continuation of a slice that did not fit into one packet."""
    return bytes([7]) * size


def given(units: AccessUnits, fragments: list[bytes], ticks: int) -> list[tuple[int, int | None]]:
    """At which fragment (0 the first) which picture was given."""
    return [(number, unit[0]) for number, data in enumerate(fragments) for unit in units.add(data, ticks)]


def learnt(fragments: list[bytes]) -> AccessUnits:
    units = AccessUnits(hevc=False)
    for ticks in range(TRIALS + 2):
        given(units, fragments, ticks)
    return units


@pytest.mark.parametrize(
    "fragments",
    [
        [nal(AUD, 2), nal(SLICE)],
        [nal(SLICE, 90), nal(SLICE, 110)],
        [nal(AUD, 2), nal(SLICE, 1400), rest(1398), rest(20)],
        [nal(SLICE, 1400), rest(700), nal(SLICE, 1400), rest(30)],
    ],
    ids=["one packet", "two slices", "fragments", "fragments of two slices"],
)
def test_a_picture_is_given_with_its_last_fragment_once_that_has_proved_right(fragments: list[bytes]) -> None:
    units = AccessUnits(hevc=False)
    assert given(units, fragments, 0) == []
    for ticks in range(1, TRIALS):
        assert given(units, fragments, ticks) == [(0, ticks - 1)], "until then with the first of the next"
    units = learnt(fragments)
    last = len(fragments) - 1
    assert given(units, fragments, 100)[-1] == (last, 100)
    assert given(units, fragments, 101) == [(last, 101)]


def test_what_is_given_is_what_came() -> None:
    units = learnt([nal(SLICE, 1400), rest(20)])
    assert units.add(nal(SLICE, 1400), 100) == []
    assert units.add(rest(20), 100) == [(100, nal(SLICE, 1400) + rest(20))]
    assert units.add(nal(FILLER), 100) == [], "filler behind a picture is not needed"
    assert units.add(nal(SLICE, 1400), 101) == []


def test_a_last_fragment_as_long_as_the_others_is_not_taken_for_one() -> None:
    units = learnt([nal(SLICE, 1400), rest(20)])
    assert given(units, [nal(SLICE, 1400), rest(1398)], 100) == []
    assert given(units, [nal(SLICE, 1400), rest(1398), rest(20)], 101) == [(0, 100), (2, 101)]


def test_a_kind_of_picture_not_seen_before_is_waited_for() -> None:
    units = learnt([nal(SLICE)])
    assert given(units, [nal(KEY), nal(KEY)], 100) == []
    assert given(units, [nal(SLICE)], 101) == [(0, 100), (0, 101)]
    assert given(units, [nal(KEY), nal(KEY)], 102) == [(1, 102)], "two slices, as before"


def test_a_mistake_makes_it_wait_for_longer_than_before() -> None:
    units = learnt([nal(SLICE)])
    assert given(units, [nal(SLICE), nal(SLICE)], 100) == [(0, 100)], "the second slice came for a mistake: nobody could know"
    for ticks in range(101, 101 + 2 * TRIALS):
        given(units, [nal(SLICE), nal(SLICE)], ticks)
    assert given(units, [nal(SLICE), nal(SLICE)], 200) == [(0, 150)], "still as a careful reader"
    for ticks in range(201, 201 + 10 * TRIALS):
        given(units, [nal(SLICE), nal(SLICE)], ticks)
    assert given(units, [nal(SLICE), nal(SLICE)], 1000)[-1] == (1, 1000)


def test_fragments_without_a_time_belong_to_the_picture_before() -> None:
    units = learnt([nal(SLICE), nal(SLICE)])
    assert units.add(nal(SLICE), 100) == []
    assert units.add(nal(SLICE), None) == [(100, nal(SLICE) + nal(SLICE))]


def test_h265_has_other_numbers() -> None:
    def h265(kind: int) -> bytes:
        return b"\0\0\0\1" + bytes([kind << 1, 1]) + bytes(50)

    units = AccessUnits(hevc=True)
    pictures = [[h265(32), h265(33), h265(34), h265(19)], [h265(1)]]  # parameter sets and a key picture; another
    for ticks in range(2 * TRIALS):
        given(units, pictures[ticks % 2], ticks)
    assert given(units, pictures[0], 1000)[-1] == (3, 1000)
    assert given(units, pictures[1], 1001)[-1] == (0, 1001)


def first(head: int, size: int = 100) -> bytes:
    """The slice with which a picture begins."""
    return nal(head, size)[:5] + b"\x88" + bytes([7]) * (size - 2)


def test_pictures_of_one_time_are_told_apart_by_their_first_slices() -> None:
    units = AccessUnits(hevc=False)
    pictures = [
        [nal(0x67), nal(0x68), first(KEY, 1400), rest(30), nal(KEY)],
        [first(SLICE), nal(SLICE)],
        [nal(AUD, 2), first(SLICE), nal(SLICE)],
    ]
    sent = [b"".join(fragments) for fragments in pictures * 40]
    given_pictures = [unit for fragments in pictures * 40 for data in fragments for unit in units.add(data, 7)]
    assert [ticks for ticks, _ in given_pictures] == [7] * len(given_pictures)
    assert [data for _, data in given_pictures] == sent[: len(given_pictures)]
    assert len(given_pictures) >= len(sent) - 1


def test_h265_pictures_of_one_time_are_told_apart() -> None:
    def h265(kind: int, is_first: bool) -> bytes:
        return b"\0\0\0\1" + bytes([kind << 1, 1, 0x80 if is_first else 0x10]) + bytes([7]) * 50

    units = AccessUnits(hevc=True)
    picture = [h265(1, True), h265(1, False)]
    assert [unit for _ in range(10) for data in picture for unit in units.add(data, 0)] == [(0, b"".join(picture))] * 9
