"""Folders of photos to train on: two faces, each before many backgrounds, so that no two photos are copies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def photo(face: Image.Image, rng: np.random.Generator, side: int = 200) -> Image.Image:
    """A square photo: the face somewhere, in some size, before soft patches of colour."""
    background = Image.fromarray(rng.integers(0, 255, (5, 5, 3), np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    size = int(rng.integers(side // 2, side * 3 // 4))
    x, y = (int(value) for value in rng.integers(0, side - size, 2))
    background.paste(face.resize((size, size)), (x, y))
    return background


def make_folder(folder: Path, faces: dict[str, Image.Image], count: int, seed: int = 0) -> Path:
    """`count` PNG photos in a folder for each name of a face."""
    rng = np.random.default_rng(seed)
    for name, face in faces.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            photo(face, rng).save(folder / name / f"{number:02}.png")
    return folder
