"""What a photo says besides its pixels comes along, made true of what is written; what cannot come is said."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.picture import PictureSink
from stream.sinks.result import Result

XMP = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" tiff:Orientation="6" dc:rights="Kodak">'
    "<xmp:Thumbnails><rdf:Alt>T0xE</rdf:Alt></xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>"
)
COPYRIGHT, MADE, LENS = "(c) A Photographer", "2019:07:01 10:00:00", "50mm f/1.4"
OLD_THUMBNAIL = b"\xff\xd8\xff\xe0 an old small picture \xff\xd9"


def remarks() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Copyright] = COPYRIGHT
    exif[ExifTags.Base.DateTime] = MADE
    exif[ExifTags.Base.Make] = "Leica"
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.DateTimeOriginal: MADE,
            ExifTags.Base.LensModel: LENS,
            ExifTags.Base.ExifImageWidth: 600,
            ExifTags.Base.MakerNote: b"private" + OLD_THUMBNAIL,
        }
    )
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    return exif


def written(photo: Path, out: Path, *, of: int = 1) -> tuple[Image.Image, list[str]]:
    """What the sink writes for a photo whose pixels were read elsewhere, and what it had to say."""
    info = SourceInfo(str(photo), still=True, path=photo, pictures=(photo,))
    sink = PictureSink(out, info, OutputSettings())
    image = np.full((600, 512, 3), 120, np.uint8)
    sink.write(Result(Frame.of_image(image, source=str(photo), captured_at=0.0), Analysis(str(photo), 0, 0.0, ()), info))
    sink.close()
    sink.close()
    return Image.open(io.BytesIO(out.read_bytes())), sink.notes


def profile_p3() -> bytes:
    """Some profile that is not sRGB's: that of Lab."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize("to", [".jpg", ".png", ".webp", ".tif", ".avif"])
@pytest.mark.parametrize("came", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_dates_place_and_copyright_come_along_and_what_is_no_longer_true_does_not(came: str, to: str, tmp_path: Path) -> None:
    photo, exif = tmp_path / f"photo{came}", remarks()
    more: dict[str, object] = {"dpi": (300, 300)} if came in (".jpg", ".png", ".tif") else {}
    if came == ".tif":
        exif[700] = XMP.encode()
    elif came == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP)
        more["pnginfo"] = info
    else:
        more["xmp"] = XMP.encode()
    Image.new("RGB", (600, 512), "teal").save(photo, exif=exif.tobytes(), **more)  # type: ignore[arg-type]
    picture, notes = written(photo, tmp_path / f"out{to}")
    assert notes == []
    assert picture.size == (512, 600)
    found = picture.getexif()
    assert found.get(ExifTags.Base.Orientation, 1) == 1
    assert (found[ExifTags.Base.Copyright], found[ExifTags.Base.DateTime], found[ExifTags.Base.Make]) == (
        "(c) A Photographer",
        MADE,
        "Leica",
    )
    details, place = found.get_ifd(ExifTags.IFD.Exif), found.get_ifd(ExifTags.IFD.GPSInfo)
    assert (details[ExifTags.Base.DateTimeOriginal], details[ExifTags.Base.LensModel]) == (MADE, LENS)
    assert ExifTags.Base.ExifImageWidth not in details
    assert [float(part) for part in place[2]] == [48.0, 51.0, 29.0]
    assert not found.get_ifd(ExifTags.IFD.IFD1)
    content = (tmp_path / f"out{to}").read_bytes()
    assert b"old small picture" not in content
    assert b"Kodak" in content, "XMP"
    assert b'tiff:Orientation="6"' not in content
    assert b"Thumbnails" not in content
    if "dpi" in more and to in (".jpg", ".png", ".tif"):
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - 120).max() <= 2


