"""Nothing that is a picture breaks the detector, and what is none is refused in words."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import MTCNN, Detections


@pytest.fixture(scope="module")
def detector() -> MTCNN:
    return MTCNN(device="cpu")


def assert_sound(found: Detections) -> None:
    assert found.boxes.shape == (len(found), 4)
    assert found.landmarks.shape == (len(found), 5, 2)
    assert found.scores.shape == (len(found),)
    assert np.isfinite(found.boxes).all()
    assert np.isfinite(found.landmarks).all()
    assert np.all(found.boxes[:, 2:] > found.boxes[:, :2])
    assert np.all((found.scores >= 0) & (found.scores <= 1))


DETECTOR = MTCNN(device="cpu", thresholds=(0.3, 0.1, 0.1), clip_boxes=True)
"""Lets much through, so that every stage has work on any picture."""


@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    min_face_px=st.integers(12, 200),
    content=st.sampled_from(["black", "white", "noise", "steps"]),
    turned=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_any_picture_of_any_size_gives_sound_answers(height: int, width: int, min_face_px: int, content: str, turned: bool) -> None:
    rng = np.random.default_rng(height * 1000 + width)
    image = {
        "black": np.zeros((height, width, 3), np.uint8),
        "white": np.full((height, width, 3), 255, np.uint8),
        "noise": rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        "steps": np.repeat(np.arange(height * width).reshape(height, width, 1).astype(np.uint8), 3, axis=2),
    }[content]
    image.flags.writeable = False
    found = DETECTOR.detect([image[::-1, ::-1] if turned else image], min_face_px)[0]
    assert_sound(found)
    assert np.all((found.boxes >= 0) & (found.boxes <= [width, height, width, height]))


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (11, 11), (12, 12), (13, 13), (10, 2000), (2000, 20), (129, 127)])
def test_odd_shapes_do_no_harm(shape: tuple[int, int]) -> None:
    assert_sound(DETECTOR.detect([np.full((*shape, 3), 127, np.uint8)], 12)[0])


def test_boxes_lie_inside_the_picture_when_asked(detector: MTCNN, portrait: np.ndarray) -> None:
    image = portrait[150:, 200:]  # cuts the face
    free = detector.detect([image])[0]
    cut = MTCNN(device="cpu", clip_boxes=True).detect([image])[0]
    assert free.boxes[0].min() < 0
    assert cut.boxes[0].min() == 0
    assert np.array_equal(cut.scores, free.scores)
    assert np.array_equal(cut.boxes[0, 2:], free.boxes[0, 2:])


@pytest.mark.parametrize("step", [0.5, 0.79, 0.95])
def test_any_pyramid_finds_the_face(portrait: np.ndarray, step: float) -> None:
    assert len(MTCNN(device="cpu", pyramid_step=step, min_face_px=60).detect([portrait])[0]) == 1


def test_no_pictures_give_no_answers(detector: MTCNN) -> None:
    assert detector.detect([]) == []


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        (np.zeros((9, 9, 3), np.float32), TypeError, "uint8.*not float32"),
        ([[1, 2]], TypeError, "numpy array.*not list"),
        (None, TypeError, "not NoneType"),
        (np.zeros((9, 9), np.uint8), ValueError, r"\(height, width, 3\) RGB, not \(9, 9\)"),
        (np.zeros((9, 9, 4), np.uint8), ValueError, r"not \(9, 9, 4\)"),
        (np.zeros((0, 9, 3), np.uint8), ValueError, r"not \(0, 9, 3\)"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(detector: MTCNN, image: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=f"image 1 .*{words}"):
        detector.detect([np.zeros((9, 9, 3), np.uint8), image])  # type: ignore[list-item]


def test_a_single_picture_instead_of_a_list_is_explained(detector: MTCNN, portrait: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a detector takes a list of images"):
        detector.detect(portrait)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"min_face_px": 11}, ValueError, "at least 12.*not 11"),
        ({"min_face_px": "20"}, TypeError, "whole number of pixels, not '20'"),
        ({"min_face_px": 20.5}, TypeError, "not 20.5"),
        ({"thresholds": (0.6, 0.7)}, ValueError, "three numbers"),
        ({"thresholds": (0.6, 0.7, 1.7)}, ValueError, "from 0 to 1"),
        ({"pyramid_step": 1.0}, ValueError, "between 0 and 1, not 1.0"),
        ({"preset": "best"}, ValueError, "live or wider, not 'best'"),
        ({"device": "tpu"}, ValueError, "not 'tpu'"),
        ({"precision": "f16"}, ValueError, "auto or f32, not 'f16'"),
    ],
)
def test_wrong_settings_are_refused_in_words(arguments: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        MTCNN(**arguments)  # type: ignore[arg-type]


def test_smallest_faces_must_match_the_pictures(detector: MTCNN, portrait: np.ndarray) -> None:
    with pytest.raises(ValueError, match="1 values for 2 images"):
        detector.detect([portrait, portrait], [20])


@pytest.mark.slow
def test_a_picture_of_108_megapixels_stays_within_memory() -> None:
    code = (
        "import numpy as np; from pathlib import Path; from models import MTCNN;"
        "MTCNN(device='cpu').detect([np.full((9000, 12000, 3), 90, np.uint8)]);"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"  # ru_maxrss would count the parent's memory too
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert int(result.stdout or -1) in range(1, int(1.5 * 2**20)), result.stderr  # KiB


@pytest.mark.slow
def test_frames_of_ever_new_sizes_leave_memory_flat() -> None:
    code = """
import numpy as np
from models import MTCNN

def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

detector, rng = MTCNN(device="cpu", min_face_px=40), np.random.default_rng(0)
for frame in range(1500):
    detector.detect([np.full((*rng.integers(50, 300, 2), 3), frame % 256, np.uint8)])
    if frame == 300:
        before = resident_mb()
print(resident_mb() - before)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert float(result.stdout or "nan") < 20, result.stderr  # MB; 1200 frames, each of a size of its own
