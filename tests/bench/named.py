"""What naming people costs: frames per second of a whole video job with and without a gallery, interleaved in one run.

    python tests/bench/named.py [CLIP...] [--people N] [--frames N] [--rounds N]

Both run the pipeline that `facestream run CLIP -o out.mp4` runs, with default settings; one of them knows N people with three photos each
(vectors made by chance, like those of strangers: what is compared costs the same whoever it is). Loading is not counted. Without CLIP: a
virtual camera over matplotlib's portrait, 854×480, one face.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from video import our_way, portrait_clip

from models.identity.cohort import Cohort
from models.people.folder import PeopleFolder
from models.people.person import Photo

PHOTOS = 3
CLOSE = 0.1
"""How far the photos of one made person are apart, as a share of the difference between strangers (a guess)."""


def made_people(folder: Path, count: int) -> None:
    """People that nobody is, between the strangers of the cohort."""
    random, strangers, people = np.random.default_rng(0), Cohort.load().vectors, PeopleFolder(folder)
    for number in range(count):
        about = random.normal(size=len(strangers)) @ strangers
        vectors = about / np.linalg.norm(about) + CLOSE * random.normal(size=(PHOTOS, len(about))) / np.sqrt(len(about))
        vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        people.add(
            f"Person {number}", [Photo(f"{place}.jpg", f"{number:060x}{place:04x}", one, 60.0, 200.0) for place, one in enumerate(vectors)]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clips = asked.clips or [folder / "portrait.mp4"]
        if not asked.clips:
            portrait_clip(clips[0], asked.frames)
        made_people(folder / "people", asked.people)
        for clip in clips:
            ways: list[Callable[[], float]] = [
                our_way(clip, folder / "out.mp4", asked.frames, "detector.min_face_px=auto", *changes)
                for changes in ((), (f"identity.people={folder / 'people'}",))
            ]
            rounds = [[once() for once in ways] for _ in range(asked.rounds)]
            without, named = (statistics.median(rates) for rates in zip(*rounds, strict=True))
            ratios = [with_names / without for without, with_names in rounds]
            told = f"{min(ratios):.3f} to {max(ratios):.3f}"
            print(f"{clip.name}: {without:.1f} frames/s, with {asked.people} people {named:.1f}: {statistics.median(ratios):.3f} ({told})")


if __name__ == "__main__":
    main()
