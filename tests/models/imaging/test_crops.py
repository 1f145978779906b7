"""Crops: what the networks and the classifier get to see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.imaging.crops import crop_squares, whole_squares


def crop(image: np.ndarray, *box: float, size_px: int = 24, margin: float = 0.0) -> np.ndarray:
    return crop_squares(image, np.array([box], np.float32), size_px, margin)[0]


def test_a_box_of_the_right_size_is_cut_as_it_is(portrait: np.ndarray) -> None:
    assert np.array_equal(crop(portrait, 100, 50, 124, 74), portrait[50:74, 100:124])


def test_no_boxes_are_no_crops(portrait: np.ndarray) -> None:
    assert crop_squares(portrait, np.zeros((0, 4), np.float32), 48).shape == (0, 48, 48, 3)


def test_the_longer_side_makes_the_square(portrait: np.ndarray) -> None:
    assert np.array_equal(crop(portrait, 106, 50, 118, 74), portrait[50:74, 100:124])


def test_the_margin_grows_the_square_on_each_side(portrait: np.ndarray) -> None:
    assert np.array_equal(crop(portrait, 100, 100, 120, 120, size_px=28, margin=0.2), portrait[96:124, 96:124])


def test_outside_the_picture_is_black() -> None:
    white = np.full((20, 20, 3), 255, np.uint8)
    cut = crop(white, -10, 0, 10, 20, size_px=20)
    assert cut[:, :10].max() == 0
    assert cut[:, 10:].min() == 255
    assert crop(white, 100, 100, 120, 120).max() == 0


def test_shrinking_takes_the_mean_so_that_nothing_aliases() -> None:
    stripes = np.zeros((240, 240, 3), np.uint8)
    stripes[:, ::2] = 255
    assert crop(stripes, 0, 0, 240, 240) == pytest.approx(127.5, abs=1)


def test_growing_is_smooth() -> None:
    edge = np.zeros((4, 4, 3), np.uint8)
    edge[:, 2:] = 200
    row = crop(edge, 0, 0, 4, 4)[12, :, 0].astype(int)
    assert np.all(np.diff(row) >= 0)
    assert len(set(row.tolist())) > 4


def test_a_square_far_larger_than_the_picture_is_cut_without_its_black(portrait: np.ndarray) -> None:
    cut = crop(portrait, -50_000, -50_000, 50_000, 50_000, size_px=48)
    assert cut.max() > 0
    assert cut[:20].max() == cut[:, :20].max() == 0


def test_whole_squares_stay_as_they_are() -> None:
    once = whole_squares(np.array([[1.4, 2.6, 30.2, 40.9], [0, 0, 0.1, 0.1]], np.float32))
    assert np.array_equal(whole_squares(once), once)
    assert (once[:, 2] - once[:, 0]).tolist() == [38, 1]


coordinate = st.floats(-3000, 3000, width=32)


@given(st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate), max_size=5), st.sampled_from([1, 24, 150]), st.floats(0, 2))
@settings(max_examples=50, deadline=None)
def test_any_boxes_give_that_many_crops(boxes: list[tuple[float, ...]], size_px: int, margin: float) -> None:
    image = np.full((37, 53, 3), 9, np.uint8)[:, ::-1]
    crops = crop_squares(image, np.array(boxes, np.float32).reshape(-1, 4), size_px, margin)
    assert crops.shape == (len(boxes), size_px, size_px, 3)
    assert crops.max(initial=0) <= 9
