"""Two opinions of one find are worth more than either, and each counts as much as it is worth."""

from __future__ import annotations

import numpy as np
import pytest

from models.classification.score_fusion import fit_fusion, fuse
from models.evaluation.thresholds import auc


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


@pytest.fixture
def opinions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two independent measurements of 20,000 things, normal around 1 for faces and -1 for others; P(face | x) is then sigmoid(2 x)."""
    rng = np.random.default_rng(0)
    faces = rng.random(20_000) < 0.3
    first, second = (rng.normal(np.where(faces, 1.0, -1.0)) for _ in range(2))
    return sigmoid(2 * first), sigmoid(2 * second), faces


def test_independent_calibrated_opinions_count_once_each(opinions: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    first, second, faces = opinions
    assert fit_fusion(first, second, faces) == pytest.approx((1, 1, 0), abs=0.06)  # Bayes: independent evidence adds up in log odds
    overconfident = sigmoid(3 * np.log(second / (1 - second)))
    assert fit_fusion(first, overconfident, faces) == pytest.approx((1, 1 / 3, 0), abs=0.06)
    nonsense = np.random.default_rng(1).random(len(faces))
    assert fit_fusion(first, nonsense, faces) == pytest.approx((1, 0, 0), abs=0.06)


def test_both_together_order_better_than_either(opinions: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    first, second, faces = opinions
    both = fuse(first, second, fit_fusion(first, second, faces))
    assert both.dtype == np.float32
    assert auc(both[faces], both[~faces]) > max(auc(said[faces], said[~faces]) for said in (first, second)) + 0.03


def test_certainty_and_ignorance_stay_finite() -> None:
    probabilities, scores = np.array([0.0, 1.0, 1.0, 0.7], np.float32), np.array([0.0, 1.0, 0.0, np.nan], np.float32)
    fused = fuse(probabilities, scores, (1.0, 1.0, 0.0))
    np.testing.assert_allclose(fused, [0, 1, 0.5, 0.49 / 0.58], atol=1e-6)  # without a score as if it were 0.7
    perfect = fit_fusion(np.array([0.0, 1.0] * 10), np.array([0.0, 1.0] * 10), np.array([False, True] * 10))
    assert np.isfinite(perfect).all()
    assert fuse(np.zeros(0, np.float32), np.zeros(0, np.float32), (1.0, 1.0, 0.0)).shape == (0,)
