"""A Kalman filter for a box: where it is, how it moves, where it will be."""

from __future__ import annotations

import math

import numpy as np

CENTRE_NOISE, SIZE_NOISE = 0.010, 0.020
"""How much the detector's boxes tremble, as shares of the box's side: standard deviations of centre and of width and height. The most
likely values for chains of finds in 18 clips: .006 to .015 and .010 to .030, median .010 and .020."""
CALM, WILD = 0.05, 4.0
"""Between these the filter sets how much the velocity may change: sides/s after a second (the square root of the spectral density of the
acceleration over the side). Clips of people who sit or stand still were most likely at 0.05 to 0.2, those who walk or talk with their
hands at 0.8 to 3."""
CALM_ENOUGH = 0.5
"""So restless, a face strays by half a hundredth of its side in a tenth of a second."""
SIZE_SHARE = 0.4
"""How much less the size does so (the same clips: 0.05 to 0.8)."""
SURPRISE_AFTER = 0.25
"""Share of the newest innovation in the mean by which the filter notices that it is too stiff or too loose (a guess: about four looks)."""
TOO_STIFF, CALMS_BY = 1.6, 0.85
"""From this mean on it becomes looser; below it becomes stiffer, by that factor a look. White noise stays below six times of seven."""
JUMP = 25.0
"""An innovation of so many times its variance is no tremble (five standard deviations): the face has jumped, and the filter with it."""
STEADY_S, SETTLES_S = 0.2, 0.5
"""For how long a velocity is believed, and in how much more it falls to a third: heads that turn away or stop go no further (a guess)."""
FIRST_SPEED = 2.0
"""How fast a new face may be: sides/s, a standard deviation (a guess: somebody who runs past)."""


class _Axis:
    """Two coordinates with one uncertainty: each position and velocity, in shares of the side that the box had then."""

    def __init__(self, first: float, second: float) -> None:
        self.at = [first, second]
        self.speed = [0.0, 0.0]
        self.variance = (1.0, 0.0, FIRST_SPEED**2)
        """Of position, of both together, of velocity; in sides."""

    def moved(self, seconds: float) -> list[float]:
        """Where they should be so much later."""
        late = max(seconds - STEADY_S, 0.0)
        reach = seconds - late - SETTLES_S * math.expm1(-late / SETTLES_S)
        return [at + speed * reach for at, speed in zip(self.at, self.speed, strict=True)]

    def correct(self, seen: tuple[float, float], seconds: float, side: float, noise: float, restless: float) -> float:
        """Takes a measurement so long after the last one. How surprising it was: 1 on average for a filter that fits.

        Args:
            noise: standard deviation of the measurement, in sides.
            restless: how much the velocity may have changed, sides/s after a second.
        """
        position, both, speed = self.variance
        drift = restless**2
        position += 2 * seconds * both + seconds**2 * speed + drift * seconds**3 / 3
        both += seconds * speed + drift * seconds**2 / 2
        speed += drift * seconds
        fade = math.exp(-max(seconds - STEADY_S, 0.0) / SETTLES_S)
        expected = self.moved(seconds)
        total = position + noise**2
        innovation = [(one - other) / side for one, other in zip(seen, expected, strict=True)]
        surprise = sum(error**2 for error in innovation) / 2 / total
        if surprise > JUMP:
            position += surprise * total
        gain, speed_gain = position / (position + noise**2), both / (position + noise**2)
        self.at = [one + gain * error * side for one, error in zip(expected, innovation, strict=True)]
        self.speed = [now * fade + speed_gain * error * side for now, error in zip(self.speed, innovation, strict=True)]
        self.variance = (position * (1 - gain), both * (1 - gain), speed - speed_gain * both)
        return surprise


class BoxFilter:
    """Follows one box. Times in seconds of one clock; they never run backwards.

    Constant velocity of centre, width and height, white noise for the acceleration (Bar-Shalom, Li, Kirubarajan 2001, 6.2.2). All noise
    is in shares of the box's side. How restless it is, the filter learns from how far it was wrong: a still face's box becomes calm, and
    one that jumps is followed at once.
    """

    def __init__(self, box: np.ndarray, time_s: float) -> None:
        x1, y1, x2, y2 = box.tolist()
        self.time_s = time_s
        """Of the newest measurement."""
        self._centre, self._size = _Axis((x1 + x2) / 2, (y1 + y2) / 2), _Axis(x2 - x1, y2 - y1)
        self._centre.variance = (CENTRE_NOISE**2, 0.0, FIRST_SPEED**2)
        self._size.variance = (SIZE_NOISE**2, 0.0, (SIZE_SHARE * FIRST_SPEED) ** 2)
        self._restless, self._surprise = 1.0, 1.0

    @property
    def side(self) -> float:
        """Geometric mean of width and height, px."""
        width, height = self._size.at
        return math.sqrt(max(width, 1.0) * max(height, 1.0))

    @property
    def box(self) -> np.ndarray:
        """(4,) float32 px: where it was at `time_s`."""
        return _box(self._centre.at, self._size.at)

    @property
    def velocity(self) -> np.ndarray:
        """(2,) float32 px/s of the centre."""
        return np.array(self._centre.speed, np.float32)

    @property
    def calm(self) -> bool:
        """Whether it moves evenly: a tenth of a second ahead it should be where it is expected."""
        return self._restless < CALM_ENOUGH

    def predict(self, time_s: float) -> np.ndarray:
        """(4,) float32 px: where it should be by then. The size stays: it changes little in a gap, and its velocity is mostly noise."""
        seconds = max(time_s - self.time_s, 0.0)
        return _box(self._centre.moved(seconds), self._size.at)

    def correct(self, box: np.ndarray, time_s: float, noise: float = 1.0) -> None:
        """Takes a measurement.

        Args:
            box: (4,) px.
            noise: how many times as much as usual it may be wrong.
        """
        seconds = max(time_s - self.time_s, 0.0)
        x1, y1, x2, y2 = box.tolist()
        side = self.side
        surprise = self._centre.correct(((x1 + x2) / 2, (y1 + y2) / 2), seconds, side, CENTRE_NOISE * noise, self._restless)
        self._size.correct((x2 - x1, y2 - y1), seconds, side, SIZE_NOISE * noise, self._restless * SIZE_SHARE)
        self._size.at = [max(one, 1.0) for one in self._size.at]
        self._surprise += SURPRISE_AFTER * (min(surprise, 30.0) - self._surprise)
        self._restless *= min(self._surprise, 1.5) if self._surprise > TOO_STIFF else CALMS_BY
        self._restless = min(max(self._restless, CALM), WILD)
        self.time_s = time_s


def _box(centre: list[float], size: list[float]) -> np.ndarray:
    half = [max(one, 1.0) / 2 for one in size]
    return np.array([centre[0] - half[0], centre[1] - half[1], centre[0] + half[0], centre[1] + half[1]], np.float32)
