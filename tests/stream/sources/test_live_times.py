"""The times of a camera: as even as its own clock, and never away from ours, for days."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from stream.sources.timeline import TIME_BASE, Timeline

DAY_S = 86400


def placed(camera_s: np.ndarray, arrived_s: np.ndarray) -> np.ndarray:
    """Seconds on the source's clock."""
    timeline = Timeline()
    ticks = [
        timeline.place(Fraction(float(camera)).limit_denominator(90000), float(arrived))
        for camera, arrived in zip(camera_s, arrived_s, strict=True)
    ]
    return np.array(ticks) * float(TIME_BASE)


@pytest.mark.parametrize("off", [50e-6, -50e-6, 200e-6], ids=["fast", "slow", "very fast"])
def test_a_clock_that_is_off_never_jumps(off: float) -> None:
    wall = np.arange(0, 5 * DAY_S, 20.0)
    times = placed(wall * (1 + off), wall)
    assert np.abs(np.diff(times) - 20).max() < 20 * 0.001, "no picture lasts visibly longer or shorter than it did"
    assert np.abs(times - wall).max() < 0.1, "and the day is as long as ours"


def test_times_are_as_even_as_the_cameras_clock_where_arrivals_jitter() -> None:
    sent = np.arange(2000) / 25
    late = np.random.default_rng(0).exponential(0.05, len(sent))
    times = placed(sent, sent + late)
    assert np.abs(np.diff(times) - 0.04).max() < 0.0005


def test_a_camera_that_sets_its_clock_is_followed() -> None:
    wall = np.arange(0, 60, 0.04)
    for jump_s in (3600.0, -3600.0):
        times = placed(wall + np.where(wall > 30, jump_s + 4000, 4000), wall)
        assert (np.diff(times) > 0).all()
        assert np.abs(times - wall).max() < 0.1


PICTURES = np.arange(25 * 40)
WALL = PICTURES / 25
ARRIVED = np.maximum.accumulate(WALL + np.random.default_rng(0).exponential(0.005, len(WALL)))


@pytest.mark.parametrize(
    "camera",
    [
        WALL - 3 * (WALL > 6),
        WALL + 5 * (WALL > 6),
        WALL + 3600 * (PICTURES == 100),
        WALL - 5 * (PICTURES == 100),
        WALL + 5 * (PICTURES % 50 == 25),
        0 * WALL,
    ],
    ids=["set back", "set forward", "one picture an hour later", "one picture earlier", "a wrong time each two seconds", "stands still"],
)
def test_a_clock_that_jumps_or_stands_moves_no_picture(camera: np.ndarray) -> None:
    times = placed(camera, ARRIVED)
    assert np.abs(times - WALL).max() < 0.1
    steps = np.diff(times)[100:]
    assert 0.03 < steps.min() < steps.max() < 0.05


@pytest.mark.parametrize("rate", [0.84, 1.16, 0.95, 0.5, 2.0])
def test_a_clock_of_another_rate_gives_way_to_the_arrivals_smoothly(rate: float) -> None:
    times = placed(WALL * rate, ARRIVED)
    assert np.abs(times - WALL).max() < 2, "it is found out within seconds"
    assert np.abs(times - WALL)[-250:].max() < 0.1, "and made up for"
    steps = np.diff(times)
    assert 0.015 < steps.min() < steps.max() < 0.25
    assert 0.03 < steps[-250:].min() < steps[-250:].max() < 0.05


def test_a_slow_camera_of_another_rate_is_followed_smoothly() -> None:
    wall = np.arange(120.0)
    times = placed(wall * 0.84, wall + np.random.default_rng(1).exponential(0.01, len(wall)))
    assert np.diff(times).max() < 1.6
    assert np.abs(times - wall)[-30:].max() < 0.5


def test_two_pictures_of_one_time_are_spread() -> None:
    times = placed(PICTURES // 2 * 2 / 25, ARRIVED)
    assert np.abs(times - WALL).max() < 0.15
    steps = np.diff(times)[50:]
    assert 0.03 < steps.min() < steps.max() < 0.05


def test_times_that_jitter_by_themselves_give_way_to_the_arrivals() -> None:
    times = placed(WALL + np.random.default_rng(2).uniform(-0.06, 0.06, len(WALL)), ARRIVED)
    steps = np.diff(times)[100:]
    assert 0.03 < steps.min() < steps.max() < 0.05
    assert np.abs(times - WALL).max() < 0.3


@pytest.mark.parametrize(
    "arrived",
    [
        np.maximum(WALL, 24.5 * (WALL > 20)),
        np.where(WALL > 20, np.maximum(WALL, 21 + (WALL - 20) * 0.7), WALL),
        np.maximum(WALL, 4),
        np.maximum.accumulate(WALL + np.random.default_rng(3).exponential(0.2, len(WALL))),
    ],
    ids=["a stall, then a burst", "a stall that is made up for slowly", "old pictures first, at once", "a bad network"],
)
def test_a_network_that_holds_up_pictures_is_no_reason_to_doubt_their_times(arrived: np.ndarray) -> None:
    steps = np.diff(placed(WALL, arrived))
    assert np.abs(steps - 0.04).max() < 0.0025


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0])
def test_old_pictures_of_a_slow_camera_keep_their_distances(rate: float) -> None:
    wall = np.arange(60) / rate
    assert np.abs(np.diff(placed(wall, np.maximum(wall, 6))) * rate - 1).max() < 0.06


def test_what_was_lost_on_the_way_leaves_its_gap() -> None:
    kept = (WALL < 20) | (WALL > 24)
    assert np.abs(placed(WALL[kept], WALL[kept]) - WALL[kept]).max() < 0.001


def test_after_old_pictures_a_reconnect_squeezes_none() -> None:
    """They were placed ahead of the wall's clock, where the next connection begins."""
    timeline = Timeline()
    ticks = []
    for begin_s in (0, 6, 12):
        timeline.reconnect()
        ticks += [timeline.place(Fraction(number, 25), begin_s + max(number / 25, 4)) for number in range(125)]
    steps = np.diff(ticks) * float(TIME_BASE)
    assert steps.min() > 0.015


def test_a_clock_that_goes_right_again_is_believed_again() -> None:
    camera = np.where(WALL < 10, WALL * 0.8, WALL)
    jitter = np.random.default_rng(4).exponential(0.02, len(WALL))
    wall = np.concatenate([WALL, WALL[-1] + 0.04 + WALL])
    times = placed(np.concatenate([camera, WALL[-1] + 0.04 + WALL]), wall + np.concatenate([jitter, jitter]))
    assert np.abs(np.diff(times)[-250:] - 0.04).max() < 0.003, "far more even than its arrivals"
