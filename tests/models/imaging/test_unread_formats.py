"""Pictures in formats that nobody here can read are refused in a sentence that names the format; no small preview is taken for a photo."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import PictureError
from models.imaging.picture_formats import is_animated, is_picture, is_picture_name
from models.imaging.pictures import read_picture
from tests.command import facestream, is_one_sentence

JXL_CONTAINER = b"\x00\x00\x00\x0cJXL \r\n\x87\n\x00\x00\x00\x14ftypjxl \x00\x00\x00\x00jxl "


def camera_raw(
    path: Path, more: list[tuple[int, int, int]], *, with_sub_ifd: bool = True, says_so: bool = True, width_within: int = 640
) -> Path:
    """As cameras lay it out: a small picture first, the photo in a directory within. `more`: tag, type, value."""
    preview = np.full((12, 16, 3), 200, np.uint8).tobytes()
    tags = [
        (254, 4, 1),
        (256, 4, 16),
        (257, 4, 12),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 2),
        (277, 3, 3),
        (278, 4, 12),
        (279, 4, len(preview)),
    ]
    tags += [*more, (273, 4, 0)]
    if with_sub_ifd:
        tags.append((330, 4, 0))
    if not says_so:
        tags.remove((254, 4, 1))
    tags.sort()
    start = 8 + 2 + 12 * len(tags) + 4
    places = {273: start, 330: start + len(preview)}
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, places.get(tag, value)) for tag, kind, value in tags)
    sub = struct.pack("<H", 2) + struct.pack("<HHII", 256, 4, 1, width_within) + struct.pack("<HHII", 257, 4, 1, 480) + bytes(4)
    path.write_bytes(b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(tags)) + entries + bytes(4) + preview + sub)
    return path


@pytest.mark.parametrize("name", ["photo.dng", "photo.nef", "photo.arw", "photo.tif", "photo"])
def test_the_preview_of_camera_raw_is_not_taken_for_the_photo(name: str, tmp_path: Path) -> None:
    path = camera_raw(tmp_path / name, [])
    with Image.open(path) as taken:
        assert taken.size == (16, 12), "what Pillow takes for the picture"
    with pytest.raises(PictureError, match="camera raw cannot be read; develop it") as refused:
        read_picture(path)
    assert str(path) in str(refused.value)
    assert is_picture(path)


def test_a_larger_picture_within_a_small_one_that_says_nothing_is_found(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="camera raw cannot be read"):
        read_picture(camera_raw(tmp_path / "a.tif", [], says_so=False))


def test_a_small_picture_on_the_first_page_is_passed_over(tmp_path: Path, portrait: np.ndarray) -> None:
    path, photo = tmp_path / "a.tif", Image.fromarray(portrait)
    photo.resize((64, 75)).save(path, tiffinfo={254: 1}, save_all=True, append_images=[photo])
    content, flag = bytearray(path.read_bytes()), struct.pack("<HHII", 254, 4, 1, 1)
    assert content.count(flag) == 2, "Pillow says so of both"
    place = content.rindex(flag)
    content[place : place + len(flag)] = struct.pack("<HHII", 254, 4, 1, 0)
    path.write_bytes(content)
    np.testing.assert_array_equal(read_picture(path), portrait)


def test_smaller_pictures_within_the_photo_are_no_reason_to_refuse_it(tmp_path: Path, portrait: np.ndarray) -> None:
    """As programs for large pictures lay them out."""
    path = camera_raw(tmp_path / "a.tif", [], says_so=False, width_within=8)
    assert read_picture(path).shape == (12, 16, 3)
    Image.fromarray(portrait).save(tmp_path / "plain.tif")
    assert read_picture(tmp_path / "plain.tif").shape == portrait.shape


@pytest.mark.parametrize("more", [[(50706, 1, 0x00000401)], [(50706, 1, 1), (254, 4, 0)]])
def test_every_dng_is_camera_raw_however_it_is_laid_out(more: list[tuple[int, int, int]], tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="camera raw cannot be read"):
        read_picture(camera_raw(tmp_path / "a.dng", more[:1], with_sub_ifd=False))


@pytest.mark.parametrize(
    ("name", "content", "called"),
    [
        ("a.jxl", b"\xff\x0a\xfa\x7f\x01 a codestream", "JPEG XL"),
        ("a.jxl", JXL_CONTAINER, "JPEG XL"),
        ("wrongly.jpg", JXL_CONTAINER, "JPEG XL"),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        ("a.svg", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made by hand -->\n<!DOCTYPE svg>\n<svg/>", "SVG"),
        ("a.svgz", b"\x1f\x8b packed", "SVG"),
        ("a.psb", b"8BPS\x00\x02", "Photoshop's large format"),
        ("a.xcf", b"gimp xcf v011", "GIMP's format"),
        ("a.bpg", b"BPG\xfb", "BPG"),
        ("a.jxr", b"II\xbc\x01", "JPEG XR"),
        ("a.cr2", b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(40), "camera raw"),
        ("a.cr3", b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "camera raw"),
        ("a.raf", b"FUJIFILMCCD-RAW 0201", "camera raw"),
        ("a.rw2", b"IIU\x00\x18\x00\x00\x00", "camera raw"),
        ("a.orf", b"IIRO\x08\x00\x00\x00", "camera raw"),
        ("a.nef", b"of a camera that nobody knows", "camera raw"),
    ],
)
def test_the_format_is_named(name: str, content: bytes, called: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PictureError) as refused:
        read_picture(path)
    assert str(refused.value).startswith(f"{path}: {called} cannot be read; ")
    assert "\n" not in str(refused.value)
    assert is_picture_name(path)
    done = facestream("run", path, "--model", "none", "--no-window")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)


def test_among_others_they_are_named_and_the_others_come(tmp_path: Path, portrait: np.ndarray) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(portrait).save(tmp_path / "in/a.jpg")
    (tmp_path / "in/b.jxl").write_bytes(JXL_CONTAINER)
    camera_raw(tmp_path / "in/a.dng", [])
    Image.fromarray(portrait).save(tmp_path / "in/a.heic.png")
    done = facestream("run", tmp_path / "in", "-o", tmp_path / "out", "--model", "none")
    assert done.returncode == 1
    assert "b.jxl: JPEG XL cannot be read" in done.stderr
    assert "a.dng: camera raw cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.heic.png", "a.jpg"]


@pytest.mark.parametrize("major", [b"mif1", b"msf1", b"avif"])
def test_an_avif_is_known_by_what_it_can_be_read_as(major: bytes, tmp_path: Path, portrait: np.ndarray) -> None:
    """Encoders name the family first, and AVIF among what it is compatible with."""
    path = tmp_path / "a.avif"
    Image.fromarray(portrait).save(path, quality=90)
    content = bytearray(path.read_bytes())
    size = int.from_bytes(content[:4], "big")
    brands = [bytes(content[place : place + 4]) for place in range(16, size, 4)]
    assert b"avif" in brands
    content[8:12] = major
    path.write_bytes(content)
    found = read_picture(path)
    assert np.abs(found.astype(int) - portrait).mean() < 5
    assert not is_animated(path)
