"""Colours are those that were meant: a profile counts in every mode, and one broken sample blackens no picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from models.imaging.pictures import read_picture

STORED = (200, 120, 90)


def swapped() -> bytes:
    """A profile of another space than sRGB: its red and blue primaries are exchanged, so that nobody takes one colour for the other."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for index in range(count):
        place = 132 + 12 * index
        name = bytes(profile[place : place + 4])
        profile[place : place + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(name, name)
        if name in (b"desc", b"dmdd"):  # its name must not say sRGB
            start, size = (int.from_bytes(profile[place + 4 + n : place + 8 + n], "big") for n in (0, 4))
            profile[start : start + size] = bytes(profile[start : start + size]).replace(b"s\x00R\x00G\x00B", b"x\x00X\x00X\x00X")
    assert "sRGB" not in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(bytes(profile))))
    return bytes(profile)


def gamma(value: float) -> bytes:
    """A profile of greys, of this gamma."""
    white = b"XYZ " + bytes(4) + b"".join(int(x * 65536).to_bytes(4, "big") for x in (0.9642, 1.0, 0.8249))
    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + round(value * 256).to_bytes(2, "big") + bytes(2)
    text = b"desc" + bytes(4) + (6).to_bytes(4, "big") + b"Greys\x00" + bytes(79)
    parts = [(b"desc", text + bytes(-len(text) % 4)), (b"wtpt", white), (b"kTRC", curve)]
    table, place, body = len(parts).to_bytes(4, "big"), 128 + 4 + 12 * len(parts), b""
    for name, part in parts:
        table += name + (place + len(body)).to_bytes(4, "big") + len(part).to_bytes(4, "big")
        body += part
    size = 128 + len(table) + len(body)
    head = size.to_bytes(4, "big") + bytes(4) + b"\x02\x10\x00\x00mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28)
    head += b"".join(int(x * 65536).to_bytes(4, "big") for x in (0.9642, 1.0, 0.8249)) + bytes(48)
    return head[:128] + table + body


def test_one_colour_of_one_profile_is_the_same_in_every_mode(tmp_path: Path) -> None:
    profile, plain = swapped(), Image.new("RGB", (16, 16), STORED)
    glass = plain.convert("RGBA")
    palette = plain.quantize(4)
    see_through = palette.copy()
    see_through.info["transparency"] = 3
    kinds = {"rgb": plain, "rgba": glass, "palette": palette, "palette with transparency": see_through}
    seen = {}
    for name, picture in kinds.items():
        picture.save(tmp_path / f"{name}.png", icc_profile=profile)
        seen[name] = read_picture(tmp_path / f"{name}.png")[8, 8].tolist()
    plain.save(tmp_path / "a.webp", icc_profile=profile, lossless=True)
    glass.save(tmp_path / "b.webp", icc_profile=profile, lossless=True)
    glass.save(tmp_path / "c.tif", icc_profile=profile)
    seen |= {name: read_picture(tmp_path / name)[8, 8].tolist() for name in ("a.webp", "b.webp", "c.tif")}
    assert seen["rgb"][2] > seen["rgb"][0] + 50, "red is blue, as the profile says"
    assert all(np.abs(np.array(colour) - seen["rgb"]).max() <= 3 for colour in seen.values()), seen


def test_half_transparent_colours_are_those_of_the_profile_over_white(tmp_path: Path) -> None:
    profile = swapped()
    Image.new("RGB", (16, 16), STORED).save(tmp_path / "opaque.png", icc_profile=profile)
    Image.new("RGBA", (16, 16), (*STORED, 128)).save(tmp_path / "half.png", icc_profile=profile)
    Image.new("RGBA", (16, 16), (*STORED, 0)).save(tmp_path / "clear.png", icc_profile=profile)
    opaque, half, clear = (read_picture(tmp_path / f"{name}.png")[8, 8].astype(int) for name in ("opaque", "half", "clear"))
    assert np.abs(half - (opaque + 255) / 2).max() <= 2
    assert clear.tolist() == [255, 255, 255]


def test_greys_have_a_profile_too(tmp_path: Path) -> None:
    Image.new("L", (16, 16), 128).save(tmp_path / "linear.png", icc_profile=gamma(1.0))
    Image.new("LA", (16, 16), (128, 255)).save(tmp_path / "linear_alpha.png", icc_profile=gamma(1.0))
    Image.new("L", (16, 16), 128).save(tmp_path / "wrong.png", icc_profile=swapped())
    for name in ("linear", "linear_alpha"):
        assert np.abs(read_picture(tmp_path / f"{name}.png")[8, 8].astype(int) - 188).max() <= 2, "half the light, as sRGB has it"
    assert read_picture(tmp_path / "wrong.png")[8, 8].tolist() == [128, 128, 128], "a profile of colours says nothing of greys"


@pytest.mark.parametrize(
    ("wrong", "there"), [(np.inf, 255), (-np.inf, 0), (np.nan, 0), (1e30, 255), (-1e30, 0)], ids=["inf", "-inf", "nan", "huge", "-huge"]
)
@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_one_broken_sample_of_a_float_picture_is_one_broken_pixel(wrong: float, there: int, white: float, tmp_path: Path) -> None:
    samples = np.linspace(0, white, 100 * 100, dtype=np.float32).reshape(100, 100)
    Image.fromarray(samples).save(tmp_path / "whole.tif")
    whole = read_picture(tmp_path / "whole.tif")
    samples[50, 50] = wrong
    Image.fromarray(samples).save(tmp_path / "broken.tif")
    broken = read_picture(tmp_path / "broken.tif")
    assert broken[50, 50].tolist() == [there] * 3
    expected = whole.copy()
    expected[50, 50] = there
    np.testing.assert_array_equal(broken, expected)
    assert whole.min() == 0
    assert whole.max() == 255


def test_a_picture_of_broken_samples_alone_is_read(tmp_path: Path) -> None:
    Image.fromarray(np.full((10, 10), np.nan, np.float32)).save(tmp_path / "nan.tif")
    assert (read_picture(tmp_path / "nan.tif") == 0).all()


def test_one_hot_sample_of_32_bits_blackens_no_picture(tmp_path: Path) -> None:
    samples = np.linspace(0, 65535, 100 * 100).astype(np.int32).reshape(100, 100)
    samples[50, 50] = 2**31 - 1
    Image.fromarray(samples).save(tmp_path / "a.tif")
    assert read_picture(tmp_path / "a.tif").mean() > 100
