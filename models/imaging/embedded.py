"""Pictures within a picture file: whoever hides a face in its pixels must not hand on another copy of it."""

from __future__ import annotations

import re
import struct
from collections.abc import Sized
from dataclasses import replace
from pathlib import Path

from PIL import ExifTags, Image

from models.imaging.metadata import Metadata
from models.imaging.picture_formats import open_header, pillow_in_peace

LONG = 1000
"""So many letters, bytes or numbers are no remark."""
IPTC_RESOURCE = 1028
"""Of the resources of Photoshop in a JPEG the one that holds IPTC; others hold small pictures."""
IPTC_PREVIEWS = range(200, 203)
IPTC_PLACES = frozenset({26, 27, 90, 92, 95, 100, 101})
"""Of IPTC's second record: a small picture, and where it was taken in words."""
THUMBNAIL_AT = 513
"""The EXIF tag that says where the small picture begins."""
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_REMARK = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)
_ATTRIBUTE = re.compile(rb"\s[\w:.-]+\s*=\s*(?:\"[^\"]{%d,}\"|'[^']{%d,}')" % (LONG, LONG))
_ELEMENT = re.compile(rb">(?=\s*[^\s<])[^<]{%d,}<" % LONG)
_PLACE_NAME = rb"[\w-]+:(?:GPS[\w-]*|Latitude|Longt?itude|(?:Sub)?Location\w*|City|State|Country\w*)"
_PLACE = re.compile(
    rb"\s%b\s*=\s*([\"']).*?\1|<(%b)(?=[\s/>])[^>]*?(?:/>|>.*?</\2>)" % (_PLACE_NAME, _PLACE_NAME), re.DOTALL | re.IGNORECASE
)


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
    xmp, iptc, exif = _without_data(metadata.xmp), _iptc_alone(metadata.iptc, places=True), _exif_without(metadata.exif, places=True)
    texts = {name: text for name, text in metadata.texts.items() if len(text) < LONG}
    comment, lost = metadata.comment if len(metadata.comment) < LONG else b"", list(metadata.lost)
    kept = replace(metadata, exif=exif, xmp=xmp, iptc=iptc, texts=texts, comment=comment)
    if kept != metadata or exif is not metadata.exif:  # that two are alike says nothing of the directories within
        lost.append("remarks that hold pictures or long data, which are left out")
    if not keep_gps:
        placeless = replace(kept, exif=_exif_without(exif, places=False), xmp=_PLACE.sub(b"", xmp), iptc=_iptc_alone(iptc, places=False))
        if placeless != kept or placeless.exif is not exif:
            lost.append("the place where it was taken, which is left out")
        kept = placeless
    return replace(kept, lost=tuple(lost))


def _without_data(xmp: bytes) -> bytes:
    """Without what is too long for words, however it is written; nothing where it is no UTF-8, which is what XMP is in a picture."""
    if b"\0" in xmp:
        return b""
    xmp = _REMARK.sub(lambda found: found[0] if len(found[0]) < LONG else b"", xmp)
    return _ELEMENT.sub(b"><", _ATTRIBUTE.sub(b"", xmp))


def _exif_without(exif: Image.Exif | None, *, places: bool) -> Image.Exif | None:
    """Without long values, and without the place if that is to go; the same where there is none of them."""
    if exif is None:
        return None
    kept, left = Image.Exif(), 0
    for directory, values in [(None, dict(exif)), *((one, exif.get_ifd(one)) for one in _DIRECTORIES)]:
        goes = directory == ExifTags.IFD.GPSInfo and not places
        stay = {} if goes else {tag: value for tag, value in values.items() if not _is_long(value)}
        left += len(values) - len(stay)
        if directory is None:
            kept.update({tag: value for tag, value in stay.items() if tag not in _DIRECTORIES})
        elif stay:
            kept.get_ifd(directory).update(stay)
    return kept if left else exif


def _is_long(value: object) -> bool:
    return isinstance(value, Sized) and len(value) >= LONG


def _iptc_alone(resources: bytes, *, places: bool) -> bytes:
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
        if number == IPTC_RESOURCE:
            words = _words(resources[size_at + 4 : size_at + 4 + size], places=places)
            kept += resources[at:size_at] + struct.pack(">I", len(words)) + words + b"\0" * (len(words) % 2)
        at = size_at + 4 + size + size % 2
    return kept if kept != head else b""


def _words(iptc: bytes, *, places: bool) -> bytes:
    """Of IPTC what is short, no picture, and, if that is to go, no place; what cannot be read goes."""
    kept, at = b"", 0
    while iptc[at : at + 1] == b"\x1c" and at + 5 <= len(iptc):
        record, number, size = struct.unpack_from(">BBH", iptc, at + 1)
        end = at + 5 + size
        goes = record == 2 and (number in IPTC_PREVIEWS or (number in IPTC_PLACES and not places))
        if size < LONG and not goes:
            kept += iptc[at:end]
        at = end
    return kept


def _has_video(path: Path) -> bool:
    """Whether an MP4 follows the JPEG, as phones write moving photos."""
    content = path.read_bytes()
    at = content.find(b"\xff\xd9")
    while at >= 0:
        if content[at + 6 : at + 10] == b"ftyp" or b"ftyp" in content[at + 2 : at + 64]:
            return True
        at = content.find(b"\xff\xd9", at + 2)
    return False
