"""No copy of a face goes along within a picture file whose faces are hidden."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from models.imaging.embedded import pictures_within, without_pictures
from models.imaging.metadata import Metadata, read_metadata


def small_jpeg() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)).save(out, "JPEG")
    return out.getvalue()


def exif_with(thumbnail: bytes) -> bytes:
    """EXIF whose second directory holds a small picture."""
    first = struct.pack("<H", 0) + struct.pack("<I", 8 + 2 + 4)
    second = struct.pack("<H", 2) + struct.pack("<HHII", 513, 4, 1, 8 + 6 + 2 + 24 + 4) + struct.pack("<HHII", 514, 4, 1, len(thumbnail))
    return b"Exif\0\0" + b"II*\0" + struct.pack("<I", 8) + first + second + struct.pack("<I", 0) + thumbnail


def photoshop(*resources: tuple[int, bytes]) -> bytes:
    out = b"Photoshop 3.0\0"
    for number, content in resources:
        out += b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(content)) + content + b"\0" * (len(content) % 2)
    return out


def jpeg(path: Path, *, exif: bytes = b"", app13: bytes = b"", xmp: bytes = b"", behind: bytes = b"") -> Path:
    out, options = io.BytesIO(), {}
    if exif:
        options["exif"] = exif
    if app13:
        options["extra"] = b"\xff\xed" + (len(app13) + 2).to_bytes(2, "big") + app13
    if xmp:
        options["xmp"] = xmp
    Image.new("RGB", (64, 48), (90, 120, 60)).save(out, "JPEG", **options)
    path.write_bytes(out.getvalue() + behind)
    return path


def test_a_plain_photo_has_nothing_within(tmp_path: Path) -> None:
    photo = jpeg(tmp_path / "a.jpg")
    assert pictures_within(photo) == ()
    metadata = read_metadata(photo)
    assert without_pictures(metadata) == metadata


def test_small_pictures_videos_and_further_pictures_are_told(tmp_path: Path) -> None:
    (told,) = pictures_within(jpeg(tmp_path / "small.jpg", exif=exif_with(small_jpeg())))
    assert "small picture" in told
    moving = jpeg(tmp_path / "moving.jpg", behind=struct.pack(">I", 24) + b"ftypmp42" + b"\0" * 5000)
    (told,) = pictures_within(moving)
    assert "video" in told
    further = tmp_path / "further.jpg"
    one, other = Image.new("RGB", (64, 48), "red"), Image.new("RGB", (64, 48), "blue")
    one.save(further, "MPO", save_all=True, append_images=[other])
    assert any("further pictures" in told for told in pictures_within(further))


def test_of_photoshops_resources_only_words_stay(tmp_path: Path) -> None:
    words, picture = b"\x1c\x02\x50\x00\x05Kodak", small_jpeg()
    photo = jpeg(tmp_path / "a.jpg", app13=photoshop((1028, words), (1036, picture), (1033, picture)))
    kept = without_pictures(read_metadata(photo))
    assert kept.iptc == photoshop((1028, words))
    assert any("pictures" in told for told in kept.lost)
    assert without_pictures(Metadata(iptc=b"Photoshop 3.0\x008BIM\x04")).iptc == b""


@pytest.mark.parametrize(
    "within",
    [
        b'GDepth:Data="%s" ',
        b"xmpGImg:image='%s' ",
    ],
)
def test_depth_maps_and_pictures_in_xmp_go_and_words_stay(within: bytes) -> None:
    data = b"/9j/4AAQSkZJRgABAQ" * 400
    xmp = b'<x:xmpmeta><rdf:Description dc:rights="Kodak" ' + within % data + b"/><a:b>" + data + b"</a:b></x:xmpmeta>"
    kept = without_pictures(Metadata(xmp=xmp))
    assert b"4AAQ" not in kept.xmp
    assert b'dc:rights="Kodak"' in kept.xmp
    assert kept.xmp.endswith(b"<a:b></a:b></x:xmpmeta>")


@pytest.mark.parametrize(
    "within",
    [
        b'<a t:image="data:image/jpeg;base64,%s"/>',
        b"<a t:image = '%s'/>",
        b"<a>data:image/jpeg;base64,%s</a>",
        b"<a><![CDATA[%s]]></a>",
        b"<a/><!--%s-->",
        b"<?thumbnail %s?>",
    ],
)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, bytes.hex, base64.encodebytes])
def test_however_a_picture_is_written_into_xmp_it_goes(within: bytes, encode: Callable[[bytes], bytes | str]) -> None:
    written = encode(small_jpeg())
    data = written.encode() if isinstance(written, str) else written
    kept = without_pictures(Metadata(xmp=b'<x dc:rights="Kodak"/>' + within % data))
    assert data[100:150] not in kept.xmp
    assert kept.xmp.startswith(b'<x dc:rights="Kodak"/>')
    assert any("pictures" in told for told in kept.lost)


def test_the_room_that_xmp_leaves_for_more_is_no_remark() -> None:
    metadata = Metadata(xmp=b'<?xpacket begin=""?><x dc:rights="Kodak"/>' + b" " * 3000 + b'\n<?xpacket end="w"?>')
    assert without_pictures(metadata) == metadata


def test_xmp_that_is_no_utf_8_goes() -> None:
    assert without_pictures(Metadata(xmp="<a>words</a>".encode("utf-16"))).xmp == b""


def test_pictures_within_exif_and_iptc_go_and_words_stay(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Copyright], exif[ExifTags.Base.XPComment] = "Ada", small_jpeg()
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base.LensModel: "50mm", ExifTags.Base.UserComment: b"ASCII\0\0\0" + small_jpeg()})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 27: small_jpeg()})
    words, picture = b"\x1c\x02\x50\x00\x05Kodak", b"\x1c\x02\xca" + struct.pack(">H", len(small_jpeg())) + small_jpeg()
    photo = jpeg(tmp_path / "a.jpg", exif=exif.tobytes(), app13=photoshop((1028, words + picture)))
    kept = without_pictures(read_metadata(photo))
    assert kept.iptc == photoshop((1028, words))
    assert kept.exif is not None
    assert small_jpeg()[100:150] not in kept.exif.tobytes()
    assert kept.exif[ExifTags.Base.Copyright] == "Ada"
    assert kept.exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] == "50mm"
    assert kept.exif.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
    assert any("pictures" in told for told in kept.lost)


@pytest.mark.parametrize(
    "place",
    [b' drone-dji:GpsLatitude="48.1" drone-dji:Longitude="2.3"', b' photoshop:City="Bonn" Iptc4xmpCore:Location="Am Hof 1"'],
)
def test_places_in_others_words_go(place: bytes) -> None:
    metadata = Metadata(xmp=b'<d%b dc:rights="Ada"/>' % place)
    assert without_pictures(metadata) == metadata
    assert without_pictures(metadata, keep_gps=False).xmp == b'<d dc:rights="Ada"/>'
    iptc = photoshop((1028, b"\x1c\x02\x5a\x00\x04Bonn\x1c\x02\x50\x00\x03Ada"))
    assert without_pictures(Metadata(iptc=iptc), keep_gps=False).iptc == photoshop((1028, b"\x1c\x02\x50\x00\x03Ada"))


def test_a_place_and_a_picture_that_are_all_of_exif_go_too() -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 27: small_jpeg()})
    kept = without_pictures(Metadata(exif=exif))
    assert kept.exif is not None
    assert dict(kept.exif.get_ifd(ExifTags.IFD.GPSInfo)) == {1: "N"}
    assert any("pictures" in told for told in kept.lost)
    placeless = without_pictures(Metadata(exif=exif), keep_gps=False)
    assert placeless.exif is not None
    assert not placeless.exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert any("place" in told for told in placeless.lost)


def test_long_remarks_go(tmp_path: Path) -> None:
    kept = without_pictures(Metadata(texts={"Author": "Ada", "thumb": "A" * 5000}, comment=b"B" * 5000))
    assert kept.texts == {"Author": "Ada"}
    assert kept.comment == b""


def test_the_place_goes_only_where_that_is_asked(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Copyright] = "Ada"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = "50mm"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (48.0, 51.0, 29.0)})
    xmp = b'<rdf:Description exif:GPSLatitude="48,51.5N" dc:rights="Ada"><exif:GPSMapDatum>WGS</exif:GPSMapDatum></rdf:Description>'
    metadata = Metadata(exif=exif, xmp=xmp)
    assert without_pictures(metadata) == metadata
    kept = without_pictures(metadata, keep_gps=False)
    assert kept.exif is not None
    assert not kept.exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert kept.exif[ExifTags.Base.Copyright] == "Ada"
    assert kept.exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] == "50mm"
    assert kept.xmp == b'<rdf:Description dc:rights="Ada"></rdf:Description>'
    assert any("place" in told for told in kept.lost)
