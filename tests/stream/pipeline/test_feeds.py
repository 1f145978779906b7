"""What the feeds promise: order, nothing lost, newest wins, nobody waits for ever."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.pipeline.feeds import LatestFeed, LosslessFeed, wait_for_any


def in_thread(work: object) -> threading.Thread:
    thread = threading.Thread(target=work)  # type: ignore[arg-type]
    thread.start()
    return thread


def take_all(feed: LosslessFeed[int] | LatestFeed[int], condition: threading.Condition, most: int = 1) -> list[int]:
    taken: list[int] = []
    while wait_for_any(condition, lambda: [feed], 5) and not feed.ended:
        taken += feed.take(most)
    return taken


@given(size=st.integers(1, 5), count=st.integers(0, 50), most=st.integers(1, 7))
def test_a_lossless_feed_hands_on_everything_in_order(size: int, count: int, most: int) -> None:
    condition = threading.Condition()
    feed: LosslessFeed[int] = LosslessFeed(size, condition)

    def give() -> None:
        for number in range(count):
            assert feed.give(number)
            assert feed.waiting <= size
        feed.end()

    giver = in_thread(give)
    assert take_all(feed, condition, most) == list(range(count))
    giver.join()


def test_a_lossless_feed_holds_no_more_than_its_capacity_but_always_one() -> None:
    feed: LosslessFeed[float] = LosslessFeed(10, weigh=lambda item: item, capacity=100)
    assert feed.give(500)  # heavier than all that is allowed, yet it must get through
    gave = threading.Event()
    giver = in_thread(lambda: feed.give(60) and feed.give(60) and gave.set())
    assert not gave.wait(0.1)
    assert feed.take(5) == [500]
    assert not gave.wait(0.1), "two of 60 exceed 100"
    assert feed.take(5) == [60]
    assert gave.wait(2)
    giver.join()


def test_a_feed_says_whether_as_much_is_there_as_there_will_be() -> None:
    condition = threading.Condition()
    feed: LosslessFeed[float] = LosslessFeed(10, condition, weigh=lambda item: item, capacity=100)
    assert feed.give(40)
    assert feed.give(40)
    assert not feed.holds(3)
    giver = in_thread(lambda: feed.give(40))
    with condition:
        assert condition.wait_for(lambda: feed.holds(3), 5), "a third one waits for room: no more fit in"
    assert feed.take(2) == [40, 40]
    giver.join()
    assert not feed.holds(2)
    feed.end()
    assert feed.holds(2), "nothing more comes"


def test_the_newest_wins_and_the_others_are_counted() -> None:
    dropped: list[int] = []
    feed: LatestFeed[int] = LatestFeed(on_drop=dropped.append)
    for number in range(10):
        feed.give(number)
    assert feed.take() == [9]
    assert feed.take() == []
    assert dropped == list(range(9))


@given(count=st.integers(0, 200))
def test_what_a_latest_feed_gives_and_drops_is_what_it_got(count: int) -> None:
    condition = threading.Condition()
    dropped: list[int] = []
    feed: LatestFeed[int] = LatestFeed(condition, dropped.append)

    def give() -> None:
        for number in range(count):
            feed.give(number)
        feed.end()

    giver = in_thread(give)
    taken = take_all(feed, condition)
    giver.join()
    assert taken == sorted(taken)
    assert sorted(taken + dropped) == list(range(count))
    assert taken[-1:] == list(range(count))[-1:], "the last one is never lost"


def test_a_giver_that_waits_is_let_go_when_the_feed_is_abandoned() -> None:
    feed: LosslessFeed[int] = LosslessFeed(1)
    feed.give(1)
    answers: list[bool] = []
    giver = in_thread(lambda: answers.append(feed.give(2)))
    assert feed.abandon() == [1]
    giver.join(2)
    assert answers == [False]
    assert feed.ended


@pytest.mark.parametrize("make", [lambda: LatestFeed(), lambda: LosslessFeed(3)])
def test_an_ended_feed_takes_no_more_but_gives_what_it_has(make: object) -> None:
    feed = make()  # type: ignore[operator]
    feed.give(1)
    feed.end()
    assert not feed.ended
    assert not feed.give(2)
    assert feed.take() == [1]
    assert feed.ended


def test_one_thread_waits_for_several_feeds() -> None:
    condition = threading.Condition()
    quiet: LatestFeed[int] = LatestFeed(condition)
    busy: LatestFeed[int] = LatestFeed(condition)
    assert not wait_for_any(condition, lambda: [quiet, busy], 0.01)
    giver = in_thread(lambda: busy.give(1))
    assert wait_for_any(condition, lambda: [quiet, busy], 5)
    giver.join()
    quiet.end()
    busy.end()
    assert busy.take() == [1]
    assert wait_for_any(condition, lambda: [quiet, busy], 5), "all ended is worth waking up for"
