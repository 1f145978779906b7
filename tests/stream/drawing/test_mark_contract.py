"""What every mark and every style promise: the same look on RGB and on the planes of a video, and nothing changed beside it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stream.drawing.ink import Ink
from stream.drawing.mark import Mark, Style, painted
from stream.drawing.overlay import inked
from stream.faces import Analysis, Face

SIZE = WIDTH, HEIGHT = 640, 480
STYLES: dict[str, Style] = {"boxes and words": inked}
MARKS: dict[str, Mark] = {
    "opaque": Ink(41, 31, np.full((60, 80, 3), (200, 40, 90), np.uint8)),
    "half transparent": Ink(40, 30, np.full((61, 81, 3), (30, 220, 20), np.uint8), np.full((61, 81), 128, np.uint8)),
    "one pixel": Ink(7, 9, np.full((1, 1, 3), 255, np.uint8)),
    "at the far corner": Ink(WIDTH - 33, HEIGHT - 21, np.full((21, 33, 3), (9, 9, 200), np.uint8)),
}
RED_AND_BLUE = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def face(x1: float, y1: float, x2: float, y2: float) -> Face:
    points = np.array([[x1 + (x2 - x1) * x, y1 + (y2 - y1) * y] for x, y in ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.3, 0.8), (0.7, 0.8))])
    return Face(np.array([x1, y1, x2, y2], np.float32), 0.87, points.astype(np.float32), label="Anna", probability=0.97, track=3)


FACES = Analysis("x", 0, 0.0, (face(101, 101, 261, 301), face(400, 151, 422, 176), face(-20, 350, 80, 470), face(590, 420, 660, 490)))


def marks() -> dict[str, list[Mark]]:
    """Each alone, and what each style makes of faces at the edges and a status line."""
    return {name: [mark] for name, mark in MARKS.items()} | {
        name: list(style(*SIZE, FACES, "cam0 · 29.8 frames/s")) for name, style in STYLES.items()
    }


def picture(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Soft colours, so that what a mark lets through differs from place to place."""
    return cv2.resize(np.random.default_rng(1).integers(60, 180, (4, 5, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)


def planes_of(rgb: np.ndarray, matrix: int, *, full: bool) -> list[np.ndarray]:
    k_red, k_blue = RED_AND_BLUE[matrix]
    red, green, blue = (rgb[..., channel].astype(float) for channel in range(3))
    luma = k_red * red + (1 - k_red - k_blue) * green + k_blue * blue
    chroma = [(blue - luma) / (2 - 2 * k_blue), (red - luma) / (2 - 2 * k_red)]
    halved = [cv2.resize(one, ((rgb.shape[1] + 1) // 2, (rgb.shape[0] + 1) // 2), interpolation=cv2.INTER_AREA) for one in chroma]
    luma, halved = (luma, halved) if full else (16 + luma * 219 / 255, [one * 224 / 255 for one in halved])
    return [np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in (luma, halved[0] + 128, halved[1] + 128)]


def rgb_of(planes: list[np.ndarray], matrix: int, *, full: bool) -> np.ndarray:
    luma, blue, red = (plane.astype(float) for plane in (planes[0], *(one.repeat(2, 0).repeat(2, 1) for one in planes[1:])))
    if not full:
        luma, blue, red = (luma - 16) * 255 / 219, (blue - 128) * 255 / 224 + 128, (red - 128) * 255 / 224 + 128
    k_red, k_blue = RED_AND_BLUE[matrix]
    r, b = luma + 2 * (1 - k_red) * (red - 128), luma + 2 * (1 - k_blue) * (blue - 128)
    return np.stack([r, (luma - k_red * r - k_blue * b) / (1 - k_red - k_blue), b], axis=-1)


def grown(mask: np.ndarray, by: int) -> np.ndarray:
    return cv2.dilate(mask.astype(np.uint8), np.ones((by, by), np.uint8)).astype(bool)


@pytest.mark.parametrize("name", marks())
@pytest.mark.parametrize(("matrix", "full"), [(1, False), (6, False), (6, True), (9, False)])
def test_on_planes_it_looks_as_on_rgb_and_spares_the_rest(name: str, matrix: int, full: bool) -> None:
    before = picture()
    expected = painted(before, marks()[name])
    assert np.array_equal(before, picture()), "the picture handed in stays as it is"
    planes = planes_of(before, matrix, full=full)
    untouched = [plane.copy() for plane in planes]
    for mark in marks()[name]:
        mark.paint_planes(planes, matrix, full=full)
    touched = (expected != before).any(axis=2)
    assert touched.any()
    seen = rgb_of(planes, matrix, full=full)
    flat = ~grown(np.abs(np.diff(expected.astype(int), axis=0, append=0)).max(axis=2) > 4, 5)
    flat &= ~grown(np.abs(np.diff(expected.astype(int), axis=1, append=0)).max(axis=2) > 4, 5)
    assert np.abs(seen - expected)[flat].max() < 7, "where colour changes slowly, a rounding or two apart"
    assert np.abs(seen - expected).mean() < 1.5, "elsewhere colour has half the resolution"
    beside = ~grown(touched, 5)
    assert np.array_equal(planes[0][beside], untouched[0][beside])
    for channel in (1, 2):
        assert np.array_equal(planes[channel][beside[::2, ::2]], untouched[channel][beside[::2, ::2]])


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [(99, 101), (1, 1), (2, 2000), (640, 481)])
def test_a_style_fits_pictures_of_any_size(style: str, size: tuple[int, int]) -> None:
    width, height = size
    found = Analysis("x", 0, 0.0, (face(0.6 * width, 0.6 * height, width + 1, height + 1),))
    planes = planes_of(picture(*size), 6, full=False)
    shapes = [plane.shape for plane in planes]
    for mark in STYLES[style](width, height, found, "cam0"):
        mark.paint_planes(planes, 6, full=False)
    assert [plane.shape for plane in planes] == shapes
    assert painted(picture(*size), STYLES[style](width, height, found, "cam0")).shape == (height, width, 3)


@pytest.mark.parametrize("style", STYLES)
def test_where_there_is_nothing_to_see_there_are_no_marks(style: str) -> None:
    assert list(STYLES[style](*SIZE, Analysis("x", 0, 0.0, ()))) == []
