"""From the fragments in which RTP carries a picture of H.264 or H.265 to the whole of it, without waiting for the next picture.

RTP marks a picture's last fragment, but FFmpeg keeps the mark to itself, and its parser gives a picture only when the next one begins: a
frame interval late. So the end is told from what a camera's pictures have in common, and only once that has proved right.
"""

from __future__ import annotations

import re

Unit = tuple[int | None, bytes]
"""A picture's time in ticks of its stream, and its NAL units with their start codes."""

START = b"\0\0\0\1"
HEADS = re.compile(START + b"(?=(.{1,3}))", re.DOTALL)
TRIALS = 25
"""So many pictures in a row must have ended where the rule says, before it is trusted; ten times as many after each mistake."""
SLACK = 2
"""Fragments of one size may differ by a byte or two, as their headers do."""


class AccessUnits:
    """Collects fragments into units: one picture each.

    The rule: a picture is whole when it has as many slices as its kind (key or not) ever had, and its newest fragment is shorter than
    any that had a continuation: packetizers cut a slice into fragments of one size and a rest. Where the rule says nothing, a unit ends
    where the next begins: with another time, or with the slice of a picture's upper left corner, for there are cameras that give two
    pictures, or all, the same time.
    """

    def __init__(self, *, hevc: bool) -> None:
        self.had_key = False
        """A key picture has begun: from here on all can be decoded."""
        self._hevc = hevc
        self._ticks: int | None = None
        self._parts: list[bytes] = []
        self._until_slice = 0
        """So many parts are the picture's; headers behind its last slice may be the next one's."""
        self._given = False
        """The unit was given already; what still comes of it is filler, or came for a mistake."""
        self._slices = 0
        self._in_slice = False
        self._is_key = False
        self._newest_size = 0
        self._whole = False
        """The rule says so of what has come until now."""
        self._most_slices: dict[bool, int] = {}
        """By whether it is a key picture."""
        self._shortest_continued = 10**9
        self._right, self._needed = 0, TRIALS

    def add(self, data: bytes, ticks: int | None) -> list[Unit]:
        """Take a fragment, give the units that are whole with it: the one before, and its own.

        Args:
            data: NAL units with start codes, or the continuation of one.
            ticks: the picture's time; None: that of the one before.
        """
        starts = data.startswith(START)
        slices = [head for head in HEADS.findall(data) if self._is_slice(head[0])] if starts else []
        units = []
        if ticks is not None and ticks != self._ticks:
            units = self._end(ticks, len(self._parts))
        elif slices and self._slices and self._is_first_slice(slices[0]):
            units = self._end(self._ticks, self._until_slice)
        if starts:
            if slices and not self._slices:
                self._is_key = self._is_key_slice(slices[0][0])
                self.had_key = self.had_key or self._is_key
            self._slices += len(slices)
            self._in_slice = bool(slices)
        else:
            self._shortest_continued = min(self._shortest_continued, self._newest_size)
        if self._whole and self._in_slice:
            self._right, self._needed = 0, 10 * self._needed
        self._newest_size = len(data) + (-3 if starts else 2)  # of the fragment's payload
        self._parts.append(data)
        if self._in_slice:
            self._until_slice = len(self._parts)
        if self._given:
            return units
        enough = self._in_slice and self._slices >= self._most_slices.get(self._is_key, 10**9)
        self._whole = enough and self._newest_size < self._shortest_continued - SLACK
        if self._whole and self._right >= self._needed:
            self._given = True
            units.append((self._ticks, b"".join(self._parts)))
        return units

    def _end(self, ticks: int | None, parts: int) -> list[Unit]:
        """Begin the next unit. Gives the one before, of so many parts, unless it was given already."""
        units = [(self._ticks, b"".join(self._parts[:parts]))] if self._parts[:parts] and not self._given else []
        if self._slices:
            self._most_slices[self._is_key] = max(self._slices, self._most_slices.get(self._is_key, 0))
        self._right += self._whole
        self._ticks, self._parts = ticks, self._parts[parts:]
        self._given = self._in_slice = self._is_key = self._whole = False
        self._slices = self._until_slice = 0
        return units

    def _is_slice(self, head: int) -> bool:
        return (head >> 1 & 63) < 32 if self._hevc else (head & 31) in (1, 5)

    def _is_key_slice(self, head: int) -> bool:
        return 16 <= (head >> 1 & 63) < 24 if self._hevc else (head & 31) == 5

    def _is_first_slice(self, head: bytes) -> bool:
        """The one that begins with the picture's first block: so says the first bit behind the NAL's header."""
        return bool(head[2 if self._hevc else 1 :][:1] >= b"\x80")
