"""The filter against motion that is known, and boxes that tremble as a detector's do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from stream.analysis.box_filter import CENTRE_NOISE, SIZE_NOISE, BoxFilter

SIDE, RATE = 100.0, 25.0
TIMES = np.arange(300) / RATE
SETTLED = slice(25, None)
"""After the first second."""


def trembling(centre_x: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, 4) boxes of a face of SIDE px whose centre is there."""
    rng = np.random.default_rng(seed)
    centres = np.stack([centre_x, np.full(len(centre_x), 200.0)], axis=1) + rng.normal(0, CENTRE_NOISE * SIDE, (len(centre_x), 2))
    half = (SIDE + rng.normal(0, SIZE_NOISE * SIDE, (len(centre_x), 2))) / 2
    return np.concatenate([centres - half, centres + half], axis=1).astype(np.float32)


def filtered(boxes: np.ndarray, times: np.ndarray = TIMES) -> np.ndarray:
    one = BoxFilter(boxes[0], float(times[0]))
    smooth = [one.box]
    for box, time_s in zip(boxes[1:], times[1:], strict=True):
        one.correct(box, float(time_s))
        smooth.append(one.box)
    return np.stack(smooth)


def centre_x(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 0] + boxes[:, 2]) / 2


@pytest.mark.parametrize("seed", range(5))
def test_a_still_face_s_box_trembles_half_as_much_at_most(seed: int) -> None:
    raw = trembling(np.full(300, 300.0), seed)
    smooth = filtered(raw)
    for edge in range(4):
        assert smooth[SETTLED, edge].std() <= 0.5 * raw[SETTLED, edge].std()


@pytest.mark.parametrize("speed", [0.3, 1.0, 3.0])
def test_a_face_at_constant_speed_is_not_lagged_behind(speed: float) -> None:
    truth = 300 + speed * SIDE * TIMES
    smooth, raw = filtered(trembling(truth)), trembling(truth)
    assert np.abs(centre_x(smooth) - centre_x(raw))[SETTLED].mean() < 0.02 * SIDE
    assert abs((centre_x(smooth) - truth)[SETTLED].mean()) < 0.002 * SIDE


def test_one_that_jumps_is_followed_at_once() -> None:
    truth = np.where(TIMES < 6, 300.0, 400.0)
    smooth = filtered(trembling(truth))
    late = np.abs(centre_x(smooth) - truth) > 0.1 * SIDE
    assert late.sum() <= 2, "frames more than a tenth of the side away"


def test_where_it_will_be_is_where_it_goes_and_not_for_ever() -> None:
    one = BoxFilter(trembling(np.array([300.0]))[0], 0.0)
    for number in range(1, 50):
        x = 300 + 2 * number
        one.correct(np.array([x - 50, 150, x + 50, 250], np.float32), number / RATE)
    assert centre_x(one.predict(49 / RATE + 0.1)[None])[0] == pytest.approx(398 + 5, abs=0.5)
    assert one.velocity[0] == pytest.approx(50, abs=1)
    assert centre_x(one.predict(49 / RATE + 60)[None])[0] == pytest.approx(398 + 50 * 0.7, abs=1), "it settles"
    assert one.calm


@pytest.mark.parametrize("times", [np.zeros(300), np.linspace(0, 1e6, 300), np.linspace(0, 1e-6, 300)])
@pytest.mark.parametrize("path", [lambda t: np.full(300, 300.0), lambda t: np.random.default_rng(0).uniform(-1e6, 1e6, 300)])
def test_whatever_comes_it_stays_finite(times: np.ndarray, path: Callable[[np.ndarray], np.ndarray]) -> None:
    smooth = filtered(trembling(path(times)), times)
    assert np.isfinite(smooth).all()
    assert (smooth[:, 2:] > smooth[:, :2]).all()
