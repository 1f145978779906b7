"""The camera of a browser: its pictures come through the socket, and the faces of each go back."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import math
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from PIL import Image

from models.imaging.picture_formats import pillow_in_peace
from stream.errors import PictureError
from stream.frame import SourceInfo
from stream.pipeline.feeds import LatestFeed, wait_for_any
from stream.pipeline.lane import Lane
from stream.settings.schema import SourceSettings
from stream.sinks.result import Result
from stream.sources.live import Alive, LiveSource, Over, Picture
from stream.web.encoding import drawn_event, jpeg_of
from stream.web.hub import Page

MOST_PIXELS = 1920 * 1080
LARGEST_HEADER = 1000
"""Bytes."""
JPEG_QUALITY = 80
"""Of pictures that go back with their faces hidden."""
LOOK_S = 0.25
"""So often somebody looks whether it has ended."""
MOST_UNSAID = 4
"""Answers that may wait for a page that does not read; each of them also answers for those before it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A picture as a page sent it."""

    seq: int
    """The page's number for it; its answer has it, too."""
    camera_s: Fraction | None
    """When it was taken, by the page's clock."""
    arrived_at: float
    """`time.monotonic()` seconds."""
    jpeg: bytes

    @classmethod
    def parse(cls, data: bytes) -> Sent:
        """A message: u32 length of its header (big endian), the header as JSON, a JPEG.

        Raises:
            PictureError: it is something else.
        """
        try:
            (length,) = struct.unpack_from(">I", data)
            if length > LARGEST_HEADER:
                raise ValueError
            header = json.loads(data[4 : 4 + length])
            seq, at_s = int(header["seq"]), float(header.get("at_s", math.nan))
        except (struct.error, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise PictureError("This is no picture: a header with its length, as JSON with a seq, and a JPEG make one.") from error
        camera_s = Fraction(at_s).limit_denominator(1_000_000) if abs(at_s) < 1e9 else None
        return cls(seq, camera_s, time.monotonic(), data[4 + length :])


def pixels_of(jpeg: bytes) -> np.ndarray:
    """(H, W, 3) uint8 RGB.

    Raises:
        PictureError: it is too large, or no JPEG, or one that is damaged.
    """
    try:
        with pillow_in_peace():
            picture = Image.open(io.BytesIO(jpeg), formats=("JPEG",))
    except Exception as error:  # fed rubbish, Pillow raises anything
        raise PictureError("This is no picture: it is not a JPEG.") from error
    if picture.width * picture.height > MOST_PIXELS:
        raise PictureError(f"{picture.width}×{picture.height} pixels are too many for a camera here: at most 1920×1080 are read.")
    try:
        return np.array(picture.convert("RGB"))
    except Exception as error:
        raise PictureError("This picture is damaged and cannot be decoded.") from error


class Webcam:
    """One page's camera, from its start to its end. `take` and `left` are the server's event loop's."""

    def __init__(self, name: str, settings: SourceSettings, page: Page, ended: Callable[[Webcam], None]) -> None:
        """
        Args:
            ended: is told in the event loop that its lane has gone.
        """
        self.page = page
        self.name = name
        self.notes: list[str] = []
        self._ended = ended
        self._source = LiveSource(SourceInfo(name=name, live=True), self._pictures, settings)
        self.lane = Lane(self._source, analysis_sinks=[self], guest=True)
        self._came = threading.Condition()
        self._feed = LatestFeed[Sent](self._came)
        self._seqs: dict[int, int] = {}
        """By a frame's index, the page's number of its picture."""
        self._loop = asyncio.get_running_loop()
        self._unsaid: deque[dict[str, Any]] = deque(maxlen=MOST_UNSAID)
        self._saying: asyncio.Task[None] | None = None

    def take(self, sent: Sent) -> None:
        """A picture came; one before it that nobody has decoded yet is dropped, as if it had never been sent."""
        self._feed.give(sent)

    def left(self) -> None:
        """The page has gone, or wants no more."""
        self._feed.abandon()

    def write(self, result: Result) -> None:
        """A frame was looked at: the page gets its faces. The renderer's thread."""
        index = result.frame.index
        seq = self._seqs.get(index)
        for older in [one for one in list(self._seqs) if one <= index]:
            self._seqs.pop(older, None)
        faces = drawn_event(result)["faces"]
        for entry, face in zip(faces, [one for one in result.analysis.faces if not one.hidden], strict=True):
            entry["velocity"] = [round(float(part), 1) for part in face.velocity]
        took_ms = round(1000 * (time.monotonic() - result.frame.captured_at), 1)
        frame, picture = result.frame, {}
        if result.analysis.hidden is not None:  # the page shows what comes back, and nothing else
            picture = {"picture": base64.b64encode(jpeg_of(result.bare, frame.width, JPEG_QUALITY)).decode()}
        self._answer({"seq": seq, "width": frame.width, "height": frame.height, "faces": faces, "took_ms": took_ms, **picture})

    def close(self) -> None:
        """Its lane has gone. Any thread, any number of times."""
        self._call(self._ended, self)

    def _pictures(self, closing: threading.Event) -> Generator[Picture | Alive | None, None, None]:
        """What a live source is made of. The capture thread."""
        given = 0
        while not closing.is_set():
            if not wait_for_any(self._came, lambda: [self._feed], LOOK_S):
                yield Alive()  # a page whose tab is hidden sends nothing, for as long as it likes
                continue
            if self._feed.ended:
                raise Over
            for sent in self._feed.take():
                try:
                    image = pixels_of(sent.jpeg)
                except PictureError as error:
                    self._answer({"seq": sent.seq, "faces": [], "why": str(error)})
                    continue
                self._seqs[given] = sent.seq
                given += 1
                yield Picture(image, sent.arrived_at, sent.camera_s)

    def _answer(self, message: dict[str, Any]) -> None:
        self._call(self._say, {"type": "webcam", **message})

    def _call(self, what: Callable[..., None], *words: Any) -> None:
        with suppress(RuntimeError):  # the server has ended, and with it the page
            self._loop.call_soon_threadsafe(what, *words)

    def _say(self, message: dict[str, Any]) -> None:
        self._unsaid.append(message)
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say_all())

    async def _say_all(self) -> None:
        while self._unsaid:
            try:
                await self.page.say(self._unsaid.popleft())
            except Exception:  # noqa: BLE001 - the page has gone: whoever listens to it knows
                return
