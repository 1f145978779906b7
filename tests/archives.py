"""Archives to work on: photos of two faces in folders, videos of one, and rubbish; and what a folder of results holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.media import make_clip
from tests.moving_faces import Actor, Film, head
from tests.photos import make_folder

SIZE = (320, 240)


def make_archive(folder: Path, faces: dict[str, Image.Image], *, photos: int = 20, videos: int = 2) -> Path:
    """`photos` of each face, `videos` of one second in which a face moves, an empty photo and an empty video."""
    make_folder(folder, faces, photos)
    (folder / "clips").mkdir()
    for number in range(videos):
        make_clip(
            folder / "clips" / f"clip{number}.mp4", images=_moving(next(iter(faces.values())), 3 * number), times=range(25), size=SIZE
        )
    (folder / "empty.jpg").touch()
    (folder / "clips" / "empty.mp4").touch()
    return folder


def _moving(face: Image.Image, shift: int) -> list[np.ndarray]:
    images = []
    for number in range(25):
        picture = Image.new("RGB", SIZE, (90, 100, 110))
        picture.paste(face.resize((120, 120)), (20 + shift + 4 * number, 60))
        images.append(np.asarray(picture))
    return images


def make_long_clip(path: Path, portrait: np.ndarray, *, seconds: int) -> Path:
    """A face that comes, moves and goes, 25 times a second, with a key frame each second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    film = Film(
        [
            Actor(head(portrait, "hopper"), lambda time_s: None if time_s % 9 > 7 else (120 + 80 * np.sin(time_s), 120.0, 80.0)),
            Actor(
                head(portrait, "hopper"), lambda time_s: (250.0, 120 + 30 * np.cos(time_s / 2), 60.0) if 4 < time_s < seconds - 5 else None
            ),
        ],
        SIZE,
    )
    images = (film.picture(number / 25) for number in range(25 * seconds))
    return make_clip(path, images=images, times=range(25 * seconds), size=SIZE, options={"preset": "ultrafast", "bf": "0", "g": "25"})


def contents(folder: Path) -> dict[str, str]:
    """Each file below that is not hidden, with what is in it as a hash: of a video, its pictures."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def hidden_files(folder: Path) -> list[str]:
    """What was left by somebody who was writing."""
    return [path.name for path in folder.rglob(".*") if path.is_file()]


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
