"""People as they are kept, of nobody: directions that no face has."""

from __future__ import annotations

import numpy as np

from models.people.person import Photo

RNG = np.random.default_rng(0)


def a_photo(file: str = "a.jpg") -> Photo:
    """Of nobody: a direction that no other has."""
    vector = RNG.normal(size=128)
    return Photo(file, RNG.bytes(32).hex(), np.asarray(vector / np.linalg.norm(vector), np.float32), 41.5, 120.0)
