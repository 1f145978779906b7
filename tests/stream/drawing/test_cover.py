"""What lies over a hidden face: nothing of it can be used, nothing beside it changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.detection.detector import Detector, load_detector
from stream.analysis.heads import head
from stream.drawing.cover import Cover, covers
from stream.drawing.mark import painted
from stream.faces import Hidden, HideShape, HideStyle

STYLES: tuple[HideStyle, ...] = ("blur", "pixelate", "fill")
SHAPES: tuple[HideShape, ...] = ("ellipse", "rectangle")


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector()


def picture(width: int = 320, height: int = 240) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 255, (height, width, 3), np.uint8)


def inside(cover: Cover, width: int, height: int) -> np.ndarray:
    """(height, width) bool, by arithmetic of its own."""
    x1, y1, x2, y2 = cover.area
    y, x = np.mgrid[:height, :width] + 0.5
    if cover.shape == "rectangle":
        return (x > x1) & (x < x2) & (y > y1) & (y < y2)
    return ((x - (x1 + x2) / 2) / (x2 - x1) * 2) ** 2 + ((y - (y1 + y2) / 2) / (y2 - y1) * 2) ** 2 <= 1


@pytest.mark.parametrize("area", [(41, 31, 160, 191), (-30, -20, 50, 61), (250, 180, 341, 299), (7, 9, 8, 11), (100, 50, 103, 52)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("style", STYLES)
def test_beside_it_nothing_changes_and_within_nothing_is_left(style: HideStyle, shape: HideShape, area: tuple[int, int, int, int]) -> None:
    image, cover = picture(), Cover(area, style, shape)
    out, within = painted(image, [cover]), inside(cover, 320, 240)
    assert np.array_equal(out[~within], image[~within])
    if within.sum() > 100:
        before, after = image[within].astype(float).ravel(), out[within].astype(float).ravel()
        assert after.std() < 0.5 * before.std()
        assert abs(np.corrcoef(before, after)[0, 1]) < 0.25 if after.std() else True


@pytest.mark.parametrize("area", [(41, 31, 160, 191), (-30, -20, 51, 61), (250, 180, 341, 299), (3, 5, 4, 6)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [(320, 240), (321, 241)])
def test_on_a_video_too(style: HideStyle, shape: HideShape, area: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    rng, (width, height) = np.random.default_rng(3), size
    halves = (height + 1) // 2, (width + 1) // 2
    planes = [rng.integers(16, 235, shape_, np.uint8) for shape_ in ((height, width), halves, halves)]
    before, cover = [plane.copy() for plane in planes], Cover(area, style, shape)
    cover.paint_planes(planes, 1, full=False)
    within = inside(cover, width, height)
    assert np.array_equal(planes[0][~within], before[0][~within])
    padded = np.zeros((2 * halves[0], 2 * halves[1]), bool)
    padded[:height, :width] = within
    colour = padded.reshape(halves[0], 2, halves[1], 2).any(axis=(1, 3))
    for plane, old in zip(planes[1:], before[1:], strict=True):
        assert np.array_equal(plane[~colour], old[~colour])
    if within.sum() > 400:
        assert planes[0][within].std() < 0.5 * before[0][within].std()
        assert all(plane[colour].std() < 0.5 * old[colour].std() for plane, old in zip(planes[1:], before[1:], strict=True))


@pytest.mark.parametrize("style", ["blur", "pixelate"])
def test_its_noise_stays_with_a_face_and_differs_between_faces(style: HideStyle) -> None:
    flat = np.full((240, 320, 3), 120, np.uint8)
    one, again, other = (painted(flat, [Cover((40, 40, 140, 160), style, "rectangle", key)]) for key in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert one[40:160, 40:140].std() > 3, "there is noise"
    moved = painted(flat, [Cover((60, 50, 160, 170), style, "rectangle", 1)])
    assert np.array_equal(moved[50:170, 60:160], one[40:160, 40:140])


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_no_face_is_found_in_what_is_hidden(
    detector: Detector, portrait: np.ndarray, astronaut: np.ndarray, style: HideStyle, scale: float
) -> None:
    for image in (portrait, astronaut):
        sized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        (found,) = detector.detect([sized])
        assert len(found)
        areas = np.stack([head(box, points, 1.0) for box, points in zip(found.boxes, found.landmarks, strict=True)])
        hidden = Hidden(style, "ellipse", areas, tuple(range(len(areas))))
        out = painted(sized, covers(hidden, sized.shape[1], sized.shape[0]))
        assert len(detector.detect([out])[0]) == 0


def test_a_picture_that_nobody_looked_at_is_covered_to_its_edges() -> None:
    image = picture()
    for style in STYLES:
        out = painted(image, covers(Hidden(style, "ellipse", np.zeros((0, 4), np.float32), whole=True), 320, 240))
        assert out.std() < 0.3 * image.std()
        assert (out != image).mean() > 0.95


def test_places_outside_or_of_no_sense_are_no_matter() -> None:
    areas = np.array([[-50, -50, -10, -10], [400, 10, 500, 90], [10, 10, 10, 10], [-1e30, -1e30, 1e30, 1e30]], np.float32)
    hidden = Hidden("fill", "rectangle", areas)
    assert len(covers(hidden, 320, 240)) == 1
    assert (painted(picture(), covers(hidden, 320, 240)) == painted(picture(), covers(hidden, 320, 240))).all()


@pytest.mark.parametrize("area", [(-150, 20, 18, 220), (306, 20, 480, 220), (100, -190, 260, 12), (100, 230, 260, 430)])
@pytest.mark.parametrize("style", ["blur", "pixelate"])
def test_of_a_face_at_the_edge_no_more_is_left_than_of_all_of_it(style: HideStyle, area: tuple[int, int, int, int]) -> None:
    image = np.full((240, 320, 3), 40, np.uint8)
    image[(np.arange(240) // 4)[:, None] % 2 == (np.arange(320) // 4)[None] % 2] = 220
    out = painted(image, [Cover(area, style, "rectangle")])
    x1, y1, x2, y2 = max(area[0], 0), max(area[1], 0), min(area[2], 320), min(area[3], 240)
    assert out[y1:y2, x1:x2].std() < 0.35 * image[y1:y2, x1:x2].std()
    planes = [image[..., 0].copy(), image[::2, ::2, 1].copy(), image[::2, ::2, 2].copy()]
    Cover(area, style, "rectangle").paint_planes(planes, 1, full=True)
    assert planes[0][y1:y2, x1:x2].std() < 0.35 * image[y1:y2, x1:x2].std()
    colour = slice(-(-y1 // 2), y2 // 2), slice(-(-x1 // 2), x2 // 2)
    assert planes[1][colour].std() < 0.35 * image[::2, ::2, 1][colour].std()


def test_a_place_far_to_the_right_of_a_very_long_picture_is_covered() -> None:
    image = np.full((20, 200_000, 3), 255, np.uint8)
    out = painted(image, covers(Hidden("fill", "rectangle", np.array([[150_000, 2, 150_012, 14]], np.float32)), 200_000, 20))
    assert out[2:14, 150_000:150_012].max() < 60
