"""Pictures in formats that nobody here can read: known by name and content, and refused in a sentence that names the format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn

from PIL import Image

from models.errors import PictureError

START_BYTES = 512
"""Of a file: enough to know it by."""
RAW = "camera raw"
_RAW_SUFFIXES = (
    "3fr arw cr2 cr3 crw dcr dng erf fff gpr iiq k25 kdc mef mos mrw nef nrw orf pef ptx raf rw2 rwl sr2 srf srw x3f"  # of cameras
)
_OTHER_SUFFIXES = {
    "jxl": "JPEG XL", "jxr": "JPEG XR", "wdp": "JPEG XR", "hdp": "JPEG XR", "svg": "SVG", "svgz": "SVG", "bpg": "BPG", "flif": "FLIF",
    "psb": "Photoshop's large format", "xcf": "GIMP's format", "kra": "Krita's format", "ora": "OpenRaster",
    "pdf": "PDF", "ps": "PostScript", "eps": "PostScript", "ai": "Illustrator's format", "cdr": "CorelDRAW's format", "djvu": "DjVu",
    "wmf": "a Windows metafile", "emf": "a Windows metafile",
    "exr": "OpenEXR", "hdr": "Radiance HDR", "dpx": "DPX", "dcm": "DICOM", "fits": "FITS", "xwd": "a dump of an X window",
    "pam": "PAM", "xpm": "XPM", "xbm": "XBM", "jls": "JPEG-LS", "pct": "QuickDraw's PICT", "pict": "QuickDraw's PICT", "mng": "MNG",
}  # fmt: skip
UNREAD_SUFFIXES: dict[str, str] = {f".{suffix}": RAW for suffix in _RAW_SUFFIXES.split()} | {
    f".{suffix}": name for suffix, name in _OTHER_SUFFIXES.items()
}
"""By lower-case suffix, what the format is called."""
_STARTS = {
    b"\xff\x0a": "JPEG XL", b"\x00\x00\x00\x0cJXL ": "JPEG XL", b"II\xbc": "JPEG XR", b"BPG\xfb": "BPG", b"FLIF": "FLIF",
    b"8BPS\x00\x02": "Photoshop's large format", b"gimp xcf": "GIMP's format",
    b"%PDF-": "PDF", b"%!PS": "PostScript", b"\xc5\xd0\xd3\xc6": "PostScript", b"AT&TFORM": "DjVu",
    b"\xd7\xcd\xc6\x9a": "a Windows metafile", b"v/1\x01": "OpenEXR", b"#?RADIANCE": "Radiance HDR", b"#?RGBE": "Radiance HDR",
    b"SDPX": "DPX", b"XPDS": "DPX", b"SIMPLE  =": "FITS",
    b"FUJIFILMCCD-RAW": RAW, b"FOVb": RAW, b"\x00MRM": RAW, b"IIU\x00": RAW, b"IIRO": RAW, b"IIRS": RAW, b"MMOR": RAW,
    b"II*\x00\x10\x00\x00\x00CR": RAW, b"II\x1a\x00\x00\x00HEAPCCDR": RAW,
}  # fmt: skip
"""How their files begin. Other kinds of camera raw begin as TIFF does: `refuse_camera_raw` knows them."""
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS, _PHOTOMETRIC, _WIDTH = 50706, 254, 330, 262, 256
_VERSION_OF_PHOTOSHOP = 1057
"""The number of what a PSD says of its making, also whether it holds the picture as a whole."""
_SHORT = 3
"""The type of a number of two bytes."""
_OF_A_SENSOR = (32803, 34892)
"""Photometric interpretations of TIFF: a mosaic of colours, and linear raw."""


class UnreadFormatError(PictureError):
    """A picture that is whole, in a format that nobody here can read."""


def is_unread_name(path: str | Path) -> bool:
    """Whether the name ends like that of such a picture."""
    return Path(path).suffix.lower() in UNREAD_SUFFIXES


def refuse_unread(path: Path, start: bytes | None = None) -> None:
    """
    Args:
        start: of the file; None: its name alone says what it is.

    Raises:
        UnreadFormatError: it is one.
    """
    if start is None:
        _refuse(path, UNREAD_SUFFIXES[path.suffix.lower()])
    for known, name in _STARTS.items():
        if start.startswith(known):
            _refuse(path, name)
    if start[128:132] == b"DICM":
        _refuse(path, "DICOM")
    if start.startswith(b"8BPS\x00\x01") and start[22:24] in (b"\x00\x10", b"\x00\x20"):
        _refuse(path, "Photoshop's format with 16 or 32 bits a sample")
    if start[4:12] == b"ftypcrx ":
        _refuse(path, RAW)
    if re.match(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg\b", start.removeprefix(b"\xef\xbb\xbf"), re.DOTALL):
        _refuse(path, "SVG")


def refuse_camera_raw(path: Path, image: Image.Image) -> None:
    """Passes a TIFF that is the picture itself. In camera raw the first picture is a small one, to look through: the photo lies elsewhere.

    Raises:
        UnreadFormatError: it is camera raw.
    """
    tags = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None:
        return
    is_small = tags.get(_SUBFILE_TYPE, 0) & 1 and _SUB_IFDS in tags
    called_raw = UNREAD_SUFFIXES.get(path.suffix.lower()) == RAW
    if _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _OF_A_SENSOR or is_small or called_raw or _widest_within(path, tags) > image.width:
        _refuse(path, RAW)


def refuse_layers_alone(path: Path, image: Image.Image) -> None:
    """Passes all but a PSD of which only the layers were saved: what stands in the whole picture's place is white.

    Raises:
        UnreadFormatError: it is one.
    """
    for number, _, said in getattr(image, "resources", ()) if image.format == "PSD" else ():
        if number == _VERSION_OF_PHOTOSHOP and said[4:5] == b"\x00":
            raise UnreadFormatError(f"{path}: holds layers only, not the picture that they make; save it as JPEG or PNG, too.")


def seek_photo(image: Image.Image) -> None:
    """Goes to the first picture of a TIFF that is no small one of another."""
    tags = getattr(image, "tag_v2", None)
    if image.format != "TIFF" or tags is None or not tags.get(_SUBFILE_TYPE, 0) & 1:
        return
    for page in range(1, getattr(image, "n_frames", 1)):
        image.seek(page)
        if not image.tag_v2.get(_SUBFILE_TYPE, 0) & 1:  # type: ignore[attr-defined]
            return
    image.seek(0)


def _widest_within(path: Path, tags: Mapping[int, Any]) -> int:
    """The greatest width, px, of the pictures that lie in directories of the first one; 0 where there are none."""
    widest = 0
    places = tags.get(_SUB_IFDS, ())
    with path.open("rb") as file:
        order: Literal["little", "big"] = "little" if file.read(2) == b"II" else "big"
        for place in places if isinstance(places, tuple) else (places,):
            file.seek(place)
            for _ in range(int.from_bytes(file.read(2), order)):
                entry = file.read(12)
                if int.from_bytes(entry[:2], order) == _WIDTH:
                    size = 2 if int.from_bytes(entry[2:4], order) == _SHORT else 4
                    widest = max(widest, int.from_bytes(entry[8 : 8 + size], order))
    return widest


def _refuse(path: Path, name: str) -> NoReturn:
    cure = "develop it to JPEG or TIFF first, or take the camera's own JPEG" if name == RAW else "convert it to JPEG or PNG first"
    raise UnreadFormatError(f"{path}: {name} cannot be read; {cure}.")
