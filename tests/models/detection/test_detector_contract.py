"""What every detector promises, whichever it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from models import Detections, Detector, DetectorOptions, load_detector
from models.detection.detections import AROUND_REACH, CHECK_REACH
from models.imaging.boxes import iou, overlaps
from models.imaging.pictures import read_picture
from tests.paths import DATA

FACE = np.array([[165, 105, 360, 340]], np.float32)
"""Grace Hopper's face in the portrait, drawn by hand."""
KINDS = ("mtcnn", "yunet")


def options(kind: str, **others: object) -> DetectorOptions:
    """On the CPU and exact; YuNet's weights are in the shared folder only."""
    if kind == "mtcnn":
        return DetectorOptions(device="cpu", precision="f32", **others)  # type: ignore[arg-type]
    weights = DATA / "models/yunet_n_640_640.onnx"
    if not weights.is_file():
        pytest.skip(f"no weights of YuNet at {weights} (FACESTREAM_DATA names another place)")
    return DetectorOptions("yunet", weights, device="cpu", precision="f32", **others)  # type: ignore[arg-type]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def detector(kind: str) -> Detector:
    return load_detector(options(kind))


@pytest.fixture(scope="module")
def group(data_dir: Path) -> np.ndarray:
    """Several faces."""
    return read_picture(data_dir / "detect/group_checked/linz_02.jpg")


def assert_same(found: Detections, expected: Detections) -> None:
    assert found.boxes == pytest.approx(expected.boxes, abs=0.01)
    assert found.scores == pytest.approx(expected.scores, abs=1e-4)
    assert found.landmarks == pytest.approx(expected.landmarks, abs=0.01)


def test_it_says_what_it_is(detector: Detector, kind: str) -> None:
    assert detector.name == kind
    assert detector.candidates_dropped == 0


def test_no_pictures_give_no_answers(detector: Detector) -> None:
    assert detector.detect([]) == []
    assert detector.check([], []) == []


def test_the_face_is_where_it_was_drawn_and_its_landmarks_in_our_order(detector: Detector, portrait: np.ndarray) -> None:
    for image in (portrait, portrait[:, ::-1]):
        (found,) = detector.detect([image])
        drawn = FACE if image is portrait else 512 - FACE[:, [2, 1, 0, 3]] * [1, -1, 1, -1] - [0, 512, 0, 512]
        assert len(found) == 1
        assert iou(found.boxes, drawn) > 0.6
        left_eye, right_eye, nose, left_mouth, right_mouth = found.landmarks[0]
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_answers_are_sorted_by_score_and_of_the_types_that_are_promised(detector: Detector, group: np.ndarray) -> None:
    (found,) = detector.detect([group])
    assert len(found) > 2
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert (found.boxes.shape, found.scores.shape, found.landmarks.shape) == ((len(found), 4), (len(found),), (len(found), 5, 2))
    assert found.boxes.dtype == found.scores.dtype == found.landmarks.dtype == np.float32


def test_pictures_of_mixed_sizes_give_together_what_each_gives_alone(
    detector: Detector, portrait: np.ndarray, astronaut: np.ndarray, group: np.ndarray
) -> None:
    images = [portrait, np.zeros((7, 90, 3), np.uint8), group, astronaut[:, ::-1], portrait[::2, ::2], portrait]
    together = detector.detect(images)
    assert [len(found) for found in together] == [1, 0, len(together[2]), 1, 1, 1]
    for found, image in zip(together, images, strict=True):
        assert_same(found, detector.detect([image])[0])


def test_read_only_and_turned_arrays_are_looked_at_and_left_as_they_are(detector: Detector, portrait: np.ndarray) -> None:
    image = portrait[:576].copy()  # sides that need no padding
    kept, expected = image.copy(), detector.detect([image])[0]
    image.flags.writeable = False
    assert_same(detector.detect([image])[0], expected)
    upside_down = np.ascontiguousarray(image[::-1])[::-1]
    assert_same(detector.detect([upside_down])[0], expected)
    detector.check([image], [expected.boxes])
    assert np.array_equal(image, kept)


