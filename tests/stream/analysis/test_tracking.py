"""A face keeps its number while it can be followed, and only then."""

from __future__ import annotations

import numpy as np

from models import Detections
from stream.analysis.tracking import Tracker


def at(*centres: tuple[float, float], size: float = 40) -> Detections:
    """Faces of one size, with these centres."""
    points = np.array(centres, np.float32).reshape(-1, 2)
    count = len(points)
    boxes = np.concatenate([points - size / 2, points + size / 2], axis=1)
    return Detections(boxes, np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32))


def numbers(tracker: Tracker, detections: Detections, time_s: float) -> list[int]:
    return [tracker.name(track) for track in tracker.update(detections, time_s)]


def test_numbers_start_at_one_and_stay_when_the_order_changes() -> None:
    tracker = Tracker()
    assert numbers(tracker, at((50, 50), (200, 50)), 0.0) == [1, 2]
    assert numbers(tracker, at((203, 50), (52, 51)), 0.04) == [2, 1]


def test_a_face_that_walks_across_the_picture_keeps_its_number() -> None:
    tracker = Tracker()
    for step in range(40):  # 25 frames/s, 250 px/s: each step a quarter of the face
        assert numbers(tracker, at((30 + 10 * step, 60)), step / 25) == [1]


def test_a_face_missed_for_a_moment_is_met_again_where_its_walk_leads() -> None:
    tracker = Tracker(forget_after_s=1.0)
    for step in range(5):
        numbers(tracker, at((30 + 10 * step, 60)), step / 25)
    assert numbers(tracker, at(), 0.3) == []
    assert numbers(tracker, at((30 + 10 * 20, 60)), 20 / 25) == [1]  # 160 px on: no overlap with where it was last seen


def test_a_face_that_was_long_away_is_somebody_new() -> None:
    tracker = Tracker(forget_after_s=1.0)
    assert numbers(tracker, at((50, 50)), 0.0) == [1]
    assert numbers(tracker, at((50, 50)), 1.5) == [2]


def test_a_face_somewhere_else_is_somebody_else() -> None:
    tracker = Tracker()
    assert numbers(tracker, at((50, 50)), 0.0) == [1]
    assert numbers(tracker, at((300, 300)), 0.04) == [2]


def test_two_faces_never_share_a_track() -> None:
    tracker = Tracker()
    numbers(tracker, at((50, 50)), 0.0)
    assert sorted(numbers(tracker, at((48, 50), (54, 50)), 0.04)) == [1, 2]


def test_the_velocity_is_in_pixels_per_second_whatever_the_frame_rate() -> None:
    for rate in (5, 25):
        tracker = Tracker()
        for step in range(rate):
            (track,) = tracker.update(at((30 + 50 * step / rate, 60 + 20 * step / rate)), step / rate)
        np.testing.assert_allclose(track.velocity, (50, 20), rtol=1e-3)


def test_two_trackers_count_for_themselves() -> None:
    first, second = Tracker(), Tracker()
    assert numbers(first, at((50, 50), (200, 50)), 0.0) == [1, 2]
    assert numbers(second, at((50, 50)), 0.0) == [1]
