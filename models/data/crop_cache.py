"""Faces once found are not looked for again: what each picture gave, kept by its content under the user's cache folder."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.atomic import file_written_whole

CODE = ("imaging", "inference", "detection", "data/samples.py", "data/dataset.py", "data/crop_cache.py")
"""What of `models` a crop depends on, with all that is in the folders: if any of it changes, crops are cut anew, or training would see what
serving no longer cuts."""
PACKAGES = ("mtcnn", "numpy", "opencv-python", "openvino", "pillow", "pillow-heif")


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What there is to know of one picture file."""

    size: tuple[int, int]
    """Width and height, px."""
    faces: int
    """How many the detector finds."""
    box: np.ndarray
    """(4,) float32, pixels of `picture`: the face that is used; empty (0,) where none is."""
    picture: np.ndarray
    """(H, W, 3) uint8: what is around it."""
    crop: np.ndarray
    """(size, size, 3) uint8: as serving cuts it."""
    sharpness: float
    """Logarithm of the variance of the crop's Laplacian."""
    score: float
    """The detector's, of the face that is used; NaN where none was found."""
    hashes: np.ndarray
    """(2, 128) bool: difference hash of the whole picture, and of its mirror image."""
    note: str = ""
    """What the reader had to say of it."""


class CropCache:
    """A folder of `Look`s. What cannot be read or written is done without: a cache must never stop the work."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()
        """None: nothing is kept."""
        self._writable = True

    def get(self, key: str) -> Look | None:
        """What was kept under the key; None for nothing, or something damaged."""
        try:
            if self.folder is None:
                return None
            with self._path(self.folder, key).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                width, height, faces = (int(value) for value in kept["numbers"])
                sharpness, score, note = float(kept["sharpness"]), float(kept["score"]), str(kept["note"])
                return Look((width, height), faces, kept["box"], kept["picture"], kept["crop"], sharpness, score, kept["hashes"], note)
        except Exception:  # noqa: BLE001 - fed a damaged file, zipfile and numpy raise anything from zlib.error to MemoryError
            return None

    def put(self, key: str, look: Look) -> None:
        """Keeps it, whole or not at all."""
        if self.folder is None or not self._writable:
            return
        path = self._path(self.folder, key)
        numbers = np.array([*look.size, look.faces])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with file_written_whole(path, mode=0o600, flush=False) as file:  # others' faces; and what is damaged is read as nothing
                np.savez(
                    file, numbers=numbers, box=look.box, picture=look.picture, crop=look.crop,
                    sharpness=look.sharpness, score=look.score, hashes=look.hashes, note=look.note,
                )  # fmt: skip
        except OSError:
            self._writable = False  # a full or read-only disk stays so

    @staticmethod
    def _path(folder: Path, key: str) -> Path:
        return folder / key[:2] / f"{key}.npz"


def default_folder() -> Path | None:
    """`$XDG_CACHE_HOME/facestream/crops`, by default under `~/.cache`; None for whoever has no home, as in some containers.

    A relative place does not count, as the XDG Base Directory Specification has it: it would be another in each folder.
    """
    try:
        given = Path(os.environ.get("XDG_CACHE_HOME", ""))
        return (given if given.is_absolute() else Path.home() / ".cache") / "facestream" / "crops"
    except RuntimeError:
        return None


def cache_key(content: str, *settings: object) -> str:
    """The same for the same file (its SHA-256), settings and code, whatever its name."""
    return hashlib.sha256(repr((content, settings, code_version())).encode()).hexdigest()


@functools.cache
def code_version(models: Path = Path(__file__).parents[1]) -> str:
    """Changes with every change of what a crop depends on.

    Args:
        models: the folder of the package.
    """
    digest = hashlib.sha256(repr([_version(name) for name in PACKAGES]).encode())
    for path in sorted(path for name in CODE for path in [models / name, *(models / name).rglob("*.py")] if path.is_file()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(models).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # one that is an extra
        return None
