"""The cascade in one compiled function finds what the cascade on the CPU finds, under TensorFlow and under JAX, and compiles once."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from models import MTCNN, Detections
from models.detection.cascade import PYRAMID_STEP
from models.detection.cascade_networks import load_on_openvino
from models.detection.compiled.layout import crop_tables, grown_tables, plan_layout
from models.detection.grid_nms import thin_cells
from models.detection.pyramid import FRAME, level_sizes, shrink
from models.detection.size_cache import SizeCache
from models.detection.stepwise import StepwiseCascade
from models.detection.tiling import plan_pyramid
from models.imaging.boxes import iou, nms
from models.imaging.crops import crop_squares, whole_squares
from models.imaging.pictures import read_picture
from tests.paths import DATA, ROOT

THRESHOLDS = (0.6, 0.7, 0.7)
SIDE_PX = 512
"""All pictures are laid on squares of this side: one size, one function."""

RUN = """
import json, sys
import numpy as np
from models.detection.compiled.cascade import CompiledCascade, CompiledCascades
from models.detection.size_cache import SizeCache
import keras

compiled = []
if keras.backend.backend() == "jax":
    import jax
    jax.monitoring.register_event_duration_secs_listener(lambda name, *_, **__: compiled.append(name) if "_compile_" in name else None)
frames = np.load(sys.argv[1])
made = SizeCache[CompiledCascade](16, 4)
cascades = CompiledCascades((0.6, 0.7, 0.7), 0.709, fallback=None, cascades=made)
size = (*frames.shape[1:3], 20)
cascades.expect(size, at_a_time=2)
(cascade,) = made.made.values()
at_start = (cascade.compilations, len(compiled))
found = []
for first in range(0, len(frames), 2):
    batch = list(frames[first : first + 2])
    found += cascades.detect(batch, [20] * len(batch))
