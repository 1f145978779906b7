"""Boxes: overlaps, greedy suppression, squares, clipping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.imaging.boxes import clip, iou, nms, regress, square


def box_list(most: int = 40) -> st.SearchStrategy[np.ndarray]:
    """Boxes on a coarse grid, so that ties, equal and empty boxes are common."""
    corner = st.integers(0, most).flatmap(lambda n: arrays(np.float32, (n, 4), elements=st.integers(0, 12).map(float)))
    return corner.map(lambda a: np.concatenate([a[:, :2], a[:, :2] + a[:, 2:]], axis=1))


def greedy(boxes: np.ndarray, scores: np.ndarray, threshold: float, over: str) -> list[int]:
    """The textbook's loop, one pair at a time."""
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        for k in kept:
            width = min(boxes[i][2], boxes[k][2]) - max(boxes[i][0], boxes[k][0])
            height = min(boxes[i][3], boxes[k][3]) - max(boxes[i][1], boxes[k][1])
            shared = max(width, 0) * max(height, 0)
            a, b = ((box[2] - box[0]) * (box[3] - box[1]) for box in (boxes[i], boxes[k]))
            whole = a + b - shared if over == "union" else min(a, b)
            if whole > 0 and np.float32(shared) / np.float32(whole) > np.float32(threshold):
                break
        else:
            kept.append(i)
    return kept


def test_overlap_is_the_shared_area_over_the_union() -> None:
    a = np.array([[0, 0, 10, 10]], np.float32)
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4]], np.float32)
    assert iou(a, b) == pytest.approx(np.array([[1, 50 / 150, 0, 4 / 100]]))


def test_an_empty_box_overlaps_nothing_not_even_itself() -> None:
    empty = np.array([[3, 3, 3, 8]], np.float32)
    assert iou(empty, empty) == 0
    assert iou(np.zeros((0, 4), np.float32), empty).shape == (0, 1)


@given(box_list(), st.data(), st.sampled_from([0.3, 0.5, 0.7]), st.sampled_from(["union", "smaller"]))
@settings(max_examples=60, deadline=None)
def test_suppression_is_greedy(boxes: np.ndarray, data: st.DataObject, threshold: float, over: str) -> None:
    scores = data.draw(arrays(np.float32, len(boxes), elements=st.integers(0, 5).map(float)))
    assert nms(boxes, scores, threshold, over).tolist() == greedy(boxes, scores, threshold, over)  # type: ignore[arg-type]


def test_suppression_is_greedy_across_its_blocks() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 200, (900, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(10, 60, (900, 2))], axis=1).astype(np.float32)
    scores = rng.random(900).astype(np.float32)
    kept = nms(boxes, scores, 0.5)
    assert kept.tolist() == greedy(boxes, scores, 0.5, "union")
    assert 256 < len(kept) < 900


def test_a_box_that_fell_removes_nobody() -> None:
    chain = np.array([[0, 0, 10, 10], [3, 0, 13, 10], [6, 0, 16, 10]], np.float32)
    assert nms(chain, np.array([0.9, 0.8, 0.7], np.float32), 0.5).tolist() == [0, 2]


def test_a_square_keeps_the_centre_and_the_longer_side() -> None:
    assert square(np.array([[0, 0, 10, 4], [0, 0, 4, 10]], np.float32)).tolist() == [[0, -3, 10, 7], [-3, 0, 7, 10]]
    assert square(np.zeros((0, 4), np.float32)).shape == (0, 4)


def test_offsets_are_shares_of_the_sides() -> None:
    moved = regress(np.array([[10, 10, 30, 50]], np.float32), np.array([[0.1, 0, -0.1, 0.5]], np.float32))
    assert moved == pytest.approx(np.array([[12, 10, 28, 70]]))


def test_clipped_boxes_lie_inside_the_picture() -> None:
    boxes = np.array([[-5, -5, 30, 8], [100, 3, 120, 9]], np.float32)
    assert clip(boxes, width_px=20, height_px=10).tolist() == [[0, 0, 20, 8], [20, 3, 20, 9]]
