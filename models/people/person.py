"""One person: what is kept of each photo, and the file that it is kept in. There are no pictures in it."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import PeopleError
from models.identity.network_file import said_of

if TYPE_CHECKING:
    from models.identity.recogniser import KnownPerson

FORMAT, VERSION = "facestream person", 1
ALIGNMENT = 1
"""How faces are cut (`models.identity.chips`): one more with every change that moves descriptors."""
LARGEST_BYTES = 64 * 2**20
"""Of a file: about 100,000 photos. What is larger is no person."""
UNIT_WITHIN = 1e-3
"""How far a descriptor's length may be from 1."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class Photo:
    """What is kept of a photo."""

    file: str
    """Its name, without folders."""
    sha256: str
    """Of the file."""
    descriptor: np.ndarray
    """(F,) float32 of unit length: the face."""
    eye_px: float
    """How far the eyes are apart in it."""
    sharpness: float
    """`models.identity.chips.sharpness`."""
    added: str = field(default_factory=lambda: today())
    """The day, in UTC: 2026-11-29."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody with photos."""

    name: str
    photos: tuple[Photo, ...]
    created: str
    """The day, in UTC."""
    note: str = ""

    @property
    def vectors(self) -> np.ndarray:
        """(photos, F) float32 of unit length."""
        return np.stack([photo.descriptor for photo in self.photos])

    def known(self) -> KnownPerson:
        """What a `Recogniser` takes."""
        from models.identity.recogniser import KnownPerson

        return KnownPerson(self.name, self.vectors)


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def written(person: Person, network: str) -> bytes:
    """The content of a person's file."""
    photos = [
        {
            "file": photo.file,
            "sha256": photo.sha256,
            "added": photo.added,
            "eye_px": round(float(photo.eye_px), 1),
            "sharpness": round(float(photo.sharpness), 1),
            "descriptor": base64.b64encode(np.asarray(photo.descriptor, "<f4").tobytes()).decode(),
        }
        for photo in person.photos
    ]
    about = {"format": FORMAT, "version": VERSION, "name": person.name, "created": person.created, "note": person.note}
    said = about | {"network": network, "alignment": ALIGNMENT, "photos": photos}
    return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def read_person(path: Path, network: str | None) -> Person:
    """The person in a file.

    Args:
        network: that must have described it; None: any.

    Raises:
        FileNotFoundError: there is none.
        PeopleError: it cannot be read, is damaged or foreign, or was described by another network.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise PeopleError(f"{path}: is too large to be a person; move it away.")
        said = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PeopleError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise PeopleError(f"{path}: is damaged, or no person; remove it, and enrol whoever it was again.") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise PeopleError(f"{path}: is not one of the files that facestream people writes; move it out of this folder.")
    if said.get("version") != VERSION:
        raise PeopleError(f"{path}: was written by another version of facestream, which can read it.")
    try:
        name = _text(said, "name")
        if network is not None:
            _same_network(path, said, name, network)
        photos = tuple(_photo(one) for one in said["photos"])
        if not name or not photos or len({photo.descriptor.shape for photo in photos}) > 1:
            raise ValueError("it has no name or no photo, or its photos do not belong together")
        return Person(name, photos, _text(said, "created"), _text(said, "note"))
    except (KeyError, TypeError, ValueError) as error:
        raise PeopleError(f"{path}: is damaged; remove it, and enrol whoever it was again.") from error


def _same_network(path: Path, said: dict[str, Any], name: str, network: str) -> None:
    by = said_of(_text(said, "network"), network) or ("faces cut in another way" if said["alignment"] != ALIGNMENT else "")
    if by:
        raise PeopleError(
            f"{path}: {name} was enrolled with {by}; enrol again: "
            f'facestream people remove "{name}" --people {path.parent}, then facestream people add "{name}" PHOTO... --people {path.parent}'
        )


def _photo(said: dict[str, Any]) -> Photo:
    try:
        content = base64.b64decode(_text(said, "descriptor"), validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
    descriptor = np.frombuffer(content, "<f4").astype(np.float32)
    if len(descriptor) < 2 or not abs(float(np.linalg.norm(descriptor.astype(np.float64))) - 1) < UNIT_WITHIN:
        raise ValueError("no descriptor")
    descriptor.flags.writeable = False
    eye_px, sharpness = float(said["eye_px"]), float(said["sharpness"])
    return Photo(_text(said, "file"), _text(said, "sha256"), descriptor, eye_px, sharpness, _text(said, "added"))


def _text(said: dict[str, Any], key: str) -> str:
    value = said[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text")
    return value
