"""A search of the whole picture is the judge of what checks alone see."""

from __future__ import annotations

import numpy as np
import pytest

from models.detection.detections import Detections
from models.detection.mtcnn import MTCNN
from tests.moving_faces import Counting, Film, at_rate, followed


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu")


class Mistaken(Counting):
    """Takes the same place for a face, seldom when it searches, and with a middling score whenever it is asked about it."""

    place = np.array([[60, 60, 140, 160]], np.float32)
    score = 0.7
    every = 4

    def detect(self, images, min_face_px=None):  # type: ignore[no-untyped-def]
        found = super().detect(images, min_face_px)
        seldom = Detections(self.place, np.full(1, 0.75, np.float32), np.full((1, 5, 2), 100, np.float32))
        return [Detections.joined([one, seldom]) if len(self.searches) % self.every == 2 else one for one in found]

    def check(self, images, boxes, *, around=False):  # type: ignore[no-untyped-def]
        self.checks.append(sum(len(mine) for mine in boxes))
        scores = [np.full(len(mine), self.score, np.float32) for mine in boxes]
        points = [np.repeat((mine[:, None, :2] + mine[:, None, 2:]) / 2, 5, axis=1) for mine in boxes]
        return [Detections(mine, score, point) for mine, score, point in zip(boxes, scores, points, strict=True)]


@pytest.mark.parametrize("live", [False, True])
def test_what_searches_overlook_and_checks_are_not_sure_of_is_no_face(detector: MTCNN, live: bool) -> None:
    frames = Film([], wall=lambda time_s: int(90 + 40 * time_s)).frames(at_rate(4))  # the light changes: it is searched often
    mistaken = Mistaken(detector)
    told = [len(analysis.faces) for analysis in followed(frames, mistaken, live=live)]
    assert len(mistaken.searches) >= 8
    assert max(told) == (1 if live else 0), "a camera's picture cannot wait for the next search"
    assert sum(told) < 40

    mistaken = Mistaken(detector)
    mistaken.score = 0.9
    assert sum(len(analysis.faces) for analysis in followed(frames, mistaken, live=live)) > 70, "a face that is turned: checks see it"


def test_a_face_that_searches_found_twice_is_kept_until_one_overlooks_it(detector: MTCNN) -> None:
    class FoundTwice(Mistaken):
        def detect(self, images, min_face_px=None):  # type: ignore[no-untyped-def]
            found = Counting.detect(self, images, min_face_px)
            there = Detections(self.place, np.full(1, 0.75, np.float32), np.full((1, 5, 2), 100, np.float32))
            return [Detections.joined([one, there]) if len(self.searches) in (2, 3) else one for one in found]

    frames = Film([], wall=lambda time_s: int(90 + 40 * time_s)).frames(at_rate(4))
    told = [analysis.index for analysis in followed(frames, FoundTwice(detector)) if analysis.faces]
    assert told == list(range(told[0], told[-1] + 1))
    assert 20 <= len(told) <= 30, "half a second from search to search"
