"""The detector finds the faces that people marked, for every smallest size, alone or in a batch."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from models import MTCNN, Detections
from models.detection.cascade import PRESETS, PYRAMID_STEP
from models.detection.cascade_networks import load_on_openvino
from models.detection.flip_averaging import FlipAveraged
from models.detection.proposals import PICTURES_BEFORE_STRIPS
from models.detection.pyramid import level_sizes
from models.detection.stepwise import StepwiseCascade
from models.imaging.boxes import iou
from models.imaging.pictures import read_picture
from models.inference.network import Network

PORTRAIT_FACE = np.array([[165, 105, 360, 340]], np.float32)
"""Grace Hopper's face, drawn by hand: chin to hairline."""


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu")


@pytest.fixture(scope="module")
def exact() -> MTCNN:
    return MTCNN(device="cpu", precision="f32")


@pytest.mark.parametrize("min_face_px", [12, 20, 40, 60, 100, 200])
def test_every_smallest_size_finds_the_face_that_is_larger(detector: MTCNN, portrait: np.ndarray, min_face_px: int) -> None:
    found = detector.detect([portrait], min_face_px)[0]
    assert len(found) >= 1
    assert iou(found.boxes[:1], PORTRAIT_FACE) > 0.6
    assert found.scores[0] > 0.95


