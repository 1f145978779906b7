"""Formats of programs that paint and of games: read where Pillow reads them, named where nobody does; none is left out in silence."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import PictureError
from models.imaging.metadata import read_metadata
from models.imaging.pictures import read_picture
from stream.errors import SourceError
from stream.sources.opening import expand, open_source
from tests.command import facestream


def photoshop(path: Path, image: np.ndarray, *, bits: int = 8, is_whole: bool = True) -> Path:
    """As Photoshop lays it out: no layers, samples one channel after the other, not packed."""
    height, width = image.shape[:2]
    says = struct.pack(">I?", 1, is_whole) + bytes(9)
    resource = b"8BIM" + struct.pack(">H", 1057) + b"\x00\x00" + struct.pack(">I", len(says)) + says
    head = b"8BPS\x00\x01" + bytes(6) + struct.pack(">HIIHH", 3, height, width, bits, 3) + bytes(4)
    samples = np.repeat(image.transpose(2, 0, 1)[..., None], bits // 8, axis=3)
    path.write_bytes(head + struct.pack(">I", len(resource)) + resource + bytes(4) + b"\x00\x00" + samples.tobytes())
    return path


@pytest.mark.parametrize("name", ["a.tga", "A.TGA", "a.vda", "packed.tga", "a.pcx", "a.sgi", "a.qoi", "a.dds"])
def test_what_pillow_reads_is_a_photo(name: str, tmp_path: Path, portrait: np.ndarray) -> None:
    kind = {".vda": "TGA"}.get(Path(name).suffix)
    options = {"compression": "tga_rle"} if name.startswith("packed") else {}
    Image.fromarray(portrait).save(tmp_path / name, kind, **options)
    source = open_source(tmp_path / name)
    assert source.info.still
    (frame,) = source
    np.testing.assert_array_equal(frame.image, portrait)
    assert expand(tmp_path) == [str(tmp_path)], "a folder of it is one of photos"
    assert [one.source for one in open_source(tmp_path)] == [str(tmp_path / name)]


def test_an_icon_is_its_largest_picture_and_a_sun_raster_is_read(tmp_path: Path, portrait: np.ndarray) -> None:
    Image.fromarray(portrait[:512]).save(tmp_path / "a.ico", sizes=[(16, 16), (256, 256), (64, 64)])
    assert read_picture(tmp_path / "a.ico").shape == (256, 256, 3)
    raster = struct.pack(">8I", 0x59A66A95, 512, 600, 24, portrait.size, 1, 0, 0) + portrait[..., ::-1].tobytes()
    (tmp_path / "a.ras").write_bytes(raster)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.ras"), portrait)


def test_the_picture_of_a_photoshop_file_is_read_and_one_of_layers_alone_is_not_taken_for_white(
    tmp_path: Path, portrait: np.ndarray
) -> None:
    np.testing.assert_array_equal(read_picture(photoshop(tmp_path / "a.psd", portrait)), portrait)
    with pytest.raises(PictureError, match=r"b\.psd: Photoshop's format with 16 or 32 bits a sample cannot be read; convert"):
        read_picture(photoshop(tmp_path / "b.psd", portrait, bits=16))
    with pytest.raises(PictureError, match=r"c\.psd: holds layers only, not the picture that they make; save it"):
        read_picture(photoshop(tmp_path / "c.psd", np.full_like(portrait, 255), is_whole=False))


def test_the_fourth_channel_of_a_tga_is_no_transparency_where_it_is_empty(tmp_path: Path, portrait: np.ndarray) -> None:
    empty, half = (np.dstack([portrait, np.full(portrait.shape[:2], alpha, np.uint8)]) for alpha in (0, 128))
    Image.fromarray(empty).save(tmp_path / "empty.tga")
    Image.fromarray(half).save(tmp_path / "half.tga")
    np.testing.assert_array_equal(read_picture(tmp_path / "empty.tga"), portrait)
    assert read_metadata(tmp_path / "empty.tga").lost == ()
    assert read_metadata(tmp_path / "half.tga").lost == ("transparent parts, which are white now",)
    over_white = (portrait.astype(float) * 128 + 255.0 * 127) / 255
    assert np.abs(read_picture(tmp_path / "half.tga") - over_white).max() <= 1


@pytest.mark.parametrize(
    ("name", "content", "called"),
    [
        ("a.pdf", b"%PDF-1.7\n", "PDF"),
        ("scan.jpg", b"%PDF-1.7\n", "PDF"),
        ("a.exr", b"v/1\x01\x02\x00\x00\x00", "OpenEXR"),
        ("a.hdr", b"#?RADIANCE\n", "Radiance HDR"),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        ("a.ai", b"%PDF-1.5\n", "PDF"),
        ("a.dcm", bytes(128) + b"DICM", "DICOM"),
        ("a", bytes(128) + b"DICM", "DICOM"),
        ("a.dpx", b"SDPX", "DPX"),
        ("a.djvu", b"AT&TFORM", "DjVu"),
        ("a.wmf", b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
        ("a.kra", b"PK\x03\x04", "Krita's format"),
        ("a.fits", b"SIMPLE  =                    T", "FITS"),
        ("a.xwd", b"anything", "a dump of an X window"),
        ("a.pam", b"P7\nWIDTH 1\n", "PAM"),
    ],
)
def test_what_nobody_reads_is_named(name: str, content: bytes, called: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PictureError) as refused:
        list(open_source(tmp_path / name))
    assert str(refused.value) == f"{tmp_path / name}: {called} cannot be read; convert it to JPEG or PNG first."


@pytest.mark.parametrize(("name", "called"), [("a.cri", "cri"), ("a.Y", "rawvideo"), ("a.pcd", "photocd")])
def test_one_picture_that_ffmpeg_knows_by_its_name_is_no_video(name: str, called: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(352 * 288 * 2))
    with pytest.raises(SourceError) as refused:
        open_source(tmp_path / name)
    assert str(refused.value).endswith(
        f"{name}: is a picture in a format ({called}) that is not read here; convert it to JPEG or PNG first."
    )


def test_in_a_folder_each_is_a_photo_of_its_own_or_is_named(tmp_path: Path, portrait: np.ndarray) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.tga", "a.ico", "a.pcx", "b.TGA", "c.jpg", "d.qoi", "d.png"):
        Image.fromarray(portrait[:256, 120:376]).save(folder / name)
    photoshop(folder / "a.psd", portrait)
    (folder / "e.pdf").write_bytes(b"%PDF-1.7\n")
    (folder / "f.exr").write_bytes(b"v/1\x01")
    (folder / "notes.txt").write_text("of no concern")
    done = facestream("run", folder, "-o", tmp_path / "out", "--model", "none")
    assert done.returncode == 1, "two could not be read"
    assert sorted(done.stderr.splitlines()) == [
        f"facestream: {folder}/e.pdf: PDF cannot be read; convert it to JPEG or PNG first.",
        f"facestream: {folder}/f.exr: OpenEXR cannot be read; convert it to JPEG or PNG first.",
    ]
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"a.tga.png", "a.ico.png", "a.pcx.png", "a.psd.png", "b.png", "c.jpg", "d.qoi.png", "d.png"}
