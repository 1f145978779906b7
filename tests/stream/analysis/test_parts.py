"""Places are checked in parts of frames as they would be in all of each frame."""

from __future__ import annotations

import numpy as np
import pytest

from models import Classifier
from models.detection.detections import Detections
from models.detection.mtcnn import MTCNN
from models.imaging.boxes import iou
from stream.analysis.parts import ENOUGH_PX, answer_asks, answer_checks
from stream.analysis.requests import Ask, Check
from stream.frame import Frame
from stream.media import av
from stream.sources.pyav_frame import frame_of


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu", precision="f32")


def decoded(image: np.ndarray, times: int = 1) -> Frame:
    picture = av.VideoFrame.from_ndarray(np.repeat(np.repeat(image, times, 0), times, 1), format="rgb24").reformat(format="yuv420p")
    return frame_of(picture, (0, False), source="a", index=0, pts=0, time_base=1, captured_at=0.0)  # type: ignore[arg-type]


def test_checks_of_parts_say_what_checks_of_the_whole_say(detector: MTCNN, portrait: np.ndarray, astronaut: np.ndarray) -> None:
    frames = [Frame.of_image(image, source="a", captured_at=0.0) for image in (portrait, astronaut)]
    rng = np.random.default_rng(0)
    checks = []
    for frame in frames:
        corner = rng.uniform(-60, [frame.width, frame.height], (20, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(10, 95, (20, 2))], axis=1).astype(np.float32)
        face = detector.detect([frame.image])[0].boxes
        checks.append(Check(frame, np.concatenate([boxes, face]).astype(np.float32)))
    answer_checks(detector, checks)
    for check in checks:
        (whole,) = detector.check([check.frame.image], [check.boxes])
        sure = whole.scores >= 0.5  # the others are looked around
        assert sure.any()
        np.testing.assert_allclose(check.found.scores[sure], whole.scores[sure], atol=0.05)
        small = sure & ((check.boxes[:, 2:] - check.boxes[:, :2]).max(axis=1) < 2 * ENOUGH_PX)  # larger ones are seen in a smaller picture
        np.testing.assert_allclose(check.found.boxes[small], whole.boxes[small], atol=0.05)
        np.testing.assert_allclose(check.found.landmarks[small], whole.landmarks[small], atol=0.05)
        assert (np.diag(iou(check.found.boxes[sure], whole.boxes[sure])) > 0.95).all()


@pytest.mark.parametrize("times", [2, 5])
def test_a_large_face_is_seen_as_well_in_a_smaller_picture(detector: MTCNN, portrait: np.ndarray, times: int) -> None:
    frame = decoded(portrait, times)
    (face,) = detector.detect([frame.image], 100)
    check = Check(frame, face.boxes + np.float32(4 * times))
    answer_checks(detector, [check])
    assert check.found.scores[0] > 0.9
    assert iou(check.found.boxes, face.boxes)[0, 0] > 0.8
    assert np.linalg.norm(check.found.landmarks[0] - face.landmarks[0], axis=1).max() < 0.06 * (face.boxes[0, 3] - face.boxes[0, 1])


def test_in_a_frame_that_was_searched_what_was_found_around_a_place_counts(detector: MTCNN, portrait: np.ndarray) -> None:
    frame = Frame.of_image(portrait, source="a", captured_at=0.0)
    (found,) = detector.detect([portrait], weak=True)
    face = found.boxes[found.scores.argmax()]
    beside = (face + np.float32(0.4) * (face[2] - face[0]) * np.array([1, 0, 1, 0], np.float32))[None]
    alone, searched, overlooked = Check(frame, beside), Check(frame, beside, found), Check(frame, beside, Detections.none())
    for check in (alone, searched, overlooked):
        answer_checks(detector, [check])
    assert iou(searched.found.boxes, face[None])[0, 0] == pytest.approx(1)
    assert searched.found.scores[0] == found.scores.max()
    assert alone.found.scores[0] > 0.9 > 0.5 > overlooked.found.scores[0]  # which nobody has looked around


def test_places_at_and_beyond_the_edges_are_no_matter(detector: MTCNN, portrait: np.ndarray) -> None:
    boxes = np.array(
        [[-30, -30, 30, 30], [-300, -300, -200, -200], [500, 590, 530, 640], [900, 900, 950, 950], [-400, -400, 900, 1000], [0, 0, 1, 1]],
        np.float32,
    )
    for frame in (Frame.of_image(portrait, source="a", captured_at=0.0), decoded(portrait), decoded(portrait[:1, :1], 2)):
        check = Check(frame, boxes)
        answer_checks(detector, [check])
        assert len(check.found) == len(boxes)
        assert np.isfinite(check.found.boxes).all()


def test_the_face_model_sees_the_same_crops(portrait: np.ndarray) -> None:
    model, frame = Classifier.load("smile", device="cpu", precision="f32"), decoded(portrait)
    boxes = np.array([[180, 60, 330, 250], [-20, -20, 60, 70], [400, 500, 600, 700]], np.float32)
    faces = Detections(boxes, np.full(3, 0.9, np.float32), np.zeros((3, 5, 2), np.float32))
    ask = Ask(frame, faces)
    answer_asks(model, [ask])
    whole = model.cut(upright := decoded(portrait).image, faces)
    assert upright.shape == portrait.shape
    assert np.array_equal(ask.crops, whole)
    assert ask.rows.shape == (3, 2)
