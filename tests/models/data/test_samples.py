"""What is learnt from: cut as what is served, changed anew each time, drawn evenly, and each on one side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data.augmentation import ROUGH, Recipe, augment
from models.data.samples import MARGIN, Sample, cut_sample, part_of
from models.detection.mtcnn import MTCNN
from models.imaging.crops import CROP_PX, crop_squares
from models.training.fit import batches
from models.training.schedule import Plan


@pytest.fixture(scope="module")
def face_sample(portrait_path: Path) -> tuple[Sample, np.ndarray, np.ndarray]:
    """A sample, the picture it is from and its box there."""
    image = np.asarray(Image.open(portrait_path))
    box = MTCNN(min_face_px=40).detect([image])[0].boxes[0]
    return cut_sample(image, box, 1, "hopper", "portrait"), image, box


def test_training_cuts_what_serving_cuts(face_sample: tuple[Sample, np.ndarray, np.ndarray]) -> None:
    sample, image, box = face_sample
    np.testing.assert_array_equal(sample.crop, crop_squares(image, box[None], CROP_PX, MARGIN)[0])
    still = Recipe(shift=0, zoom=0, turn_deg=0, light=0, blur=0, coarse=0, jpeg=0, noise=0, grey=0)
    crops = [augment(sample, np.random.default_rng(seed), still) for seed in range(8)]
    unchanged = [np.abs(crop.astype(int) - sample.crop).mean() for crop in crops]
    mirrored = [np.abs(crop[:, ::-1].astype(int) - sample.crop).mean() for crop in crops]
    assert all(min(pair) < 4 < 15 < max(pair) for pair in zip(unchanged, mirrored, strict=True)), "each is the crop or its mirror image"
    assert 0 < sum(a < b for a, b in zip(unchanged, mirrored, strict=True)) < 8


def test_augmented_crops_differ_and_a_seed_repeats_them(face_sample: tuple[Sample, np.ndarray, np.ndarray]) -> None:
    sample = face_sample[0]
    crops = [augment(sample, np.random.default_rng(seed), ROUGH) for seed in range(20)]
    assert all(crop.shape == (150, 150, 3) and crop.dtype == np.uint8 for crop in crops)
    assert len({crop.tobytes() for crop in crops}) == 20
    np.testing.assert_array_equal(crops[3], augment(sample, np.random.default_rng(3), ROUGH))


@pytest.mark.slow
def test_batches_hold_as_many_of_each_class_and_repeat_with_the_seed(face_sample: tuple[Sample, np.ndarray, np.ndarray]) -> None:
    sample, image, box = face_sample
    few = [cut_sample(image, box + shift, 0, "other", "portrait") for shift in (1, 2, 3)]
    plan = Plan(epochs=1, epoch_crops=20, batch_size=10)
    drawn = [next(batches([sample, *few], plan, seed=5)) for _ in range(2)]
    np.testing.assert_array_equal(drawn[0][0], drawn[1][0])
    both = batches([sample, *few], plan, seed=5)
    assert sum(float(next(both)[1].sum()) for _ in range(plan.steps)) == 10


def test_a_group_keeps_its_side_and_sides_get_their_share() -> None:
    parts = [part_of(f"person {i}", validation=0.1, test=0.2) for i in range(2000)]
    assert parts == [part_of(f"person {i}", validation=0.1, test=0.2) for i in range(2000)]
    assert parts.count("test") == pytest.approx(400, abs=60)
    assert parts.count("validation") == pytest.approx(200, abs=45)