@pytest.mark.parametrize("to", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_letters_of_any_script_stay_what_they_are(to: str, tmp_path: Path) -> None:
    exif, said = Image.Exif(), "© Zoë Šimková 李".encode()
    exif[ExifTags.Base.Copyright] = said
    exif[ExifTags.Base.Artist] = "Zoë".encode("latin-1")
    Image.new("RGB", (600, 512), "teal").save(tmp_path / "a.jpg", exif=exif)
    assert said in (tmp_path / "a.jpg").read_bytes()
    _, notes = written(tmp_path / "a.jpg", tmp_path / f"out{to}")
    assert notes == []
    assert said in (tmp_path / f"out{to}").read_bytes()
    assert "Zoë\0".encode("latin-1") in (tmp_path / f"out{to}").read_bytes()


def test_remarks_of_a_png_stay_in_a_png_and_are_said_elsewhere(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "A Photographer")
    info.add_itxt("Copyright", "© 李")
    Image.new("RGB", (600, 512), "teal").save(tmp_path / "a.png", pnginfo=info)
    picture, notes = written(tmp_path / "a.png", tmp_path / "out.png")
    assert (picture.info["Author"], picture.info["Copyright"], notes) == ("A Photographer", "© 李", [])
    assert written(tmp_path / "a.png", tmp_path / "out.jpg")[1] == [
        f"{tmp_path / 'a.png'}: had remarks as PNG has them, for which JPEG has no place."
    ]


def test_a_thumbnail_of_before_stays_behind(tmp_path: Path) -> None:
    """As cameras write it: a second directory of EXIF, which Pillow itself writes none of."""
    small = io.BytesIO()
    Image.new("RGB", (16, 12), "red").save(small, "JPEG")
    first = b"\x01\x00" + (0x8298).to_bytes(2, "little") + b"\x02\x00" + (4).to_bytes(4, "little") + b"abc\x00" + (26).to_bytes(4, "little")
    second = b"\x02\x00"
    second += (0x201).to_bytes(2, "little") + b"\x04\x00" + (1).to_bytes(4, "little") + (56).to_bytes(4, "little")
    second += (0x202).to_bytes(2, "little") + b"\x04\x00" + (1).to_bytes(4, "little") + len(small.getvalue()).to_bytes(4, "little")
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00" + first + second + b"\x00\x00\x00\x00" + small.getvalue()
    Image.new("RGB", (600, 512), "teal").save(tmp_path / "a.jpg", exif=exif)
    assert Image.open(io.BytesIO((tmp_path / "a.jpg").read_bytes())).getexif().get_ifd(ExifTags.IFD.IFD1), "it is there"
    picture, notes = written(tmp_path / "a.jpg", tmp_path / "out.jpg")
    assert picture.getexif()[ExifTags.Base.Copyright] == "abc"
    assert (tmp_path / "out.jpg").read_bytes().count(b"\xff\xd8\xff") == 1
    assert notes == []


def test_what_newspapers_write_and_a_comment_come_along_in_a_jpeg(tmp_path: Path) -> None:
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x0c\x1c\x02t\x00\x07A Paper"
    segment = b"\xff\xed" + (len(iptc) + 2).to_bytes(2, "big") + iptc
    Image.new("RGB", (600, 512), "teal").save(tmp_path / "a.jpg", extra=segment, comment=b"by hand")
    picture, _ = written(tmp_path / "a.jpg", tmp_path / "out.jpg")
    assert dict(picture.applist)["APP13"] == iptc  # type: ignore[attr-defined]
    assert picture.info["comment"] == b"by hand"


def test_a_picture_with_a_profile_says_that_it_is_srgb_now(tmp_path: Path) -> None:
    Image.new("RGB", (600, 512), "teal").save(tmp_path / "a.png", icc_profile=profile_p3())
    picture, _ = written(tmp_path / "a.png", tmp_path / "out.jpg")
    said = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(said)
    Image.new("RGB", (600, 512), "teal").save(tmp_path / "b.png")
    assert "icc_profile" not in written(tmp_path / "b.png", tmp_path / "plain.jpg")[0].info


def test_what_eight_opaque_bits_do_not_hold_is_said(tmp_path: Path) -> None:
    deep, glass, plain = tmp_path / "deep.png", tmp_path / "glass.png", tmp_path / "plain.png"
    Image.fromarray(np.full((600, 512), 40000, np.uint16)).save(deep)
    Image.new("RGBA", (512, 600), (10, 20, 30, 128)).save(glass)
    Image.new("RGBA", (512, 600), (10, 20, 30, 255)).save(plain)
    assert written(deep, tmp_path / "1.png")[1] == [f"{deep}: had more than 8 bits a sample, and has 8 now."]
    assert written(glass, tmp_path / "2.png")[1] == [f"{glass}: had transparent parts, which are white now."]
    assert written(plain, tmp_path / "3.png")[1] == []
    Image.new("RGB", (600, 512), "teal").save(tmp_path / "a.jpg", exif=remarks())
    assert written(tmp_path / "a.jpg", tmp_path / "4.bmp")[1] == [f"{tmp_path / 'a.jpg'}: had EXIF, for which BMP has no place."]


def test_many_pictures_are_one_sentence(tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGBA", (512, 600), (10, 20, 30, 128)).save(tmp_path / f"{number}.png")
    info = SourceInfo(str(tmp_path), still=True, path=tmp_path)
    sink = PictureSink(tmp_path / "out", info, OutputSettings())
    image = np.full((600, 512, 3), 120, np.uint8)
    for number in range(3):
        name = str(tmp_path / f"{number}.png")
        sink.write(Result(Frame.of_image(image, source=name, captured_at=0.0), Analysis(name, 0, 0.0, ()), info))
    sink.close()
    assert sink.notes == [f"{tmp_path / '0.png'} and 2 others: had transparent parts, which are white now."]


@pytest.mark.parametrize("exif", [b"II*\x00\xff\xff\xff\xff", b"nonsense", b"II*\x00\x08\x00\x00\x00\xff\xff"])
def test_damaged_remarks_cost_no_picture(exif: bytes, tmp_path: Path) -> None:
    Image.new("RGB", (600, 512), "teal").save(tmp_path / "a.jpg", exif=b"Exif\x00\x00" + exif)
    picture, _ = written(tmp_path / "a.jpg", tmp_path / "out.jpg")
    assert picture.size == (512, 600)


def test_remarks_too_long_for_the_format_are_said_and_cost_no_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "long " * 20000
    Image.new("RGB", (600, 512), "teal").save(tmp_path / "a.png", exif=exif)
    picture, notes = written(tmp_path / "a.png", tmp_path / "out.jpg")
    assert picture.size == (512, 600)
    assert notes
    assert "EXIF or other remarks that cannot be written as JPEG" in notes[0]
