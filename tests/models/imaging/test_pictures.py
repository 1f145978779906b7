"""Whatever the format, a picture arrives upright, in RGB, with the colours that people see; and is written whole or not at all."""

from __future__ import annotations

import csv
import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from models.errors import PictureError
from models.imaging.picture_formats import is_animated, is_picture, is_picture_name, writable_suffixes
from models.imaging.picture_writer import write_picture
from models.imaging.pictures import read_picture


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference, 0..255."""
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.fixture
def scene(portrait: np.ndarray) -> np.ndarray:
    """A picture of which no turned or mirrored copy looks the same."""
    return portrait[:400:4, :480:4]


@pytest.mark.parametrize("suffix", sorted(writable_suffixes))
def test_what_is_written_is_read_back(suffix, scene, tmp_path):
    path = tmp_path / f"picture{suffix}"
    write_picture(path, scene)
    found = read_picture(path)
    assert found.dtype == np.uint8
    assert not found.flags.writeable
    assert difference(found, scene) < (8 if suffix == ".gif" else 4)  # a GIF has 256 colours
    assert list(tmp_path.iterdir()) == [path]


def test_each_suffix_is_written_in_its_own_format(scene, tmp_path):
    formats = {".jpg": "JPEG", ".PNG": "PNG", ".webp": "WEBP", ".avif": "AVIF", ".jp2": "JPEG2000", ".tif": "TIFF"}
    for suffix, name in formats.items():
        write_picture(tmp_path / f"picture{suffix}", scene)
        with Image.open(tmp_path / f"picture{suffix}") as written:
            assert written.format == name


def test_lower_quality_makes_smaller_files(scene, tmp_path):
    write_picture(tmp_path / "good.jpg", scene, quality=95)
    write_picture(tmp_path / "poor.jpg", scene, quality=40)
    assert (tmp_path / "poor.jpg").stat().st_size < (tmp_path / "good.jpg").stat().st_size / 2


def test_a_picture_that_cannot_be_written_leaves_the_old_one(scene, tmp_path):
    path = tmp_path / "picture.jpg"
    write_picture(path, scene)
    before = path.read_bytes()
    with pytest.raises(PictureError, match="70000×1 pixels cannot be written as JPEG"):
        write_picture(path, np.zeros((1, 70000, 3), np.uint8))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_suffix_or_a_missing_folder_is_refused(scene, tmp_path):
    with pytest.raises(PictureError, match=r"cannot be written as '.xyz'"):
        write_picture(tmp_path / "picture.xyz", scene)
    with pytest.raises(OSError, match="No such file or directory"):
        write_picture(tmp_path / "nowhere" / "picture.jpg", scene)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(orientation, suffix, scene, tmp_path):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions that make the stored picture of the upright one
    stored = Image.fromarray(scene)
    if orientation in undo:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / f"turned.{suffix}", exif=exif, quality=95)
    assert difference(read_picture(tmp_path / f"turned.{suffix}"), scene) < 8


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    expected = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    Image.fromarray(ramp).save(tmp_path / "grey.png")
    Image.fromarray(ramp).save(tmp_path / "grey.tif")
    (tmp_path / "grey.pgm").write_bytes(b"P5 16 16 65535\n" + ramp.astype(">u2").tobytes())
    (tmp_path / "rgb.png").write_bytes(png_of_16_bits(np.repeat(ramp[..., None], 3, axis=2)))
    for path in tmp_path.iterdir():
        assert np.abs(read_picture(path).astype(int) - expected).max() <= 1, path.name


def png_of_16_bits(samples: np.ndarray) -> bytes:
    """Written by hand, for Pillow cannot. `samples`: (height, width, 3) uint16."""
    height, width = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
def test_pictures_of_floats_are_scaled_by_what_they_hold(full, tmp_path):
    Image.fromarray(np.linspace(0, full, 256, dtype=np.float32).reshape(16, 16)).save(tmp_path / "grey.tif")
    found = read_picture(tmp_path / "grey.tif")[..., 0]
    assert np.abs(found.astype(int).ravel() - np.arange(256)).max() <= 1


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "YCbCr", "LAB", "1"])
def test_every_colour_model_becomes_rgb(mode, scene, tmp_path):
    image = Image.fromarray(scene)
    if mode == "LAB":
        srgb = ImageCms.createProfile("sRGB")
        stored = ImageCms.applyTransform(image, ImageCms.buildTransform(srgb, ImageCms.createProfile("LAB"), "RGB", "LAB"))
    else:
        stored = image.convert(mode)
    stored.save(tmp_path / "picture.tif")
    grey = np.repeat(np.asarray(image.convert("L"))[..., None], 3, axis=2)
    expected = grey if mode == "L" else scene
    assert difference(read_picture(tmp_path / "picture.tif"), expected) < (100 if mode == "1" else 30 if mode == "P" else 3)


def test_an_adobe_cmyk_jpeg_is_not_inverted(scene, tmp_path):
    Image.fromarray(scene).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    assert difference(read_picture(tmp_path / "print.jpg"), scene) < 6


def test_transparent_pictures_lie_on_white(scene, tmp_path):
    alpha = np.full((*scene.shape[:2], 1), 255, np.uint8)
    alpha[:, :40] = 0
    for suffix in ("png", "webp", "avif", "tif"):
        path = tmp_path / f"cut_out.{suffix}"
        Image.fromarray(np.concatenate([scene, alpha], axis=2)).save(path, lossless=True)
        found = read_picture(path)
        assert difference(found[:, :36], np.full_like(scene[:, :36], 255)) < 1
        assert difference(found[:, 44:], scene[:, 44:]) < 5
    palette = Image.fromarray(scene).convert("P")
    palette.save(tmp_path / "palette.png", transparency=palette.getpixel((0, 0)))
    assert tuple(read_picture(tmp_path / "palette.png")[0, 0]) == (255, 255, 255)


def test_a_cut_off_jpeg_gives_what_is_there_and_says_so(portrait_path, portrait, tmp_path):
    whole = portrait_path.read_bytes()
    path = tmp_path / "cut.jpg"
    path.write_bytes(whole[: int(len(whole) * 0.8)])
    notes: list[str] = []
    found = read_picture(path, note=notes.append)
    assert difference(found[:300], portrait[:300]) < 1
    assert notes == [f"{path}: is cut off or damaged; only a part of it could be decoded."]
    path.write_bytes(whole[: len(whole) // 10])
    with pytest.raises(PictureError, match=r"cut\.jpg: is damaged and cannot be decoded"):
        read_picture(path)


def test_what_is_no_picture_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("this is no picture\n" * 50)
    (tmp_path / "header.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    refusals = {
        "missing.jpg": "there is no such file",
        "empty.jpg": "is empty",
        "text.jpg": "is not a picture",
        "header.png": "is not a picture|is damaged",
        "": "is a folder, not a picture",
    }
    for name, cause in refusals.items():
        with pytest.raises(PictureError, match=f"{tmp_path / name}: ({cause}).*\\.$") as refused:
            read_picture(tmp_path / name)
        assert "\n" not in str(refused.value)
        assert not is_picture(tmp_path / name)


def test_absurd_sizes_are_refused_before_memory_is_taken(tmp_path):
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 10) + b"IDAT" + bytes(14))
    with pytest.raises(PictureError, match="60000×60000 pixels are too many"):
        read_picture(tmp_path / "bomb.png")


@pytest.mark.parametrize("size", [(1, 1), (10, 2000), (3000, 2), (12000, 9000)])
def test_extreme_sizes_are_read(size, tmp_path):
    width, height = size
    Image.new("L", size, 90).save(tmp_path / "extreme.png", compress_level=1)
    found = read_picture(tmp_path / "extreme.png")
    assert found.shape == (height, width, 3)
    assert found[-1, -1].tolist() == [90, 90, 90]


def test_of_a_tiff_with_pages_the_first_is_read_and_that_is_said(scene, tmp_path):
    path = tmp_path / "pages.tif"
    pages = [Image.fromarray(np.roll(scene, shift, axis=1)) for shift in (0, 5, 9)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    notes = []
    np.testing.assert_array_equal(read_picture(path, note=notes.append), scene)
    assert notes == [f"{path}: has 3 pages; the first is read."]


def test_animations_are_told_from_pictures(tmp_path):
    pages = [Image.new("RGB", (8, 8), (40 * number, 0, 0)) for number in range(3)]
    for name in ("moving.gif", "moving.png", "moving.webp"):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
        assert is_animated(tmp_path / name), name
        assert read_picture(tmp_path / name)[0, 0].max() < 10
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    pages[0].save(tmp_path / "still.gif")
    assert not is_animated(tmp_path / "pages.tif")
    assert not is_animated(tmp_path / "still.gif")
    assert not is_animated(tmp_path / "missing.gif")


def test_names_of_pictures_are_known_in_any_case():
    assert is_picture_name("a/b.JPG")
    assert is_picture_name("x.heic")
    assert not is_picture_name("film.mp4")
    assert not is_picture_name("jpg")


def test_a_phone_s_heic_is_read(portrait, tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(portrait)).save(tmp_path / "phone.heic", quality=90)
    assert difference(read_picture(tmp_path / "phone.heic"), portrait) < 6


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tif", "bmp", "avif"])
def test_damaged_files_give_a_picture_or_one_sentence(suffix, scene, tmp_path):
    write_picture(tmp_path / f"whole.{suffix}", scene)
    whole = (tmp_path / f"whole.{suffix}").read_bytes()

    sentences: list[str] = []

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=30), st.integers(1, len(whole)))
    def read(flips: list[tuple[int, int]], length: int) -> None:
        damaged = bytearray(whole[:length])
        for place, value in flips:
            damaged[place % length] = value
        path = tmp_path / f"damaged.{suffix}"
        path.write_bytes(damaged)
        try:
            found = read_picture(path)
        except PictureError as error:
            sentences.append(str(error))
        else:
            assert found.ndim == 3
            assert found.shape[2] == 3

    read()
    assert all(sentence.startswith(f"{tmp_path}/damaged.{suffix}: ") and "\n" not in sentence for sentence in sentences)


def test_odd_pictures_come_out_as_expected(data_dir):
    with (data_dir / "expected.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith("image_odd/derived")]
    assert len(rows) > 25
    reference = read_picture(data_dir / "image_odd/derived/astronaut.png")
    for row in rows:
        path = data_dir / row["file"]
        if row["expected"] == "error message":
            with pytest.raises(PictureError):
                read_picture(path)
            continue
        found = read_picture(path)
        if path.name in ("face.bmp", "face.avif", "cmyk.jpg", "rgb_16bit.png", "lossy.webp", "png_named.jpg", "UPPER.JPG"):
            assert difference(found, reference) < 6, path.name


def test_pillow_s_own_odd_pictures_are_turned_and_coloured_right(data_dir):
    folder = data_dir / "image_odd"
    landscape = read_picture(folder / "exif_scenes/Landscape_1.jpg")
    for number in range(2, 9):
        assert difference(read_picture(folder / f"exif_scenes/Landscape_{number}.jpg"), landscape) < 6
    hopper = read_picture(folder / "pillow_odd/hopper.png")
    for name in ("hopper.Lab.tif", "hopper.bmp", "hopper.ppm", "hopper_orientation_8.jpg", "hopper_orientation_7.webp", "avif/hopper.heif"):
        assert difference(read_picture(folder / "pillow_odd" / name), hopper) < 8, name
