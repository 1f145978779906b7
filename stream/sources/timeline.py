"""One time for a source that is connected again and again."""

from __future__ import annotations

from fractions import Fraction

TIME_BASE = Fraction(1, 90000)
"""Of every live source, whatever its camera counts in (RTP's own tick): so a reconnect can change the camera, but not the ticks."""
DRIFT_S = 10.0
"""A camera whose times leave the arrival times by more than this has set its clock anew and is followed (a guess: more than any buffer)."""
SLEW = Fraction(5, 10_000)
"""By so much of the time that passes, the camera's times are led back to the arrival times: more than any quartz is off (50 to 100 in a
million), and no eye or encoder sees it. Without, after two days at 50 in a million, times would jump by ten seconds."""


class Timeline:
    """Makes one time, in ticks of `TIME_BASE`, of the times of one connection after another.

    Within a connection the camera's own clock counts, for arrival times jitter with the network; but it is led along ours, for days.
    Each connection starts where the wall clock says: a gap of three seconds stays a gap of three seconds.
    """

    def __init__(self) -> None:
        self._last = -1
        self._first_arrival: float | None = None
        self._offset: Fraction | None = None
        """Source time minus camera time; None until the connection's first picture that tells one."""
        self._slewed_s = Fraction(0)
        """The wall's time up to which it was led along."""

    def reconnect(self) -> None:
        """What comes next has another zero."""
        self._offset = None

    def place(self, camera_s: Fraction | None, arrived_at: float) -> int:
        """The tick of a picture: later than that of each one before."""
        if self._first_arrival is None:
            self._first_arrival = arrived_at
        wall_s = Fraction(arrived_at - self._first_arrival).limit_denominator(10**6)
        time_s = wall_s
        if camera_s is not None:
            if self._offset is None or abs(camera_s + self._offset - wall_s) > DRIFT_S:
                self._offset, self._slewed_s = wall_s - camera_s, wall_s
            if most_us := int((wall_s - self._slewed_s) * SLEW * 10**6):
                late_us = round((wall_s - camera_s - self._offset) * 10**6)
                self._offset += Fraction(max(-most_us, min(most_us, late_us)), 10**6)
                self._slewed_s = wall_s
            time_s = camera_s + self._offset
        self._last = max(round(time_s / TIME_BASE), self._last + 1)
        return self._last