@pytest.mark.parametrize("min_face_px", [12, 20, 40, 100, 180])
def test_the_smallest_face_is_honoured(detector: Detector, portrait: np.ndarray, min_face_px: int) -> None:
    (found,) = detector.detect([portrait], min_face_px)
    assert iou(found.boxes[:1], FACE) > 0.6
    scale = min_face_px / (4 * 235)
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert len(detector.detect([small], min_face_px)[0]) == 0  # its face is a quarter of that
    assert len(detector.detect([portrait], 5000)[0]) == 0
    assert [len(mine) for mine in detector.detect([portrait, portrait], [5000, 60])] == [0, 1]


@pytest.mark.parametrize("side_px", [40, 100, 300, 900, 1800])
def test_faces_of_every_size_are_found(detector: Detector, astronaut: np.ndarray, side_px: int) -> None:
    scale = side_px / 120  # the face is about so large
    image = cv2.resize(astronaut[:320, 40:400], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    found = detector.detect([image])[0]
    assert iou(found.boxes[:1], np.array([[139, 60, 229, 176]]) * scale) > 0.6
    assert (overlaps(found.boxes[1:], found.boxes[:1], "smaller") < 0.3).all()  # no part of it is another face


def test_a_check_keeps_the_order_of_the_boxes(detector: Detector, group: np.ndarray, portrait: np.ndarray) -> None:
    (faces,) = detector.detect([group])
    nobody = np.array([[5, 5, 65, 65]], np.float32)
    order = np.random.default_rng(0).permutation(len(faces))
    asked = np.concatenate([faces.boxes[order], nobody])
    none, checked, alone = detector.check([portrait, group, portrait], [np.zeros((0, 4)), asked, FACE])
    assert len(none) == 0
    assert len(checked) == len(asked) > 3
    assert (np.diag(iou(checked.boxes[:-1], faces.boxes[order])) > 0.6).all()
    assert (checked.scores[:-1] > 0.5).all()
    assert checked.scores[-1] < 0.3
    assert np.linalg.norm(checked.landmarks[:-1] - faces.landmarks[order], axis=2).max() < 0.15 * faces.boxes[:, 3].max()
    assert iou(alone.boxes, FACE) > 0.6


def test_a_face_that_moved_a_little_is_found_by_a_check_and_one_that_went_scores_low(detector: Detector, portrait: np.ndarray) -> None:
    (face,) = detector.detect([portrait])
    side = face.boxes[0, 2] - face.boxes[0, 0]
    for dx, dy in ((0.15, 0), (-0.1, 0.1), (0, -0.15)):
        (moved,) = detector.check([portrait], [face.boxes + np.array([dx, dy, dx, dy], np.float32) * side])
        assert iou(moved.boxes, face.boxes) > iou(face.boxes + np.array([dx, dy, dx, dy], np.float32) * side, face.boxes)
        assert moved.scores[0] > 0.6
    (gone,) = detector.check([np.full_like(portrait, 127)], [face.boxes])
    assert gone.scores[0] < 0.3
    assert np.isfinite(gone.boxes).all()
    assert np.isfinite(gone.landmarks).all()


def test_a_check_of_many_boxes_gives_what_each_gives_alone(detector: Detector, group: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    corner = rng.uniform(-30, [group.shape[1], group.shape[0]], (40, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 300, (40, 2))], axis=1).astype(np.float32)
    (together,) = detector.check([group], [boxes])
    for index in range(len(boxes)):
        assert_same(together.take(np.array([index])), detector.check([group], [boxes[index : index + 1]])[0])


def test_expecting_changes_no_answer(detector: Detector, portrait: np.ndarray) -> None:
    before = detector.detect([portrait])[0]
    detector.expect(*portrait.shape[:2], at_a_time=3)
    detector.expect(60, 60, 500)
    assert_same(detector.detect([portrait])[0], before)


def test_boxes_lie_inside_the_picture_when_asked(kind: str, portrait: np.ndarray) -> None:
    image = np.ascontiguousarray(portrait[150:, 200:])  # cuts the face
    detector = load_detector(options(kind, clip_boxes=True))
    (found,) = detector.detect([image])
    asked = np.concatenate([found.boxes, [[-90, -90, -10, -10]]])
    (checked,) = detector.check([image], [asked])
    assert len(checked) == len(asked) == 2  # a row for each, also for one that lies outside
    for boxes in (found.boxes, checked.boxes):
        assert ((boxes >= 0) & (boxes <= [image.shape[1], image.shape[0]] * 2)).all()


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((9, 9, 3), np.float32), TypeError, "image 1 .*uint8.*not float32"),
        ([[1, 2]], TypeError, "image 1 .*numpy array.*not list"),
        (np.zeros((9, 9), np.uint8), ValueError, r"image 1 .*\(height, width, 3\) RGB, not \(9, 9\)"),
        (np.zeros((0, 9, 3), np.uint8), ValueError, r"image 1 .*not \(0, 9, 3\)"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(detector: Detector, image: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        detector.detect([np.zeros((9, 9, 3), np.uint8), image])  # type: ignore[list-item]


def test_wrong_sizes_and_boxes_are_refused_in_words(detector: Detector, portrait: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"at least 12.*not 11"):
        detector.detect([portrait], 11)
    with pytest.raises(TypeError, match=r"whole number of pixels, not 20\.5"):
        detector.detect([portrait], 20.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 values for 2 images"):
        detector.detect([portrait, portrait], [20])
    with pytest.raises(ValueError, match="boxes has 0 arrays for 1 images"):
        detector.check([portrait], [])
    with pytest.raises(ValueError, match=r"boxes of image 0 have shape \(N, 4\).*not \(4,\)"):
        detector.check([portrait], [FACE[0]])
    for wrong in ([[5, 5, 5, 9]], [[np.nan, 0, 5, 5]]):
        with pytest.raises(ValueError, match="boxes of image 0 must be finite"):
            detector.check([portrait], [np.array(wrong)])


def test_a_look_around_finds_a_face_that_has_moved_by_half_its_side(detector: Detector, portrait: np.ndarray) -> None:
    (face,) = detector.detect([portrait])
    side = face.boxes[0, 2] - face.boxes[0, 0]
    for dx, dy in ((0.4, 0), (-0.3, 0.3), (0, -0.4)):
        asked = face.boxes + np.array([dx, dy, dx, dy], np.float32) * side
        (moved,) = detector.check([portrait], [asked], around=True)
        assert iou(moved.boxes, face.boxes) > 0.6
        assert moved.scores[0] > 0.6
    (gone,) = detector.check([np.full_like(portrait, 127)], [face.boxes], around=True)
    assert gone.scores[0] < 0.3


def test_what_lies_out_of_reach_changes_no_check(detector: Detector, portrait: np.ndarray) -> None:
    (face,) = detector.detect([portrait])
    box = face.boxes[:1]
    side, centre = (box[0, 2:] - box[0, :2]).max(), (box[0, :2] + box[0, 2:]) / 2
    for around, reach in ((False, CHECK_REACH), (True, AROUND_REACH)):
        other = np.full_like(portrait, 255)
        x1, y1 = np.maximum(centre - side * (0.5 + reach) - 2, 0).astype(int)
        x2, y2 = (centre + side * (0.5 + reach) + 2).astype(int)
        other[y1:y2, x1:x2] = portrait[y1:y2, x1:x2]
        assert_same(detector.check([other], [box], around=around)[0], detector.check([portrait], [box], around=around)[0])
