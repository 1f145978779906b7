"""One deadline says until when each part of a stopped run may work, and all parts fit into what users are promised."""

from __future__ import annotations

import math
import time

from stream import deadline
from stream.deadline import NEVER, Deadline


def test_nobody_hurries_until_somebody_asks() -> None:
    assert not NEVER.asked
    assert NEVER.left_s(0.5) == math.inf


def test_what_is_left_of_a_part_shrinks_from_the_moment_of_asking_and_ends_at_nothing() -> None:
    now = time.monotonic()
    assert Deadline.now().asked
    assert 0.9 < Deadline(now).left_s(1.0) <= 1.0
    assert 0.4 < Deadline(now - 0.5).left_s(1.0) <= 0.5
    assert Deadline(now - 5).left_s(1.0) == 0


def test_every_part_ends_within_the_promise() -> None:
    parts = {name: value for name, value in vars(deadline).items() if name.endswith("_S") and name != "STOP_S"}
    assert len(parts) >= 5
    assert all(0 < value < deadline.STOP_S for value in parts.values())
