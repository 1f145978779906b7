"""A result as one message for the page: a JSON header and a JPEG, so that boxes and picture can never be of two frames."""

from __future__ import annotations

import json
import struct
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from stream.drawing.labels import color_of, words_of
from stream.faces import Face
from stream.media import cv2
from stream.sinks.events import event_of
from stream.sinks.result import Result
from stream.web.camera_view import Numbered

RUNGS = (320, 640, 960, 1280, 1920)
"""Widths in px that pictures are made smaller to; what is wanted between two gets the larger. So pages of about one size share one."""
LARGEST = 3840
"""Px: no screen that the page is looked at on shows more."""


def rung_for(wanted_px: float, width: int) -> int:
    """The width in which a picture of that width goes to a page that shows it so wide: never wider than it is."""
    return next((rung for rung in RUNGS if wanted_px <= rung < width), min(width, LARGEST))


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture as it goes over the line."""

    number: int
    captured_at: float
    """`time.monotonic()` at which the frame had arrived."""
    message: bytes
    """u32 length of the header (big endian), the header, the JPEG."""


def encoded(camera: str, numbered: Numbered, width: int, quality: int) -> Encoded:
    """The message of a result. The encoder's thread."""
    header = json.dumps(header_of(camera, numbered), separators=(",", ":")).encode()
    frame = numbered.result.frame
    message = b"".join((struct.pack(">I", len(header)), header, jpeg_of(numbered.result.bare, width, quality)))
    return Encoded(numbered.number, frame.captured_at, message)


def jpeg_of(image: np.ndarray, width: int, quality: int) -> bytes:
    """
    Args:
        image: (H, W, 3) uint8 RGB.
        width: of the JPEG, px.
    """
    if width < image.shape[1]:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return _written(image, ".jpg", cv2.IMWRITE_JPEG_QUALITY, quality)


def png_of(image: np.ndarray) -> bytes:
    """
    Args:
        image: (H, W, 3) uint8 RGB.
    """
    return _written(image, ".png")


def _written(image: np.ndarray, ending: str, *options: int) -> bytes:
    data: np.ndarray = cv2.imencode(ending, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1]
    return data.tobytes()


def header_of(camera: str, numbered: Numbered) -> dict[str, Any]:
    """What the page needs to know of a picture: the event of its frame, and how each face is drawn. Boxes are in the frame's pixels."""
    result = numbered.result
    event = drawn_event(result)
    arrived = time.time() - time.monotonic() + result.frame.captured_at
    own = {"camera": camera, "seq": numbered.number, "captured_at": round(arrived, 4), "status": result.status_line}
    return {**event, **own, **numbers_of(result)}


def numbers_of(result: Result) -> dict[str, float | None]:
    """How its camera is shown: frames/s, and how late; None where there is nothing of the kind, as of a file."""
    if (measured := result.measured) is None:
        return {"rate": None, "latency_ms": None, "last_look_ms": None}
    return {"rate": round(measured.rate, 1), "latency_ms": _ms(measured.latency_s), "last_look_ms": _ms(measured.last_look_s)}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1000 * seconds, 1)


def told_event(result: Result) -> dict[str, Any]:
    """The event of a frame. Of faces that are hidden nothing leaves the server but their number, and where something is covered."""
    event = event_of(result)
    if "hidden" in event:
        faces = result.analysis.faces
        event["faces"] = [entry for entry, face in zip(event["faces"], faces, strict=True) if not face.hidden]
        event["hidden_faces"] = len(faces) - len(event["faces"])
    return event


def drawn_event(result: Result) -> dict[str, Any]:
    """The same, and how each face is drawn."""
    event = told_event(result)
    event.pop("hidden", None)
    for entry, face in zip(event["faces"], [one for one in result.analysis.faces if not one.hidden], strict=True):
        entry["words"], entry["color"] = words_of(face)[0], _hex(face)
    return event


def _hex(face: Face) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color_of(face))
