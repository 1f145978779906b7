"""What the tables of a transport stream (PAT and PMT, ISO 13818-1) say: which streams there are, and their codecs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np

SYNC, PACKET = 0x47, 188
SIZES = (188, 192, 204)
"""Bytes from one packet to the next: as broadcast, with a clock before each (Blu-ray, cameras), with check bytes behind each."""
CLOCK = 4
"""Bytes of that clock."""
IN_A_ROW = 5
"""So many packets tell where packets begin."""
LIST_OF_PROGRAMS, PROGRAM = 0, 2
"""Kinds of tables."""
PRIVATE = 0x06
"""The type of a stream whose codec only its descriptors tell."""
TELLING = frozenset({0x05, 0x56, 0x59, 0x6A, 0x7A, 0x7B, 0x7C, 0x7F})
"""Descriptors that do: registration, teletext, subtitles, AC-3, E-AC-3, DTS, AAC, further ones of DVB."""

Codecs: TypeAlias = "dict[int, tuple[int, bytes]]"
"""The codec of each stream by its number (PID): its type, and its telling descriptors where that says nothing."""


@dataclass(slots=True)
class Tables:
    """What the tables have said until now."""

    list_packet: bytes = b""
    """The packet with the newest list of programs: without one before it, nothing of a stream can be read."""
    _programs: dict[int, int] = field(default_factory=dict)
    """The number (PID) of each program's own table."""
    _codecs: dict[int, Codecs] = field(default_factory=dict)
    """Of each program whose table came."""
    _step: int = 0
    """Bytes from one packet to the next; 0: not known."""
    _rest: bytes = b""
    _at: int = 0
    """Where in the rest the next packet begins."""

    def elsewhere(self) -> Tables:
        """The same, to look at another place of the file."""
        return Tables(self.list_packet, dict(self._programs), dict(self._codecs))

    def codecs(self) -> Codecs:
        """Of all streams; none while the table of a program is missing."""
        if not all(program in self._codecs for program in self._programs):
            return {}
        return {number: codec for program in self._programs for number, codec in self._codecs[program].items()}

    def news(self, data: bytes) -> Iterator[int]:
        """Look at the bytes that follow: where in them each table begins that tells something new (it may have begun before them)."""
        held, before = self._rest + data, len(self._rest)
        at = self._at
        while found := _packets(held, at, self._step):
            at, self._step, count = found
            for number in self._tables(held, at, count):
                begin = at + number * self._step
                raw = held[max(0, begin - CLOCK) : begin + PACKET] if self._step == PACKET + CLOCK else held[begin : begin + self._step]
                if self._learn(held[begin : begin + PACKET], raw):
                    yield begin - before
                    break  # there may be other tables to look for now
            else:
                number = count - 1
            at += (number + 1) * self._step
        kept = max(0, min(at - CLOCK, len(held)), len(held) - 2 * IN_A_ROW * max(SIZES))
        self._rest, self._at = held[kept:], max(0, at - kept)

    def _tables(self, held: bytes, at: int, count: int) -> list[int]:
        """Which of so many packets are of tables."""
        places = at + self._step * np.arange(count)
        array = np.frombuffer(held, np.uint8)
        numbers = (array[places + 1].astype(np.int32) & 0x1F) << 8 | array[places + 2]
        return np.flatnonzero(np.isin(numbers, [0, *self._programs.values()])).tolist()

    def _learn(self, packet: bytes, raw: bytes) -> bool:
        table = _table(packet)
        number = _word(packet, 1) & 0x1FFF
        if table[:1] == bytes([LIST_OF_PROGRAMS]) and number == 0:
            self.list_packet = raw
            pairs = [(_word(table, at), _word(table, at + 2) & 0x1FFF) for at in range(8, len(table) - 7, 4)]
            programs = {program: place for program, place in pairs if program}
            if programs == self._programs:
                return False
            self._codecs = {one: found for one, found in self._codecs.items() if self._programs.get(one) == programs.get(one)}
            self._programs = programs
            return True
        if table[:1] != bytes([PROGRAM]) or self._programs.get(program := _word(table, 3)) != number:
            return False
        codecs = _codecs(table)
        is_new, self._codecs[program] = self._codecs.get(program) != codecs, codecs
        return is_new


def _packets(data: bytes, at: int, step: int) -> tuple[int, int, int] | None:
    """Where the next packets begin, how far apart they are, and how many follow each other. None where there is no whole one."""
    marks = np.frombuffer(data, np.uint8) == SYNC
    if step and at + PACKET <= len(data) and marks[at]:
        row = marks[at : len(data) - PACKET + 1 : step]
        return at, step, int(np.argmin(row)) if not row.all() else len(row)
    if step and at + PACKET > len(data):
        return None
    begins: dict[int, int] = {}
    for size in SIZES:
        length = len(data) - at - (IN_A_ROW - 1) * size
        if length > 0:
            rows = np.logical_and.reduce([marks[at + number * size : at + number * size + length] for number in range(IN_A_ROW)])
            if rows.any():
                begins[size] = at + int(np.argmax(rows))
    if not begins:
        return None
    size = min(begins, key=lambda one: begins[one])
    return _packets(data, begins[size], size)


@lru_cache(maxsize=256)  # the same ones come again and again
def _table(packet: bytes) -> bytes:
    """The table that is whole in one packet, as nearly all are; empty where there is none that is in force and undamaged."""
    begins_here, has_content, has_extra = packet[1] & 0x40, packet[3] & 0x10, packet[3] & 0x20
    at = 5 + packet[4] if has_extra else 4
    if not begins_here or not has_content or at >= PACKET:
        return b""
    at += 1 + packet[at]
    table = packet[at : at + 3 + (_word(packet, at + 1) & 0xFFF)] if at < PACKET - 3 else b""
    whole = len(table) > 12 and len(table) == 3 + (_word(table, 1) & 0xFFF)
    return table if whole and table[5] & 1 and _remainder(table) == 0 else b""


def _codecs(table: bytes) -> Codecs:
    codecs: Codecs = {}
    at, end = 12 + (_word(table, 10) & 0xFFF), len(table) - 4
    while at + 5 <= end:
        kind, length = table[at], _word(table, at + 3) & 0xFFF
        codecs[_word(table, at + 1) & 0x1FFF] = kind, _telling(table[at + 5 : at + 5 + length]) if kind == PRIVATE else b""
        at += 5 + length
    return codecs


def _telling(descriptors: bytes) -> bytes:
    found = []
    while len(descriptors) >= 2:
        tag, length = descriptors[:2]
        if tag in TELLING:
            found.append(bytes([tag]) + (descriptors[2:6] if tag == 0x05 else b""))
        descriptors = descriptors[2 + length :]
    return b"".join(sorted(found))


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _remainder(data: bytes) -> int:
    """Of the check at a table's end (CRC-32 of MPEG-2): 0 for what is undamaged."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = (remainder << 1 ^ 0x04C11DB7 if remainder & 0x80000000 else remainder << 1) & 0xFFFFFFFF
    return remainder