print(json.dumps({
    "backend": keras.backend.backend(),
    "compiled": [at_start, (cascade.compilations, len(compiled))],
    "dropped": cascade.dropped.tolist(),
    "faces": [[mine.boxes.tolist(), mine.scores.tolist(), mine.landmarks.tolist()] for mine in found],
}))
"""


@dataclass(frozen=True)
class Answer:
    backend: str
    found: list[Detections]
    compiled: list[list[int]]
    """When the frames were expected and after the last: how often the function was traced, and what JAX says it compiled."""
    dropped: list[int]


def on_square(image: np.ndarray) -> np.ndarray:
    """(SIDE_PX, SIDE_PX, 3): the top left of a picture, black where it ends."""
    square = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
    part = image[:SIDE_PX, :SIDE_PX]
    square[: part.shape[0], : part.shape[1]] = part
    return square


@pytest.fixture(scope="module")
def frames(portrait: np.ndarray, astronaut: np.ndarray) -> np.ndarray:
    """(N, SIDE_PX, SIDE_PX, 3): two portraits (one twice) and, where there are any, photos of groups; an odd number."""
    photos = DATA / "detect"
    groups = sorted((photos / "dlib_faces").glob("*.jpg"))[:2] + sorted((photos / "facemask/images").glob("*.jpg"))[::40][:3]
    images = [portrait[50:], astronaut, *(read_picture(path) for path in groups), portrait[::2, ::2]]
    return np.stack([on_square(image) for image in images])


@pytest.fixture(scope="module")
def on_cpu(frames: np.ndarray) -> list[Detections]:
    return MTCNN(device="cpu", precision="f32").detect(list(frames))


@pytest.fixture(scope="module", params=["tensorflow", "jax"])
def answer(request: pytest.FixtureRequest, frames: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    backend: str = request.param
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"the extra {backend} is not installed")
    path = tmp_path_factory.mktemp("frames") / "frames.npy"
    np.save(path, frames)
    environment = os.environ | {"KERAS_BACKEND": backend, "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"  # compiles in half the time
    command = [sys.executable, "-c", RUN, str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    found = [
        Detections(*(np.array(part, np.float32).reshape(-1, *tail) for part, tail in zip(mine, ((4,), (), (5, 2)), strict=True)))
        for mine in told["faces"]
    ]
    return Answer(told["backend"], found, told["compiled"], told["dropped"])


@pytest.mark.slow
def test_the_same_faces_are_found(answer: Answer, on_cpu: list[Detections], request: pytest.FixtureRequest) -> None:
    assert answer.backend in request.node.name
    assert min(len(on_cpu[i]) for i in (0, 1, -1)) >= 1
    off_px = []
    for ours, theirs in ((answer.found, on_cpu), (on_cpu, answer.found)):
        for mine, other in zip(ours, theirs, strict=True):
            sure = mine.scores > THRESHOLDS[2] + 0.02
            assert len(other) or not sure.any()
            for box, score, landmarks in zip(mine.boxes[sure], mine.scores[sure], mine.landmarks[sure], strict=True):
                same = int(iou(other.boxes, box[None]).argmax())
                assert other.scores[same] == pytest.approx(score, abs=0.01)
                assert other.boxes[same] == pytest.approx(box, abs=2)
                assert other.landmarks[same] == pytest.approx(landmarks, abs=2)
                off_px.append(np.abs(other.boxes[same] - box).max())
    assert len(off_px) >= 6
    # squares from 48 px on are rounded less often than on the CPU, which decides between candidates that score nearly the same
    assert np.mean(np.array(off_px) > 1) <= 0.1


@pytest.mark.slow
def test_once_frames_are_expected_no_batch_compiles_anything(answer: Answer) -> None:
    assert answer.compiled[0] == answer.compiled[1]
    assert answer.compiled[0][0] == 1
    assert answer.backend != "jax" or answer.compiled[0][1] > 0


@pytest.mark.slow
def test_ordinary_pictures_fill_no_limit(answer: Answer) -> None:
    assert answer.dropped == [0, 0, 0]


@pytest.mark.slow
def test_full_places_are_counted_and_the_best_stay(portrait: np.ndarray) -> None:
    from models.detection.compiled.cascade import CompiledCascade, Limits

    limits = Limits(proposed=40, refined_small=9, refined_large=9, output_small=1, output_large=1)
    cascade = CompiledCascade(300, 256, 20, THRESHOLDS, PYRAMID_STEP, batch_size=2, limits=limits)
    face = np.ascontiguousarray(portrait[::2, ::2])
    assert len(cascade(np.zeros((1, 300, 256, 3), np.uint8))[0]) == 0
    assert cascade.dropped.tolist() == [0, 0, 0]
    (found,) = cascade(face[None])
    assert len(found) == 1
    assert iou(found.boxes, MTCNN(device="cpu").detect([face])[0].boxes) > 0.7
    dropped = cascade.dropped.copy()
    assert dropped.sum() > 0
    cascade(np.stack([face, face, face]))
    assert (cascade.dropped == 4 * dropped).all()
    assert cascade(np.zeros((0, 300, 256, 3), np.uint8)) == []
    with pytest.raises(ValueError, match=r"\(N, 300, 256, 3\) uint8, not \(1, 256, 300, 3\) uint8"):
        cascade(np.zeros((1, 256, 300, 3), np.uint8))
    assert cascade.compilations == 1


@pytest.mark.slow
def test_who_must_miss_nobody_is_left_to_the_other_way_where_places_are_full(portrait: np.ndarray) -> None:
    from models.detection.compiled.cascade import CompiledCascade, CompiledCascades, Limits

    two = np.ascontiguousarray(np.concatenate([portrait[::3, ::3], portrait[::3, ::3]], axis=1))
    limits = Limits(proposed=200, refined_small=50, refined_large=50, output_small=1, output_large=1)
    height, width = two.shape[:2]
    full, one_place = SizeCache[CompiledCascade](1, kept=1), CompiledCascade(height, width, 24, THRESHOLDS, PYRAMID_STEP, limits=limits)
    full.expect((height, width, 24), lambda: one_place)
    on_cpu = StepwiseCascade(load_on_openvino("f32"), THRESHOLDS, PYRAMID_STEP)
    assert len(CompiledCascades(THRESHOLDS, PYRAMID_STEP, on_cpu, full).detect([two], [24])[0]) == 1
    complete = CompiledCascades(THRESHOLDS, PYRAMID_STEP, on_cpu, full, drops=False)
    assert len(complete.detect([two], [24])[0]) == 2
    assert complete.dropped == 0
    assert len(complete.detect([np.zeros_like(two), two], [24, 24])[1]) == 2


def test_a_frame_smaller_than_the_smallest_face_has_none() -> None:
    from models.detection.compiled.cascade import CompiledCascade

    cascade = CompiledCascade(50, 60, 51, THRESHOLDS, PYRAMID_STEP)
    assert [len(found) for found in cascade(np.zeros((3, 50, 60, 3), np.uint8))] == [0, 0, 0]


@pytest.mark.slow
def test_only_sizes_that_come_often_are_compiled(portrait: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    from models.detection.compiled.cascade import CompiledCascade, CompiledCascades

    on_cpu = StepwiseCascade(load_on_openvino("f32"), THRESHOLDS, PYRAMID_STEP)
    detector = CompiledCascades(THRESHOLDS, PYRAMID_STEP, on_cpu, SizeCache[CompiledCascade](3, kept=4))
    small, smaller = portrait[::3, ::3], portrait[::4, ::4]
    assert detector.detect([], []) == []
    with caplog.at_level("INFO"):
        for images in ([small, small, smaller], [small], [smaller, small, small], [small] * 5):
            smallest = [24] * len(images)
            for mine, its in zip(detector.detect(images, smallest), on_cpu.detect(images, smallest), strict=True):
                assert len(mine) == len(its) >= 1
                assert mine.boxes == pytest.approx(its.boxes, abs=1)
    compiled = [record.getMessage() for record in caplog.records if "compiling" in record.getMessage()]
    assert compiled == ["compiling the detector for frames of 171×200 px, 2 at a time: more than 3 came"]
    assert detector.dropped == 0


@pytest.mark.parametrize(("height", "width", "min_face_px"), [(375, 500, 20), (301, 257, 12), (600, 512, 60), (120, 500, 90)])
def test_levels_are_those_of_the_cpu_to_the_last_bit(portrait: np.ndarray, height: int, width: int, min_face_px: int) -> None:
    import keras

    from models.detection.compiled.steps import resize

    image = np.ascontiguousarray(portrait[:height, :width])
    layout = plan_layout(height, width, min_face_px, PYRAMID_STEP)
    wanted = list(shrink(image, level_sizes(height, width, min_face_px, PYRAMID_STEP)))
    levels: list[np.ndarray] = []
    for source, resizes in zip(layout.sources, layout.resizes, strict=True):
        picture = keras.ops.convert_to_tensor((image if source == FRAME else levels[source])[None])
        for taps in resizes:
            picture = resize(picture, [keras.ops.convert_to_tensor(part) for part in taps])
        levels.append(keras.ops.convert_to_numpy(picture)[0])
    assert len(levels) == len(wanted) > 0
    for level, its in zip(levels, wanted, strict=True):
        assert np.array_equal(level, its)


def test_every_window_of_every_level_is_on_the_canvas_once() -> None:
    layout, plan = plan_layout(301, 420, 20, PYRAMID_STEP), plan_pyramid(301, 420, 20, PYRAMID_STEP)
    boxes = layout.boxes[layout.is_cell]
    assert len(boxes) == sum(level.rows * level.columns for level in plan.levels) > 1000
    wanted = plan.boxes(np.sort(plan.cells[plan.cells >= 0]))
    assert sorted(map(tuple, boxes.tolist())) == sorted(map(tuple, wanted.tolist()))


@pytest.mark.parametrize("size_px", [24, 48])
def test_crops_are_those_of_the_cpu(portrait: np.ndarray, astronaut: np.ndarray, size_px: int) -> None:
    from keras import ops

    from models.detection.compiled.steps import CropTables, cut

    frames = np.stack([portrait[:501], np.pad(astronaut, ((0, 88), (0, 0), (0, 0)))[99:]])
    rng = np.random.default_rng(size_px)
    corner = rng.uniform(-80, 500, (60, 2))
    squares = whole_squares(np.concatenate([corner, corner + rng.uniform(5, 500, (60, 1))], axis=1))
    scores = np.stack([rng.permutation(60), rng.permutation(60)]).astype(np.float32)
    tables = CropTables(*map(ops.convert_to_tensor, (*crop_tables(size_px, 1024), grown_tables(size_px))))
    answers = cut(*map(ops.convert_to_tensor, (frames, np.stack([squares, squares]), scores)), tables, (50, 55))
    for frame, mine, its_scores, crops, dropped in zip(frames, *map(ops.convert_to_numpy, answers), strict=True):
        small = int((squares[:, 2] - squares[:, 0] < 4 * size_px).sum())
        assert (its_scores >= 0).sum() == min(small, 50) + min(60 - small, 55) == 60 - dropped
        there = its_scores >= 0
        error = np.abs(crops[there] - crop_squares(frame, mine[there], size_px))
        exact = mine[there][:, 2] - mine[there][:, 0] < 2 * size_px
        assert (error[exact] > 0).mean() < 1e-3
        assert error.max() <= 2  # of 255: on the CPU what lies between two resizes is rounded
        assert error.mean() < 0.2


@pytest.mark.parametrize("over", ["union", "smaller"])
def test_suppression_all_at_once_is_greedy_suppression(over: str) -> None:
    import keras

    from models.detection.compiled.steps import suppress

    rng = np.random.default_rng(5)
    corner = rng.integers(0, 60, (4, 150, 2))
    boxes = np.concatenate([corner, corner + rng.integers(0, 40, (4, 150, 2))], axis=2).astype(np.float32)
    scores = -np.sort(-rng.integers(-2, 20, (4, 150)), axis=1).astype(np.float32)
    scores[scores < 0] = -1
    stays = keras.ops.convert_to_numpy(suppress(keras.ops.convert_to_tensor(boxes), keras.ops.convert_to_tensor(scores), 0.3, over))  # type: ignore[arg-type]
    for mine, its_scores, its_boxes in zip(stays, scores, boxes, strict=True):
        valid = its_scores >= 0
        kept = nms(its_boxes[valid], its_scores[valid], 0.3, over)  # type: ignore[arg-type]
        assert np.flatnonzero(mine >= 0).tolist() == sorted(kept.tolist())
        assert 5 < len(kept) < valid.sum()


def test_thinning_on_the_canvas_is_thinning_of_cells() -> None:
    import keras

    from models.detection.compiled.steps import thin

    plan = plan_pyramid(90, 70, 12, 0.01)
    (level,) = plan.levels
    rng = np.random.default_rng(7)
    scores = rng.integers(-5, 9, (3, level.rows, level.columns)).astype(np.float32)
    scores[scores < 0] = -1
    for mine, its in zip(keras.ops.convert_to_numpy(thin(keras.ops.convert_to_tensor(scores))), scores, strict=True):
        row, column = np.nonzero(its >= 0)
        cells = level.first_cell + row * (level.columns + 1) + column
        kept = thin_cells(cells, its[row, column], plan)
        assert np.array_equal(np.argwhere(mine >= 0), np.stack([row[kept], column[kept]], axis=1))
        assert len(kept) > 20
