"""Searches share the worker's time with checks, by a clock moved by hand."""

from __future__ import annotations

import pytest

from stream.analysis.search_budget import SearchBudget


class Worker:
    """Rounds of live sources, each of which is searched when it may be, or else checked."""

    def __init__(self, sources: int, *, search_s: float, check_s: float, every_s: float = 0.25) -> None:
        self.now = 0.0
        self.budget = SearchBudget(lambda: self.now)
        self.names = [f"camera {number}" for number in range(sources)]
        self.search_s, self.check_s, self.every_s = search_s, check_s, every_s
        self.searched: dict[str, list[float]] = {name: [] for name in self.names}
        self.rounds: list[tuple[float, int]] = []
        """When each began, and how many were searched in it."""

    def run(self, seconds: float, *, frame_s: float = 0.04) -> None:
        end = self.now + seconds
        while self.now < end:
            self.budget.begin_round()
            begin, searches = self.now, 0
            for name in self.names:
                last = self.searched[name][-1] if self.searched[name] else None
                due = last is None or self.now - last + frame_s > self.every_s
                if due and self.budget.grants(name, self.every_s, forced=last is None):
                    self.searched[name].append(self.now)
                    searches += 1
                elif not due:
                    self.budget.there(name)
            self.rounds.append((begin, searches))
            if searches:
                self.budget.took(searches * self.search_s, searches)
            took = searches * self.search_s + (len(self.names) - searches) * self.check_s
            self.now = max(self.now + took, begin + frame_s)


def test_one_camera_is_searched_as_often_as_it_wants() -> None:
    worker = Worker(1, search_s=0.006, check_s=0.001)
    worker.run(10)
    assert len(worker.searched["camera 0"]) == pytest.approx(10 / 0.24, rel=0.05)


def test_slow_searches_leave_time_for_ten_looks_a_second() -> None:
    worker = Worker(1, search_s=0.3, check_s=0.002)
    worker.run(30)
    assert len(worker.rounds) / 30 >= 10
    assert len(worker.searched["camera 0"]) / 30 >= 1


def test_cameras_take_turns_and_are_not_searched_all_at_once() -> None:
    worker = Worker(16, search_s=0.004, check_s=0.0005)
    worker.run(10, frame_s=1 / 15)
    counts = [len(moments) for moments in worker.searched.values()]
    assert min(counts) >= 0.9 * max(counts) > 20
    assert max(searches for begin, searches in worker.rounds[1:]) <= 6


def test_where_time_is_short_nobody_starves() -> None:
    worker = Worker(20, search_s=0.05, check_s=0.001)
    worker.run(60)
    counts = [len(moments) for moments in worker.searched.values()]
    assert max(counts) - min(counts) <= 2
    assert sum(counts) * 0.05 <= 0.55 * 60, "half of the time"


def test_a_camera_that_gives_nothing_holds_up_nobody() -> None:
    worker = Worker(3, search_s=0.05, check_s=0.001)
    worker.run(5)
    worker.names = worker.names[1:]
    before = len(worker.searched["camera 1"])
    worker.run(10)
    assert len(worker.searched["camera 1"]) - before > 20


def test_one_endless_search_is_not_paid_for_endlessly() -> None:
    worker = Worker(1, search_s=0.005, check_s=0.001)
    worker.run(2)
    worker.budget.begin_round()
    assert worker.budget.grants("camera 0", 0.25, forced=True)
    worker.budget.took(5.0, 1)
    worker.now += 5
    before = len(worker.searched["camera 0"])
    worker.run(2)
    assert len(worker.searched["camera 0"]) > before


def test_searches_of_others_cost_a_source_nothing_and_bring_it_nothing() -> None:
    now = 0.0
    budget = SearchBudget(lambda: now)
    granted = 0
    for _ in range(500):
        budget.begin_round()
        granted += budget.grants("camera", 0.01)
        budget.took(0.1 * 2, 2)  # a file was searched beside it
        now += 0.2
    assert granted * 0.1 <= 0.6 * now
