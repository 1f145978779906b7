"""The user's own strangers, beside those that ship: means of several people, who are nobody's face."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np

from models.atomic import file_written_whole
from models.errors import PeopleError
from models.identity.cohort import Cohort
from models.identity.weights import FEATURES
from models.places import exists

COHORT = "cohort.npz"
"""Of a folder of people, where they lie."""


def with_own_strangers(path: Path) -> Cohort:
    """The cohort that ships, and what is in the file, where there is one.

    Raises:
        PeopleError: it is damaged, or others may read it.
    """
    shipped = Cohort.load()
    return Cohort(np.concatenate([shipped.vectors, read_own(path)])) if exists(path) else shipped


def read_own(path: Path) -> np.ndarray:
    """(K, FEATURES) float32 of unit length: the means in a file that `write_own` has written.

    Raises:
        PeopleError: as above.
    """
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise PeopleError(f"{path}: others may read it: chmod 600 {path}")
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            means = np.asarray(arrays["means"], np.float32)
        if means.ndim != 2 or means.shape[1] != FEATURES or not (np.abs(np.linalg.norm(means, axis=1) - 1) < 1e-2).all():
            raise ValueError("no means")
    except OSError as error:
        raise PeopleError(f"{path}: cannot be read ({error.strerror or 'damaged'}).") from error
    except (ValueError, TypeError, KeyError, AttributeError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        raise PeopleError(f"{path}: is damaged; remove it, or have it made again: facestream people calibrate FOLDER") from error
    return means


def write_own(path: Path, means: np.ndarray) -> None:
    """
    Raises:
        OSError: it cannot be written.
    """
    with file_written_whole(path, mode=0o600) as file:
        np.savez(file, allow_pickle=False, means=np.asarray(means, np.float32))
