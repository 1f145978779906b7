from __future__ import annotations

from itertools import pairwise

import numpy as np

from stream.analysis.cuts import is_cut, is_quiet, likeness, same_face, thumbnail
from stream.frame import Frame


def frame(image: np.ndarray) -> Frame:
    return Frame.of_image(np.ascontiguousarray(image), source="film", captured_at=0.0)


def cuts(*images: np.ndarray) -> list[bool]:
    return [is_cut(one, other) for one, other in pairwise(thumbnail(frame(image)) for image in images)]


def test_another_picture_is_a_cut(portrait: np.ndarray, astronaut: np.ndarray) -> None:
    assert cuts(portrait, astronaut, astronaut, portrait) == [True, False, True]


def test_light_and_movement_are_none(portrait: np.ndarray) -> None:
    bright = np.clip(portrait.astype(int) + 40, 0, 255).astype(np.uint8)
    dim = (portrait * 0.85).astype(np.uint8)
    moved = np.roll(portrait, 6, axis=1)
    noisy = np.clip(portrait + np.random.default_rng(0).normal(0, 15, portrait.shape), 0, 255).astype(np.uint8)
    assert cuts(portrait, bright, dim, portrait, moved, noisy) == [False] * 5


def test_to_black_and_back_is_two(portrait: np.ndarray) -> None:
    black = np.zeros_like(portrait)
    assert cuts(black, black, portrait, black) == [False, True, True]


def test_a_head_that_moves_before_a_white_wall_is_none() -> None:
    def wall(x: int) -> np.ndarray:
        image = np.full((240, 320, 3), 230, np.uint8)
        image[80:180, x : x + 80] = 60
        return image

    assert cuts(*(wall(x) for x in range(20, 220, 30))) == [False] * 6


def test_likeness_of_even_pictures() -> None:
    even, other = np.full((18, 32), 7.0, np.float32), np.full((18, 32), 200.0, np.float32)
    ramp = np.tile(np.arange(32, dtype=np.float32), (18, 1))
    assert likeness(even, other) == 1
    assert likeness(even, ramp) == 0
    assert likeness(ramp, 3 * ramp + 9) > 0.999
    assert likeness(ramp, -ramp) < -0.999


def test_a_face_is_like_itself_and_not_like_another(portrait: np.ndarray, astronaut: np.ndarray) -> None:
    hers, another = np.array([180, 60, 330, 250], np.float32), np.array([170, 60, 280, 190], np.float32)
    brighter = np.clip(portrait.astype(int) + 40, 0, 255).astype(np.uint8)
    assert same_face(frame(portrait), hers, frame(brighter), hers + 3)
    assert not same_face(frame(portrait), hers, frame(astronaut), another)
    assert not same_face(frame(portrait), hers, frame(portrait), np.array([-90, -90, -10, -10], np.float32))


def test_where_nothing_changes_but_known_faces_it_is_quiet(portrait: np.ndarray) -> None:
    noisy = np.clip(portrait + np.random.default_rng(0).normal(0, 6, portrait.shape), 0, 255).astype(np.uint8)
    winking = portrait.copy()
    winking[120:200, 220:300] = 20
    before, face = thumbnail(frame(portrait)), np.array([[180, 60, 330, 250]], np.float32)
    assert is_quiet(before, thumbnail(frame(noisy)), np.zeros((0, 4)), 512, 600)
    assert not is_quiet(before, thumbnail(frame(winking)), np.zeros((0, 4)), 512, 600)
    assert is_quiet(before, thumbnail(frame(winking)), face, 512, 600)
    assert not is_quiet(before, thumbnail(frame(np.roll(portrait, 60, axis=1))), face, 512, 600)
    assert not is_quiet(before, thumbnail(frame(winking)), np.array([[-900, -900, -800, -800]], np.float32), 512, 600)


def test_the_small_picture_of_a_frame_is_made_once(portrait: np.ndarray) -> None:
    one = frame(portrait)
    small = thumbnail(one)
    assert thumbnail(one) is small
    assert not small.flags.writeable  # whoever else asks has the same
    assert thumbnail(frame(portrait)) is not small
