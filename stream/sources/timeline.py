"""One time for a source that is connected again and again."""

from __future__ import annotations

import math
from fractions import Fraction

TIME_BASE = Fraction(1, 90000)
"""Of every live source, whatever its camera counts in (RTP's own tick): so a reconnect can change the camera, but not the ticks."""
JUMP_S = 0.5
"""A clock that leaves the arrivals by more than this was set anew, if at once, or else goes at another rate (a guess)."""
SLEW, FAR_SLEW = 5e-4, 0.05
"""By so much of the time that passes, the camera's times are led back to the arrival times: more than any quartz is off (50 to 100 in a
million), and no eye or encoder sees it. Without, after two days at 50 in a million, times would jump by ten seconds. The second where they
are away by more than `JUMP_S`, as after old pictures that a camera has kept for whoever asks (a guess)."""
LOOK_S, LOOK_PICTURES = 1.0, 8
"""Of so many pictures over so long the least late tells how two clocks stand to each other: the others were held up on their way."""
DOUBTS, RECOVERY, MOST_DOUBT = 2.0, 0.01, 10.0
"""A clock is not believed after more than so many odd times (one that jumps there and back is odd twice). Each good one takes off so much,
and it is believed again when nothing is left: after 1000 pictures at most."""
KEPT_S = 2.0
"""A connection may begin with pictures so far apart, all at once: a camera has kept them since its last key frame (a guess)."""
SMOOTHING = 0.1
"""By arrival: a picture's time takes up so much of what it came too late or too early (a guess)."""
GAP_S = 1.0
"""By arrival: where nothing came for longer than this, and for three usual steps, is a gap; else pictures are evenly spaced (a guess)."""


class Timeline:
    """Makes one time, in ticks of `TIME_BASE`, of the times of one connection after another.

    Within a connection the camera's own clock counts, for arrival times jitter with the network; but it is led along ours, for days.
    Where the two disagree (the clock is set, goes at another rate, stands still), evened arrival times count instead.
    Each connection starts where the wall clock says: a gap of three seconds stays a gap of three seconds.
    """

    def __init__(self) -> None:
        self._first_arrival: float | None = None
        self._last = -1
        self._time_s, self._wall_s = 0.0, 0.0
        """Of the newest picture: its time here, and when it came."""
        self._mean_s, self._steps = 0.04, 0
        """How far apart pictures arrive."""
        self._clock: _CameraClock | None = None
        self._doubt = 0.0

    def reconnect(self) -> None:
        """What comes next has another zero."""
        if self._clock is not None:
            self._doubt, self._clock = self._clock.doubt, None

    def place(self, camera_s: Fraction | None, arrived_at: float) -> int:
        """The tick of a picture: later than that of each one before."""
        if self._first_arrival is None:
            self._first_arrival = self._wall_s = arrived_at
        arrival_step_s, self._wall_s = arrived_at - self._first_arrival - self._wall_s, arrived_at - self._first_arrival
        if camera_s is None:
            self._time_s = self._wall_s
        elif self._clock is None:
            self._clock = _CameraClock(camera_s, self._wall_s, self._doubt)
            self._time_s = max(self._wall_s, self._time_s + self._mean_s * (self._last >= 0))
        else:
            self._time_s += self._step_s(self._clock, camera_s, arrival_step_s)
        self._last = max(round(self._time_s / TIME_BASE), self._last + 1)
        return self._last

    def _step_s(self, clock: _CameraClock, camera_s: Fraction, arrival_step_s: float) -> float:
        is_gap = arrival_step_s > max(GAP_S, 3 * self._mean_s)
        if not is_gap:
            self._steps = min(self._steps + 1, 25)
            self._mean_s += (arrival_step_s - self._mean_s) / self._steps
        off_s = clock.late_s - (self._time_s - clock.run_s)
        told_s = clock.step_s(camera_s, self._wall_s)
        if told_s is not None and clock.believed:
            most_s = (FAR_SLEW if abs(off_s) > JUMP_S else SLEW) * told_s
            step_s = told_s + max(-most_s, min(most_s, off_s))
        else:
            late_s = self._wall_s - self._time_s - self._mean_s
            step_s = self._mean_s + (late_s if is_gap else max(SMOOTHING * late_s, -self._mean_s / 2))
            step_s = max(step_s, self._mean_s / 2)
        clock.advance(step_s if told_s is None else told_s, self._wall_s)
        return step_s


class _CameraClock:
    """The clock of a camera during one connection, as far as its pictures tell, against ours ("wall")."""

    def __init__(self, camera_s: Fraction, wall_s: float, doubt: float) -> None:
        self.doubt = doubt
        self.believed = doubt == 0
        self.run_s = wall_s
        """What it shows, with each odd time replaced."""
        self.late_s = 0.0
        """How late the least late picture of the last look was by this clock; negative: early."""
        self._camera_s = camera_s
        self._usual_s: float | None = None
        """What `late_s` has been, but for drift."""
        self._was_late = False
        """In the last look. Once may be the network: it can hold up all pictures of a look, but hurry none."""
        self._began_s, self._pictures, self._least_s = wall_s, 1, 0.0
        """Of the present look."""

    def step_s(self, camera_s: Fraction, wall_s: float) -> float | None:
        """How long after the picture before this one was taken; None where that is odd: not later, or later than could have come by now."""
        step_s, self._camera_s = float(camera_s - self._camera_s), camera_s
        earliest_s = min(self._least_s, self.late_s if self._usual_s is not None else self._least_s - KEPT_S)
        if 0 < step_s <= wall_s - self.run_s - earliest_s + JUMP_S:
            self._doubt_by(-RECOVERY)
            return step_s
        self._doubt_by(1)
        return None

    def advance(self, step_s: float, wall_s: float) -> None:
        """A picture that came at `wall_s` was taken so long after the one before."""
        self.run_s += step_s
        self._least_s = min(self._least_s, wall_s - self.run_s)
        self._pictures += 1
        look_s = wall_s - self._began_s
        if look_s < LOOK_S or self._pictures < LOOK_PICTURES:
            return
        self.late_s = self._least_s
        if self._usual_s is None:
            self._usual_s = self.late_s
        away_s = self.late_s - self._usual_s
        if away_s < -JUMP_S or (self._was_late and away_s > JUMP_S):
            self._doubt_by(MOST_DOUBT)
            self._usual_s = self.late_s
        self._was_late = away_s > JUMP_S
        most_s = 2 * SLEW * look_s
        self._usual_s += max(-most_s, min(most_s, self.late_s - self._usual_s))
        self._began_s, self._pictures, self._least_s = wall_s, 0, math.inf

    def _doubt_by(self, more: float) -> None:
        self.doubt = max(0.0, min(MOST_DOUBT, self.doubt + more))
        if self.doubt > DOUBTS:
            self.believed = False
        elif self.doubt == 0:
            self.believed = True
