"""Looking at tiles gives exactly what looking at whole levels would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.detection.cascade_networks import load_on_openvino
from models.detection.grid_nms import thin_cells
from models.detection.pyramid import level_sizes, shrink
from models.detection.tiling import TILE_PX, draw_tiles, plan_pyramid
from models.imaging.boxes import nms
from models.inference.network import Precision

sizes = st.integers(12, 700)


def test_the_levels_are_the_authors() -> None:
    assert level_sizes(480, 640, 20, 0.709)[:4] == [(288, 384), (205, 273), (145, 194), (103, 137)]
    assert level_sizes(480, 640, 20, 0.709)[-1] == (14, 18)
    assert level_sizes(100, 400, 100, 0.709) == [(12, 48)]
    assert level_sizes(99, 400, 100, 0.709) == []


@given(height=sizes, width=sizes, min_face_px=st.integers(12, 100), step=st.sampled_from([0.5, 0.709, 0.79]), strips=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_every_window_of_every_level_lies_on_exactly_one_tile(height: int, width: int, min_face_px: int, step: float, strips: int) -> None:
    plan = plan_pyramid(height, width, min_face_px, step, strips=strips)
    numbers = np.sort(plan.cells[plan.cells >= 0])
    assert len(numbers) == len(set(numbers.tolist())) == sum(level.rows * level.columns for level in plan.levels)
    if not len(numbers):
        return
    boxes = plan.boxes(numbers)
    assert boxes.min() >= 0
    assert np.all(boxes.max(axis=0) <= [width * 1.08, height * 1.08] * 2)  # an odd level's last window reaches a pixel out
    assert boxes[:, 2:].max() > max(height, width) * 0.8


@pytest.mark.parametrize("strips", [0, 1, 4])
def test_a_tile_shows_what_the_level_shows(portrait: np.ndarray, strips: int) -> None:
    plan = plan_pyramid(*portrait.shape[:2], 20, 0.709, strips=strips)
    levels = list(shrink(portrait, [(level.height, level.width) for level in plan.levels]))
    seen = first = 0
    for cells, tiles in draw_tiles(portrait, plan, at_a_time=3):
        assert np.array_equal(cells, plan.cells[first : first + len(tiles)])
        for part in (part for tile in plan.parts[first : first + len(tiles)] for part in tile):
            shown = tiles[part.tile - first, part.tile_y : part.tile_y + part.height, part.tile_x : part.tile_x + part.width]
            source = levels[part.level][part.y : part.y + part.height, part.x : part.x + part.width]
            assert np.array_equal(shown[: source.shape[0], : source.shape[1]], source)
            seen += source.size
        first += len(tiles)
    assert first == len(plan.parts)
    assert seen >= sum(level.size for level in levels)


@pytest.mark.parametrize("precision", ["f32", "auto"])
def test_tiles_and_strips_give_the_same_answers(portrait: np.ndarray, precision: Precision) -> None:
    networks = load_on_openvino(precision)
    assert networks.propose_strips is not None
    answers = []
    for strips in (0, 1, 4):
        plan = plan_pyramid(*portrait.shape[:2], 20, 0.709, strips=strips)
        network = networks.propose_strips(plan.tile_height, plan.tile_width) if strips else networks.propose
        answer = np.zeros((plan.grid_size, 5), np.float32)
        for cells, tiles in draw_tiles(portrait, plan, at_a_time=100):
            answer[cells[cells >= 0]] = network(tiles)[0][cells >= 0]
        answers.append(answer)
        assert not strips or plan.tile_height > TILE_PX
    assert (answers[0] != 0).mean() > 0.9
    assert np.array_equal(answers[0], answers[1])
    assert np.array_equal(answers[0], answers[2])


@given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.01, 0.2, 1.0]), height=st.integers(12, 90), width=st.integers(12, 90))
@settings(max_examples=40, deadline=None)
def test_thinning_cells_is_greedy_suppression_of_their_boxes(seed: int, share: float, height: int, width: int) -> None:
    plan = plan_pyramid(height, width, 12, 0.5)  # 12: the first level is the picture, so that its boxes are whole numbers
    level = plan.levels[0]
    rng = np.random.default_rng(seed)
    row, column = np.nonzero(rng.random((level.rows, level.columns)) < share)
    cells = level.first_cell + row * (level.columns + 1) + column
    scores = rng.integers(0, 9, len(cells)).astype(np.float32)
    assert thin_cells(cells, scores, plan).tolist() == sorted(nms(plan.boxes(cells), scores, 0.5).tolist())


def test_a_level_is_nearly_the_mean_of_what_its_pixels_cover(portrait: np.ndarray) -> None:
    import cv2

    wanted = level_sizes(*portrait.shape[:2], 20, 0.709)
    for level, (height, width) in zip(shrink(portrait, wanted), wanted, strict=True):
        mean = cv2.resize(portrait, (width, height), interpolation=cv2.INTER_AREA).astype(int)
        assert level.shape == (height, width, 3)
        assert np.abs(level - mean).mean() < 5  # of 255; a linear resize straight from the picture is off by up to 23
