"""People who are known: a folder of theirs, made of portraits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from models.people.folder import PeopleFolder
from models.people.person import Photo
from models.people.seeing import PhotoReader

COLLINS, HOPPER = "Eileen Collins", "Grace Hopper"


def enrolled(folder: Path, portraits: Mapping[str, np.ndarray]) -> Path:
    """A folder with these people, by name, each with one photo."""
    people = PeopleFolder(folder)
    for name, portrait in portraits.items():
        (face,) = _reader().faces(portrait)
        people.add(name, [Photo(f"{name}.png", f"{hash(name):064x}"[-64:], face.descriptor, face.eye_px, face.sharpness)])
    return folder


@cache
def _reader() -> PhotoReader:
    return PhotoReader.load()
