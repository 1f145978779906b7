"""Pictures within a picture file: whoever hides a face in its pixels must not hand on another copy of it."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from pathlib import Path

from PIL import ExifTags, Image

from models.imaging.metadata import Metadata
from models.imaging.picture_formats import open_header, pillow_in_peace

LONG = 1000
"""Base64 of so many letters is no remark."""
IPTC_RESOURCE = 1028
"""Of the resources of Photoshop in a JPEG the one that holds IPTC; others hold small pictures."""
THUMBNAIL_AT = 513
"""The EXIF tag that says where the small picture begins."""
_BASE64 = rb"[A-Za-z0-9+/=\s]|&#x?[aA\d]+;"
_ATTRIBUTE = re.compile(rb"\s[\w:.-]+=([\"'])(?:%b){%d,}\1" % (_BASE64, LONG))
_ELEMENT = re.compile(rb">(?:%b){%d,}<" % (_BASE64, LONG))
_PLACE = re.compile(rb"\s[\w-]+:GPS[\w-]+=([\"']).*?\1|<([\w-]+:GPS[\w-]+)[^>]*?(?:/>|>.*?</\2>)", re.DOTALL)


def pictures_within(path: Path) -> tuple[str, ...]:
    """What a file holds besides the picture that is shown, in words that go on: "had ...". None of it is ever carried over.

    Raises:
        PictureError: there is no such picture.
    """
    found: list[str] = []
    with open_header(path) as header:
        with pillow_in_peace():
            if THUMBNAIL_AT in header.getexif().get_ifd(ExifTags.IFD.IFD1) or header.info.get("thumbnails"):
                found.append("a small picture of itself, which is left out")
        if header.info.get("depth_images") or header.info.get("aux"):
            found.append("a depth map, which is left out")
        if header.format == "MPO" or "mp" in header.info or "mpoffset" in header.info:
            found.append("further pictures behind the first, which are left out")
        is_jpeg = header.format in ("JPEG", "MPO")
    if is_jpeg and _has_video(path):
        found.append("a video behind the picture, which is left out")
    return tuple(found)


def without_pictures(metadata: Metadata, *, keep_gps: bool = True) -> Metadata:
    """The same remarks without any that hold a picture, which `Metadata.lost` tells of; those that say where it was taken stay or go."""
    xmp, iptc, lost = metadata.xmp, _iptc_alone(metadata.iptc), list(metadata.lost)
    xmp = _ELEMENT.sub(b"><", _ATTRIBUTE.sub(b"", xmp))
    texts = {name: text for name, text in metadata.texts.items() if len(text) < LONG}
    comment = metadata.comment if len(metadata.comment) < LONG else b""
    if (xmp, iptc, texts, comment) != (metadata.xmp, metadata.iptc, metadata.texts, metadata.comment):
        lost.append("remarks that hold pictures or long data, which are left out")
    exif = metadata.exif
    if not keep_gps:
        placeless = _PLACE.sub(b"", xmp)
        if placeless != xmp or (exif is not None and exif.get_ifd(ExifTags.IFD.GPSInfo)):
            lost.append("the place where it was taken, which is left out")
        xmp, exif = placeless, _placeless(exif)
    return replace(metadata, exif=exif, xmp=xmp, iptc=iptc, texts=texts, comment=comment, lost=tuple(lost))


def _placeless(exif: Image.Exif | None) -> Image.Exif | None:
    if exif is None:
        return None
    kept = Image.Exif()
    for tag, value in exif.items():
        if tag != ExifTags.IFD.GPSInfo:
            kept[tag] = value
    if values := exif.get_ifd(ExifTags.IFD.Exif):
        kept.get_ifd(ExifTags.IFD.Exif).update(values)
    return kept


def _iptc_alone(resources: bytes) -> bytes:
    """Of Photoshop's resources in a JPEG those of IPTC; nothing where they cannot be read."""
    head = b"Photoshop 3.0\0"
    if not resources.startswith(head):
        return b""
    kept, at = head, len(head)
    while resources[at : at + 4] == b"8BIM":
        try:
            number, name_length = struct.unpack_from(">HB", resources, at + 4)
            size_at = at + 6 + (name_length + 2) // 2 * 2
            (size,) = struct.unpack_from(">I", resources, size_at)
        except struct.error:
            break
        end = size_at + 4 + size + size % 2
        if number == IPTC_RESOURCE:
            kept += resources[at:end]
        at = end
    return kept if kept != head else b""


def _has_video(path: Path) -> bool:
    """Whether an MP4 follows the JPEG, as phones write moving photos."""
    content = path.read_bytes()
    at = content.find(b"\xff\xd9")
    while at >= 0:
        if content[at + 6 : at + 10] == b"ftyp" or b"ftyp" in content[at + 2 : at + 64]:
            return True
        at = content.find(b"\xff\xd9", at + 2)
    return False
