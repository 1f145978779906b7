"""Encoded pictures of a segment in a file: their packets, each with its exact time, and what a decoder must know first."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from stream.errors import SourceError
from stream.media import av
from stream.segments.written import written
from stream.sinks.recording.encoding import Packet

PICTURES, INDEX, ABOUT = "pictures", "index.npy", "about.json"
"""The parts of the file, which is a ZIP without compression: a torn or damaged one is noticed."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is known of a chunk before its packets are read."""

    path: Path
    codec: str
    header: bytes
    """What a decoder must know before the first packet (SPS and PPS)."""
    time_base: Fraction
    packets: int
    notes: tuple[str, ...]


def write_chunk(path: Path, codec: str, header: bytes, packets: Iterator[Packet], notes: list[str]) -> int:
    """How many packets were written.

    Raises:
        SinkError: the disk is full or gone.
    """
    index: list[tuple[int, int, int, int]] = []
    time_base = Fraction(0)
    with written(path) as file, ZipFile(file, "w") as archive:
        with archive.open(PICTURES, "w", force_zip64=True) as pictures:
            for packet in packets:
                time_base = packet.time_base
                index.append((packet.pts or 0, packet.duration or 0, packet.size, int(packet.is_keyframe)))
                pictures.write(bytes(packet))
        rows = io.BytesIO()
        np.save(rows, np.array(index, np.int64).reshape(-1, 4))
        archive.writestr(INDEX, rows.getvalue())
        about = {"codec": codec, "header": header.hex(), "time_base": str(time_base), "notes": notes}
        archive.writestr(ABOUT, json.dumps(about))
    return len(index)


def open_chunk(path: Path) -> Chunk:
    """
    Raises:
        SourceError: it is missing or damaged.
    """
    try:
        with ZipFile(path) as archive:
            about, rows = json.loads(archive.read(ABOUT)), _index(archive)
            header, time_base = bytes.fromhex(about["header"]), Fraction(about["time_base"])
            return Chunk(path, about["codec"], header, time_base, len(rows), tuple(about["notes"]))
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise SourceError(f"{path}: cannot be read ({error}).") from error


def packets_in(chunk: Chunk) -> Iterator[Packet]:
    """Its packets, each at its time in the source.

    Raises:
        SourceError: it is damaged.
    """
    try:
        with ZipFile(chunk.path) as archive, archive.open(PICTURES) as pictures:
            for pts, duration, size, is_key in _index(archive).tolist():
                yield _packet(pictures, size, pts, duration, is_key, chunk.time_base)
    except (OSError, ValueError, BadZipFile) as error:
        raise SourceError(f"{chunk.path}: cannot be read ({error}).") from error


def _packet(pictures: IO[bytes], size: int, pts: int, duration: int, is_key: int, time_base: Fraction) -> Packet:
    data = pictures.read(size)
    if len(data) != size:
        raise ValueError("it is cut off")
    packet: av.Packet[Any] = av.Packet(data)
    packet.pts = packet.dts = pts
    packet.duration, packet.time_base, packet.is_keyframe = duration, time_base, bool(is_key)
    return packet


def _index(archive: ZipFile) -> np.ndarray:
    return np.asarray(np.load(io.BytesIO(archive.read(INDEX)), allow_pickle=False))
