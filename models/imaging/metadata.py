"""What a picture file says besides its pixels, taken from the file that was read to the file that is written.

Carried: EXIF (dates, place, camera, lens, copyright), XMP, IPTC, comment and resolution. Left behind: what is no longer true of an upright
picture with boxes (orientation, sizes, the small picture of before), and the notes of the camera's maker, which break when they are moved.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from models.imaging.picture_formats import has_transparency, open_header, pillow_in_peace

_WORDS = (
    "DocumentName ImageDescription Make Model XResolution YResolution ResolutionUnit Software DateTime Artist HostComputer "
    "Rating RatingPercent Copyright XPTitle XPComment XPAuthor XPKeywords XPSubject"
)
_KEPT = frozenset(int(ExifTags.Base[name]) for name in _WORDS.split(" "))
"""Of the first directory. In a TIFF it also says where the pixels are."""
_LEFT = frozenset(
    {ExifTags.Base.MakerNote, ExifTags.Base.ExifInteroperabilityOffset, ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight}
)
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_TAKES_EXIF = frozenset({"JPEG", "PNG", "WEBP", "TIFF", "AVIF"})
_TAKES_DPI = frozenset({"JPEG", "PNG", "TIFF", "BMP"})
_TAKES_XMP = frozenset({"JPEG", "PNG", "WEBP", "AVIF", "TIFF"})
_TIFF_XMP = 700
_SAYS_16_BITS = re.compile(r"I;16|^I$|^F$|;16")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is carried over, and what cannot be."""

    exif: Image.Exif | None = None
    xmp: bytes = b""
    iptc: bytes = b""
    """As it lies in a JPEG."""
    comment: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Of a PNG, by keyword: Author, Copyright, Description."""
    dpi: tuple[float, float] | None = None
    has_profile: bool = False
    """Its colours were said to be those of a profile; they are sRGB now, and the file says so."""
    lost: tuple[str, ...] = field(default=())
    """What pixels of eight bits, opaque, do not hold, in words that go on: "had ..."."""

    def options(self, picture_format: str) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What Pillow's `save` is told for a format, and what that format has no place for, in words as `lost`."""
        told: dict[str, Any] = {}
        lost: list[str] = []
        if self.exif is not None and _says_something(self.exif):
            if picture_format in _TAKES_EXIF:
                told["exif"] = self.exif
            else:
                lost.append(f"EXIF, for which {picture_format} has no place")
        if self.dpi and picture_format in _TAKES_DPI:
            told["dpi"] = self.dpi
        if picture_format == "PNG" and (self.xmp or self.texts):
            told["pnginfo"] = info = PngImagePlugin.PngInfo()
            for name, text in self.texts.items():
                info.add_itxt(name, text)
            if self.xmp:
                info.add_itxt("XML:com.adobe.xmp", self.xmp.decode("utf-8", "replace"))
        elif self.texts:
            lost.append(f"remarks as PNG has them, for which {picture_format} has no place")
        if self.xmp and picture_format in _TAKES_XMP - {"PNG"}:
            if picture_format == "TIFF":
                told["exif"] = own = self.exif or Image.Exif()
                own[_TIFF_XMP] = self.xmp
            else:
                told["xmp"] = self.xmp
        if picture_format == "JPEG":
            if self.iptc and len(self.iptc) < 65000:
                told["extra"] = b"\xff\xed" + (len(self.iptc) + 2).to_bytes(2, "big") + self.iptc
            if self.comment:
                told["comment"] = self.comment
        if picture_format == "TIFF" and "exif" in told:
            told["exif"] = _with_places(told["exif"])
            told["compression"] = None  # libtiff, that compresses, cannot write directories within
        if self.has_profile and picture_format in _TAKES_EXIF:
            told["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        return told, tuple(lost)


def read_metadata(path: Path) -> Metadata:
    """What the file says, made true of the upright picture; as much of it as can be read.

    Raises:
        PictureError: there is no such picture any more.
    """
    with open_header(path) as header:
        info = header.info
        lost = ["more than 8 bits a sample, and has 8 now"] if _is_deep(header) else []
        exif, xmp = _exif(header), _xmp(header)
        if has_transparency(header) and header.convert("RGBA").getchannel("A").getextrema()[0] != 255:
            lost.append("transparent parts, which are white now")
        dpi = info.get("dpi")
        return Metadata(
            exif=exif,
            xmp=xmp,
            iptc=next((content for name, content in getattr(header, "applist", []) if name == "APP13"), b""),
            comment=info.get("comment", b"") if isinstance(info.get("comment", b""), bytes) else b"",
            texts=_texts(header),
            dpi=(float(dpi[0]), float(dpi[1])) if dpi and len(dpi) == 2 and min(dpi) > 0 else None,
            has_profile=bool(info.get("icc_profile")),
            lost=tuple(lost),
        )


def _exif(header: Image.Image) -> Image.Exif | None:
    try:
        with pillow_in_peace():
            given, kept = header.getexif(), Image.Exif()
            for tag, value in given.items():
                if tag in _KEPT:
                    kept[tag] = _as_it_was(value)
            for directory in _DIRECTORIES:
                if values := {tag: _as_it_was(value) for tag, value in given.get_ifd(directory).items() if tag not in _LEFT}:
                    kept.get_ifd(directory).update(values)
            kept.tobytes()  # what cannot be written is noticed here
    except Exception:  # noqa: BLE001 - the picture is there; a damaged remark about it must not cost it
        return None
    return kept


def _says_something(exif: Image.Exif) -> bool:
    """Also one that has nothing but directories within: a place, a lens."""
    return bool(len(exif)) or any(exif.get_ifd(directory) for directory in _DIRECTORIES)


def _with_places(exif: Image.Exif) -> Image.Exif:
    """The same, with tags that say where the directories within are: into a TIFF Pillow writes none without."""
    whole = Image.Exif()
    whole.load(exif.tobytes())
    for tag, value in list(whole.items()):
        whole[tag] = _as_it_was(value)
    for directory in _DIRECTORIES:
        if values := whole.get_ifd(directory):
            values.update({tag: _as_it_was(value) for tag, value in values.items()})
    return whole


def _as_it_was(value: Any) -> Any:
    """Text as the bytes that it was read from: Pillow takes them for Latin-1, and writes a question mark for what is no ASCII."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and not value.isascii() else value


def _xmp(header: Image.Image) -> bytes:
    """Without its own orientation and small picture."""
    given = header.info.get("xmp") or header.info.get("XML:com.adobe.xmp") or b""
    if header.format == "TIFF":
        given = getattr(header, "tag_v2", {}).get(_TIFF_XMP, b"")
    text = given.encode("utf-8", "replace") if isinstance(given, str) else bytes(given)
    text = re.sub(rb"(tiff:Orientation(?:=[\"']|>)\s*)[2-8]", rb"\g<1>1", text)
    return re.sub(rb"<(xmp|xap):Thumbnails>.*?</\1:Thumbnails>", b"", text, flags=re.DOTALL)


def _texts(header: Image.Image) -> dict[str, str]:
    """What stands before the pixels of a PNG; EXIF and XMP, which may stand there too, come along by themselves."""
    given: dict[str, str] = getattr(header, "text", {}) if header.format == "PNG" else {}
    return {name: str(text) for name, text in given.items() if name != "XML:com.adobe.xmp" and not name.startswith("Raw profile")}


def _is_deep(header: Image.Image) -> bool:
    """Whether a sample has more than eight bits. Pillow reads those of PNG and others as eight already, but its decoder knows."""
    if _SAYS_16_BITS.search(header.mode):
        return True
    bits = getattr(header, "tag_v2", {}).get(258, (8,)) if header.format == "TIFF" else (8,)
    raw = " ".join(str(part) for tile in getattr(header, "tile", []) for part in tile[3:])
    return max(*bits, header.info.get("bit_depth", 8)) > 8 or bool(_SAYS_16_BITS.search(raw)) or ";16" in raw
