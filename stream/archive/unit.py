"""A unit of work: what is done whole or once more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Kind = Literal["pictures", "video"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """Some pictures of one source, or a video."""

    id: str
    """16 hex digits, of what it consists of: the same in each plan that holds it."""
    kind: Kind
    source: str
    """As the user would write it: the folder, the pattern or the file."""
    paths: Sequence[str]
    """The files: pictures in their order, or the one video; none of what is not one file (numbered pictures)."""
    size: int
    """Bytes of the files together."""
    name: str | None = None
    """Of one of the settings' `sources`."""
    root: str | None = None
    """The folder that a video was found in."""
    output: str | None = None
    """Where it is written: a video's file; the folder of pictures, or the file of one. None: it is not."""
    unreadable: Sequence[str] = field(default=())
    """A sentence for each folder of the source that could not be looked into. The first unit of a source has them."""
    beside: Sequence[str] = field(default=())
    """In an object store: files that are not of this unit, but have claims to names that its outputs would get."""

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(line: str | bytes) -> Unit:
        return Unit(**json.loads(line))


def unit_id(parts: Any) -> str:
    """The id of what these parts, which JSON can write, describe."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


@dataclass(slots=True)
class Record:
    """What became of a unit, once it is done."""

    unit: str
    reports: list[dict[str, Any]] = field(default_factory=list)
    """The counts of each source, as `counts_of` gives them."""
    failures: list[dict[str, Any]] = field(default_factory=list)
    """Each `source` that could not be done, with its `reason`, and the `deaths` of those who tried."""
    outputs: list[tuple[str, int]] = field(default_factory=list)
    """What was written, with its size in bytes."""
    seconds: float = 0.0
    node: str = ""

    def as_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(line: str | bytes) -> Record:
        return Record(**json.loads(line))
