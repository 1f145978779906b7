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
