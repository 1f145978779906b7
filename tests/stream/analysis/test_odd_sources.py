"""Sources whose times, sizes or crowds are odd, while their faces are followed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from models.detection.mtcnn import MTCNN
from stream.frame import Frame
from tests.moving_faces import Actor, Film, at_rate, face_at, followed, head

Place = Callable[[float], tuple[float, float, float] | None]


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu")


@pytest.fixture(scope="module")
def hopper(portrait: np.ndarray) -> Callable[[Place], Actor]:
    return lambda place: Actor(head(portrait, "hopper"), place)


def joined(*parts: list[Frame], step_ms: int = 40, back_ms: int = 0) -> list[Frame]:
    """One source of several films; each goes on after the one before, so much earlier."""
    frames, pts = [], 0
    for part in parts:
        for one in part:
            again = Frame.of_image(one.image, source="film", captured_at=0.0, index=len(frames), pts=pts, time_base=Fraction(1, 1000))
            frames.append(again)
            pts += step_ms
        pts -= back_ms
    return frames


@pytest.mark.parametrize(
    ("times", "why"),
    [
        ([0.0] * 30, "times that stand still"),
        ([*at_rate(0.4), *(100 + time for time in at_rate(0.4))], "a jump forward"),
        ([*(100 + time for time in at_rate(0.4)), *at_rate(0.4)], "a jump back"),
        ([float(number) for number in range(12)], "one frame a second"),
        ([number * 3.0 for number in range(8)], "a frame every three seconds"),
        (at_rate(6, 3), "three frames a second"),
        (at_rate(4, 5), "five frames a second"),
        (at_rate(3, 8), "eight frames a second"),
        ([number * 1e-3 for number in range(100)], "a thousand frames a second"),
    ],
)
@pytest.mark.parametrize("live", [False, True])
def test_odd_times_lose_no_face(detector: MTCNN, hopper: Callable[[Place], Actor], times: list[float], why: str, live: bool) -> None:
    still = Film([hopper(lambda time_s: (240, 180, 110))])
    analyses = followed(still.frames(times), detector, live=live)
    assert [len(analysis.faces) for analysis in analyses] == [1] * len(times), why


def test_a_size_that_changes_begins_anew(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    small = Film([hopper(lambda time_s: (240, 180, 110))]).frames(at_rate(1))
    large = Film([hopper(lambda time_s: (700, 500, 300))], size=(1280, 960)).frames(at_rate(1))
    frames = small + [
        Frame.of_image(one.image, source="film", captured_at=0.0, index=25 + one.index, pts=1000 + one.pts, time_base=one.time_base)
        for one in large
    ]
    analyses = followed(frames, detector)
    assert [[face.track for face in analysis.faces] for analysis in analyses] == [[1]] * 25 + [[2]] * 25


def test_black_pictures_and_many_faces_are_no_matter(detector: MTCNN, portrait: np.ndarray) -> None:
    black = [
        Frame.of_image(np.zeros((90, 160, 3), np.uint8), source="film", captured_at=0.0, index=number, pts=40 * number)
        for number in range(30)
    ]
    assert not any(analysis.faces for analysis in followed(black, detector))
    crowd = np.tile(np.ascontiguousarray(portrait[30:330:4, 150:372:3]), (10, 20, 1))
    frames = [Frame.of_image(crowd, source="film", captured_at=0.0, index=number, pts=40 * number) for number in range(8)]
    whole = followed(frames, detector, "tracker.search_every_s=0", "detector.min_face_px=20")
    assert len(whole[0].faces) > 150
    for analysis in followed(frames, detector, "detector.min_face_px=20"):
        assert len(analysis.faces) >= 0.98 * len(whole[0].faces)
        assert len({face.track for face in analysis.faces}) == len(analysis.faces)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("back_ms", [0, 300, 10_000])
def test_a_size_that_changes_to_and_fro_within_a_batch_loses_no_face(
    detector: MTCNN, hopper: Callable[[Place], Actor], live: bool, back_ms: int
) -> None:
    def walk(scale: float) -> Place:
        return lambda time_s: ((200 + 40 * time_s) * scale, 180 * scale, 110 * scale)

    sizes = {1.0: (480, 360), 0.75: (360, 270), 1.5: (720, 540)}
    parts = [Film([hopper(walk(scale))], size=sizes[scale]).frames(at_rate(0.4)) for scale in (1.0, 0.75, 1.5, 1.0)]
    frames = joined(*parts, back_ms=back_ms)
    analyses = followed(frames, detector, live=live)
    assert [len(analysis.faces) for analysis in analyses] == [1] * 40
    for number, analysis in enumerate(analyses):
        there = walk((1.0, 0.75, 1.5, 1.0)[number // 10])(number % 10 / 25)
        assert there is not None
        assert face_at(analysis, there) is not None, number
    assert [analysis.faces[0].track for analysis in analyses] == [1] * 10 + [2] * 10 + [3] * 10 + [4] * 10


def test_a_size_that_changes_with_every_frame_loses_no_face(detector: MTCNN, hopper: Callable[[Place], Actor]) -> None:
    parts = [
        Film([hopper(lambda time_s, k=k: (240 * k, 180 * k, 110 * k))], size=(round(480 * k), round(360 * k))).frames([0.0])
        for k in np.linspace(1, 1.6, 12)
    ]
    for live in (False, True):
        assert [len(analysis.faces) for analysis in followed(joined(*parts), detector, live=live)] == [1] * 12


@pytest.mark.slow
@pytest.mark.parametrize("live", [False, True])
def test_two_hundred_who_drift_keep_their_numbers(detector: MTCNN, portrait: np.ndarray, live: bool) -> None:
    crowd = np.tile(np.ascontiguousarray(portrait[30:330:4, 150:372:3]), (10, 20, 1))
    wall = np.full((crowd.shape[0] + 40, crowd.shape[1] + 80, 3), 90, np.uint8)
    frames = []
    for number in range(12):
        seen = wall.copy()
        seen[20 : 20 + crowd.shape[0], 10 + 4 * number : 10 + 4 * number + crowd.shape[1]] = crowd
        frames.append(Frame.of_image(seen, source="film", captured_at=0.0, index=number, pts=40 * number))
    (whole,) = followed(frames[:1], detector, "tracker.search_every_s=0", "detector.min_face_px=20")
    assert len(whole.faces) > 150
    analyses = followed(frames, detector, "detector.min_face_px=20", live=live)
    for analysis in analyses:
        assert len(analysis.faces) >= 0.98 * len(whole.faces)
        assert len({face.track for face in analysis.faces}) == len(analysis.faces)
    assert max(face.track for analysis in analyses for face in analysis.faces) <= 1.05 * max(len(analysis.faces) for analysis in analyses)
