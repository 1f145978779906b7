"""What naming people costs: frames per second of a whole video job with and without a gallery, interleaved in one run.

    python tests/bench/named.py [CLIP...] [--people N] [--frames N] [--rounds N]

Both run the pipeline that `facestream run CLIP -o out.mp4` runs, with default settings; one of them knows N people with three photos each
(vectors made by chance, like those of strangers: what is compared costs the same whoever it is). Loading is not counted. Without CLIP: a
virtual camera over matplotlib's portrait, 854×480, one face. On a busy machine the work of all cores says more than frames per second.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
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
            rounds = [[measured(once) for once in ways] for _ in range(asked.rounds)]
            rates, seconds = ([(without[part], named[part]) for without, named in rounds] for part in (0, 1))
            print(
                f"{clip.name}, {asked.people} people: {told(rates)} of {statistics.median(rate for rate, _ in rates):.1f} frames/s",
                end="; ",
            )
            print(f"{told(seconds)} times the work of all cores")


def measured(once: Callable[[], float]) -> tuple[float, float]:
    """Frames/s, and seconds of all cores."""
    begin = time.process_time()
    return once(), time.process_time() - begin


def told(pairs: Sequence[tuple[float, float]]) -> str:
    """How much the second is of the first."""
    ratios = [named / without for without, named in pairs]
    return f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"


if __name__ == "__main__":
    main()
