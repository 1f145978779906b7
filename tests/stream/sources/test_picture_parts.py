"""A part of a decoded picture is the same pixels as the whole has there."""

import av
import numpy as np
import pytest

from stream.frame import Frame
from stream.sources.picture_parts import SHARED_BY, upright_part
from stream.sources.pyav_frame import frame_of, upright_rgb

LIES = [(turns, mirrored) for turns in range(4) for mirrored in (False, True)]


def picture(pix_fmt: str, width: int, height: int, colorspace: int = 1, color_range: int = 1) -> av.VideoFrame:
    rng = np.random.default_rng(width)
    made = av.VideoFrame(width, height, pix_fmt)
    for plane in made.planes:
        plane.update(rng.integers(0, 256, plane.buffer_size, np.uint8).tobytes())
    made.colorspace, made.color_range = colorspace, color_range
    return made


@pytest.mark.parametrize("pix_fmt", SHARED_BY)
@pytest.mark.parametrize(("width", "height"), [(854, 480), (322, 242), (64, 50)])
@pytest.mark.parametrize(("colorspace", "color_range"), [(1, 1), (1, 2), (5, 1), (9, 1), (2, 0)])
def test_a_part_is_what_the_whole_has_there(pix_fmt: str, width: int, height: int, colorspace: int, color_range: int) -> None:
    decoded = picture(pix_fmt, width, height, colorspace, color_range)
    whole = upright_rgb(decoded, 0, False)
    rng = np.random.default_rng(height)
    for _ in range(12):
        left, right = sorted(rng.choice(width + 1, 2, replace=False).tolist())
        top, bottom = sorted(rng.choice(height + 1, 2, replace=False).tolist())
        part = upright_part(decoded, 0, False, left, top, right, bottom)
        assert part is not None
        assert np.array_equal(part, whole[top:bottom, left:right])


@pytest.mark.parametrize("lies", LIES)
def test_turned_and_mirrored_pictures_too(lies: tuple[int, bool]) -> None:
    decoded = picture("yuv420p", 98, 62)
    whole = upright_rgb(decoded, *lies)
    part = upright_part(decoded, *lies, 7, 11, 40, 52)
    assert part is not None
    assert np.array_equal(part, whole[11:52, 7:40])


@pytest.mark.parametrize("side", [120, 121])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le", "rgb24", "gray", "nv12", "yuyv422"])
def test_a_frame_gives_the_same_before_and_after_all_of_it_was_made(pix_fmt: str, side: int) -> None:
    def frame() -> Frame:
        decoded = picture(pix_fmt, 200, side)
        return frame_of(decoded, (1, True), source="a", index=0, pts=0, time_base=1, captured_at=0.0)  # type: ignore[arg-type]

    early, late = frame(), frame()
    expected = late.image[5:100, 3:90]
    assert np.array_equal(early.part(3, 5, 90, 100), expected)
    assert np.array_equal(late.part(3, 5, 90, 100), expected)
    assert not early.part(3, 5, 90, 100).flags.writeable


@pytest.mark.parametrize("lies", LIES)
@pytest.mark.parametrize("smaller", [2, 3, 5])
def test_a_smaller_part_is_the_mean_of_its_squares(lies: tuple[int, bool], smaller: int) -> None:
    decoded = picture("yuv420p", 240, 160)
    for plane, level in zip(decoded.planes, (120, 110, 140), strict=True):  # a ramp: noise would be clipped when it becomes RGB
        rows, columns = np.mgrid[: plane.height, : plane.line_size]
        plane.update((level + rows // 4 % 20 + columns // 4 % 20).astype(np.uint8).tobytes())
    whole = upright_rgb(decoded, *lies).astype(float)
    part = upright_part(decoded, *lies, 8, 4, 8 + 20 * smaller + 1, 4 + 10 * smaller + 1, smaller)
    assert part is not None
    assert part.shape == (10, 20, 3)
    area = whole[4 : 4 + 10 * smaller, 8 : 8 + 20 * smaller]
    mean = area.reshape(10, smaller, 20, smaller, 3).mean(axis=(1, 3))
    assert np.abs(part - mean).max() < 11  # colours are shared by four pixels
    assert np.abs(part - mean).mean() < 1.5
