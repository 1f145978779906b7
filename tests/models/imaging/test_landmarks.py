"""How far a face looks into the camera, by its landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from models.imaging.landmarks import frontality

FRONTAL = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)


@pytest.mark.parametrize(("beside", "looks"), [(0.0, 1.0), (12.0, 0.5), (-12.0, 0.5), (24.0, 0.0), (60.0, 0.0)])
def test_the_nose_between_the_eyes_is_a_face_that_looks_into_the_camera(beside: float, looks: float) -> None:
    turned = FRONTAL + np.array([[0, 0], [0, 0], [beside, 0], [0, 0], [0, 0]], np.float32)
    tilted = turned @ np.array([[0, 1], [-1, 0]], np.float32)
    assert frontality(np.stack([turned, 3 * turned + 100, tilted])) == pytest.approx([looks] * 3, abs=1e-5)


def test_eyes_in_one_place_are_no_matter() -> None:
    assert np.isfinite(frontality(np.zeros((1, 5, 2), np.float32))).all()
    assert frontality(np.zeros((0, 5, 2), np.float32)).shape == (0,)