def test_the_default_finds_exactly_the_face(detector: MTCNN, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    assert len(detector.detect([portrait])[0]) == 1
    assert len(detector.detect([astronaut])[0]) == 1


def test_no_face_is_smaller_than_a_smallest_face_larger_than_the_picture(detector: MTCNN, portrait: np.ndarray) -> None:
    assert len(detector.detect([portrait], 5000)[0]) == 0


def test_landmarks_are_left_and_right_as_seen_in_the_picture(detector: MTCNN, portrait: np.ndarray) -> None:
    for image in (portrait, portrait[:, ::-1]):
        left_eye, right_eye, nose, left_mouth, right_mouth = detector.detect([image])[0].landmarks[0]
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_landmarks_are_where_people_marked_them(exact: MTCNN, data_dir: Path) -> None:
    with (data_dir / "detect/landmarks5/landmarks.csv").open() as file:
        rows = list(csv.DictReader(file))[:40]
    images = [read_picture(data_dir / "detect/landmarks5" / row["image"]) for row in rows]
    errors = []
    for found, row in zip(exact.detect(images), rows, strict=True):
        marked = np.array([[float(row[f"{axis}{i}"]) for axis in "xy"] for i in range(1, 6)])
        distances = np.linalg.norm(found.landmarks - marked, axis=2).mean(axis=1) / np.linalg.norm(marked[0] - marked[1])
        errors.append(distances.min(initial=1.0))
    assert len(errors) == 40
    assert np.median(errors) < 0.08  # share of the distance between the eyes


def test_every_face_of_a_marked_group_is_found(detector: MTCNN, data_dir: Path) -> None:
    with (data_dir / "detect/dlib_faces/boxes.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["image"] for row in rows})
    found = detector.detect([read_picture(data_dir / "detect/dlib_faces" / name) for name in names])
    assert sum(len(mine) for mine in found) >= len(rows) > 0
    for name, mine in zip(names, found, strict=True):
        x, y, w, h = np.array([[float(row[key]) for key in "xywh"] for row in rows if row["image"] == name], np.float32).T
        assert iou(np.stack([x, y, x + w, y + h], axis=1), mine.boxes).max(axis=1).min() > 0.5, name


def test_a_face_lies_as_far_left_in_a_picture_as_right_in_its_mirror_image(exact: MTCNN, data_dir: Path) -> None:
    biases = []
    for path in sorted((data_dir / "detect/dlib_faces").glob("*.jpg")):
        image = read_picture(path)
        found, mirrored = exact.detect([image, image[:, ::-1]])
        centres, turned = ((mine.boxes[:, 0] + mine.boxes[:, 2]) / 2 for mine in (found, mirrored))
        apart = centres[:, None] + turned - image.shape[1]
        biases += [row[np.abs(row).argmin()] / 2 for row in apart]
    assert len(biases) >= 40
    assert abs(np.median(biases)) < 0.5  # px; unshifted they lie about one too far left


def test_a_second_look_at_the_mirror_image_makes_both_alike(portrait: np.ndarray) -> None:
    once = load_on_openvino("f32").output
    twice = FlipAveraged(once)
    apart = []
    for output in (once, twice):
        crops = np.ascontiguousarray(portrait[None, 105:345:5, 150:390:5])
        scores, offsets, landmarks = output(np.concatenate([crops, crops[:, :, ::-1]]))
        mirrored = landmarks[1, [1, 0, 2, 4, 3]] * [-1, 1] + [1, 0]
        apart.append(np.abs(landmarks[0] - mirrored).max())
    assert apart[0] > 0.003
    assert apart[1] < 1e-5
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    assert offsets[0] == pytest.approx(offsets[1, [2, 1, 0, 3]] * [-1, 1, -1, 1], abs=1e-5)
    assert len(MTCNN(device="cpu", precision="f32", mirror=True).detect([portrait])[0]) == 1


def test_the_benchmark_preset_finds_more(detector: MTCNN, data_dir: Path) -> None:
    image = read_picture(data_dir / "detect/group_checked/linz_02.jpg")
    wider = MTCNN(device="cpu", preset="wider")
    assert (wider.thresholds, wider.pyramid_step) == ((0.5, 0.5, 0.3), 0.79)
    assert MTCNN(device="cpu", preset="wider", pyramid_step=0.6).pyramid_step == 0.6
    assert len(wider.detect([image])[0]) >= len(detector.detect([image])[0]) > 2


def test_bfloat16_finds_the_same_faces(detector: MTCNN, exact: MTCNN, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    for rough, fine in zip(detector.detect([portrait, astronaut]), exact.detect([portrait, astronaut]), strict=True):
        assert len(rough) == len(fine) == 1
        assert iou(rough.boxes, fine.boxes) > 0.8


def test_a_batch_of_mixed_sizes_gives_what_each_gives_alone(exact: MTCNN, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    blank = np.zeros((80, 90, 3), np.uint8)
    images = [astronaut, blank, portrait, np.ascontiguousarray(portrait[::2, ::2]), portrait, blank[:5, :7], astronaut[:, ::-1]]
    together = exact.detect(images)
    assert [len(found) for found in together] == [1, 0, 1, 1, 1, 0, 1]
    assert_same(together, [exact.detect([image])[0] for image in images])


def assert_same(found: Sequence[Detections], expected: Sequence[Detections]) -> None:
    for mine, its in zip(found, expected, strict=True):
        assert mine.boxes == pytest.approx(its.boxes, abs=0.01)
        assert mine.scores == pytest.approx(its.scores, abs=1e-4)
        assert mine.landmarks == pytest.approx(its.landmarks, abs=0.01)


class FailsInTheMiddle:
    """A network that has no memory left for its third batch, while `fails`."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.fails = False
        self.at_a_time = network.at_a_time

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        return self.network(batch)

    def each(self, batches: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        for number, answers in enumerate(self.network.each(batches)):
            if number == 2 and self.fails:
                raise MemoryError
            yield answers


def test_a_large_batch_gives_what_each_picture_gives_alone_also_after_one_that_failed(portrait: np.ndarray, data_dir: Path) -> None:
    """More tiles and crops than may be under way at a time."""
    networks = load_on_openvino("f32")
    refine, output = FailsInTheMiddle(networks.refine), FailsInTheMiddle(networks.output)
    cascade = StepwiseCascade(replace(networks, refine=refine, output=FlipAveraged(output)), *PRESETS["live"])
    group = cv2.resize(read_picture(data_dir / "detect/group_checked/linz_02.jpg"), (960, 640))
    images = [np.ascontiguousarray(np.roll(group, 40 * number, axis=1)) for number in range(6)]
    images += [portrait, np.zeros((9, 9, 3), np.uint8)] * 6
    alone = [cascade.detect([image], [30])[0] for image in images]
    assert sum(len(found) for found in alone) > 18
    for network in (refine, output):
        network.fails = True
        with pytest.raises(MemoryError):
            cascade.detect(images, [30] * len(images))
        network.fails = False
        assert_same(cascade.detect(images, [30] * len(images)), alone)


def test_each_image_may_have_its_own_smallest_face(exact: MTCNN, portrait: np.ndarray) -> None:
    found = exact.detect([portrait, portrait, portrait], [20, 5000, 60])
    assert [len(mine) for mine in found] == [1, 0, 1]
    assert np.array_equal(found[2].boxes, exact.detect([portrait], 60)[0].boxes)


def test_the_same_input_gives_the_same_output_whatever_came_before(detector: MTCNN, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    first = detector.detect([portrait])[0]
    detector.detect([astronaut, astronaut[:100]], 12)
    again = detector.detect([portrait])[0]
    assert np.array_equal(first.boxes, again.boxes)
    assert np.array_equal(first.scores, again.scores)


def test_faces_come_best_first(detector: MTCNN, data_dir: Path) -> None:
    found = detector.detect([read_picture(data_dir / "detect/group_checked/linz_02.jpg")])[0]
    assert len(found) > 2
    assert np.all(np.diff(found.scores) <= 0)
    assert found.boxes.dtype == found.scores.dtype == found.landmarks.dtype == np.float32


def test_a_size_that_comes_often_gets_a_network_of_its_own_and_the_same_faces(astronaut: np.ndarray, portrait: np.ndarray) -> None:
    networks = load_on_openvino("auto")
    loaded: list[tuple[int, int]] = []

    def strips(height_px: int, width_px: int) -> Network:
        assert networks.propose_strips is not None
        loaded.append((height_px, width_px))
        return networks.propose_strips(height_px, width_px)

    detector = StepwiseCascade(replace(networks, propose_strips=strips), *PRESETS["live"])
    images = [astronaut, astronaut[::-1], np.roll(astronaut, 150, axis=1)]
    before = detector.detect(images, [40] * 3)
    for _ in range(PICTURES_BEFORE_STRIPS // 3 + 1):
        detector.detect([*images, portrait[::2, ::2]], [40] * 4)
    for mine, its in zip(detector.detect(images, [40] * 3), before, strict=True):
        assert np.array_equal(mine.boxes, its.boxes)
        assert np.array_equal(mine.scores, its.scores)
    assert len(before[0]) == 1
    assert len(loaded) == 1  # the portrait came too seldom
    assert loaded[0][1] == level_sizes(512, 512, 40, PYRAMID_STEP)[0][1]


@pytest.mark.slow
def test_keras_finds_the_faces_that_openvino_finds(exact: MTCNN, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    from models.detection.cascade_networks import load_as_keras

    as_keras = StepwiseCascade(load_as_keras(propose_sizes=(4,), refine_sizes=(32,), output_sizes=(8,)), *PRESETS["live"])
    images = [portrait, astronaut]
    for ours, theirs in zip(exact.detect(images), as_keras.detect(images, [20, 20]), strict=True):
        assert len(ours) == len(theirs) == 1
        assert ours.boxes == pytest.approx(theirs.boxes, abs=0.1)
        assert ours.landmarks == pytest.approx(theirs.landmarks, abs=0.1)
        assert ours.scores == pytest.approx(theirs.scores, abs=1e-3)
