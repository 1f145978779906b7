"""HTTP Live Streaming: pictures come a segment at once, and whoever connects anew gets the newest segments again."""

from __future__ import annotations

import threading
import time
import zlib
from fractions import Fraction
from typing import Any

from stream.media import av

PATIENCE_S = 30.0
"""Longest wait for the next segment: one lasts 2 to 10 s, and one of them may fail (a guess)."""
REMEMBERED = 5000
"""So many pictures can be told from new ones: some minutes, more than playlists offer (a guess)."""
LATE_S = 0.5
"""What is later than this is not made up for: pictures follow at their pace from there (a guess). Less is, at twice the pace."""
STEP_S = 1.5
"""A longer step from one picture to the next is a gap in the times, and nobody waits for its end (a guess)."""


class Segments:
    """The pictures of one playlist, each given once, whatever is offered again, and at its pace."""

    def __init__(self, *, expected: bool) -> None:
        self.expected = expected
        """The address is known as one of a playlist."""
        self._given: dict[int, int] = {}
        """Ticks and checksum of what was given."""
        self._read: dict[int, int] = {}
        """The same, of what was read and is not given yet."""
        self._newest_s = Fraction(-1)
        self._repeating = self._finished = False
        self._zero_s: float | None = None
        self._given_at = 0.0

    def connect(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        """Pictures that were given already may come again now. Only those of `stream` are fetched."""
        for other in container.streams:
            if other.index != stream.index:
                other.discard = av.stream.Discard.all
        self._repeating, self._finished = True, has_ended(container)
        self._read.clear()
        self._zero_s = None

    def note(self, packet: av.Packet[Any]) -> None:
        """A packet of pictures was read."""
        if packet.pts is not None:
            self._read[packet.pts] = zlib.crc32(bytes(packet))

    def wait_for(self, ticks: int, time_s: Fraction, unwanted: threading.Event) -> bool:
        """Wait until it is a picture's time. False at once where it was given before."""
        checksum = self._read.pop(ticks, 0)
        if self._repeating and (self._given.get(ticks) == checksum or (self._finished and time_s <= self._newest_s)):
            return False
        self._repeating = False
        self._given[ticks] = checksum
        if len(self._given) > REMEMBERED:
            del self._given[next(iter(self._given))]
        now_s, step_s, self._newest_s = time.monotonic(), float(time_s - self._newest_s), time_s
        if self._zero_s is None or not 0 <= step_s <= STEP_S or now_s - self._zero_s - float(time_s) > LATE_S:
            self._zero_s = now_s - float(time_s)
        due_s = max(self._zero_s + float(time_s), self._given_at + min(step_s, STEP_S) / 2)  # a burst would not be seen, but for its last
        unwanted.wait(max(0.0, due_s - now_s))
        self._given_at = time.monotonic()
        return True


def is_hls(container: av.container.InputContainer) -> bool:
    return container.format.name in ("hls", "dash")


def has_ended(container: av.container.InputContainer) -> bool:
    """No more segments will be added: only then a playlist's length is known."""
    return container.duration is not None
