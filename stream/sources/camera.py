"""Webcams, by index, and whatever else OpenCV's VideoCapture opens, as `camera:NAME`."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from functools import partial

from stream.errors import SourceError
from stream.frame import SourceInfo
from stream.media import cv2
from stream.names import printable
from stream.settings.schema import Settings, SourceSettings
from stream.sources.addresses import redact
from stream.sources.live import LiveSource, Lost, Picture
from stream.sources.reader_thread import pumped

PREFIX = "camera:"


def open_camera(address: str, settings: SourceSettings | None = None, name: str | None = None, *, waits: bool = False) -> LiveSource:
    """A webcam that is opened now, and opened again whenever it disappears.

    Args:
        waits: one that is not there is waited for: whoever lists cameras by name, or starts several, knows them.

    Raises:
        SourceError: there is none, which is a mistake where it alone was asked for.
    """
    settings = settings or Settings().source
    first = _first_opened(address, settings)
    if first is None:
        if waits:
            return LiveSource(
                SourceInfo(name=name or redact(address), live=True), partial(pumped, partial(_pictures, address, settings, [])), settings
            )
        raise SourceError(
            f"camera {redact(address.removeprefix(PREFIX))}: cannot be opened. Is it connected, and does no other program use it?"
        )
    info = SourceInfo(
        name=name or redact(address),
        width=int(first.get(cv2.CAP_PROP_FRAME_WIDTH)),
        height=int(first.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        live=True,
    )
    opened = [first]  # the first connection takes it over: webcams need seconds to open
    return LiveSource(info, partial(pumped, partial(_pictures, address, settings, opened)), settings)


def _first_opened(address: str, settings: SourceSettings) -> cv2.VideoCapture | None:
    def opened(_: threading.Event) -> Generator[cv2.VideoCapture | None, None, None]:
        yield _open(address, settings)

    deadline = time.monotonic() + settings.open_timeout_s
    for capture in pumped(opened, threading.Event()):
        if capture is not None or time.monotonic() > deadline:
            return capture
    return None


def _pictures(
    address: str, settings: SourceSettings, opened: list[cv2.VideoCapture], unwanted: threading.Event
) -> Generator[Picture, None, None]:
    """The pictures of one connection; the capture never leaves this thread."""
    capture = opened.pop() if opened else _open(address, settings)
    if capture is None:
        raise Lost("cannot be opened")
    try:
        while not unwanted.is_set():
            there, bgr = capture.read()
            arrived_at = time.monotonic()
            if not there:
                raise Lost("gives no more pictures")
            yield Picture(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), arrived_at)
    finally:
        capture.release()


def _open(address: str, settings: SourceSettings) -> cv2.VideoCapture | None:
    device = address.removeprefix(PREFIX)
    if device != printable(device):
        return None  # OpenCV takes UTF-8 only, and crashes
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it prints a page about each backend that has no such camera
    try:
        capture = cv2.VideoCapture(int(device) if device.isdecimal() else device)
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not capture.isOpened():
        return None
    wishes = [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),  # before the size: raw pictures over USB come at 5 frames/s in 1080p
        (cv2.CAP_PROP_FRAME_WIDTH, settings.camera_width),
        (cv2.CAP_PROP_FRAME_HEIGHT, settings.camera_height),
        (cv2.CAP_PROP_FPS, settings.camera_rate),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ]
    for wish, value in wishes:
        if value:
            capture.set(wish, value)
    return capture
