"""False faces, followed and searched for: a camera that pans slowly across photos, with the noise of a camera.

    python tests/bench/panned.py [--photos N]

Photos of nobody: every box is false. Photos of people: how many of the full search's confirmed faces are here, too. Every second photo of
nobody is looked at; the others were measured for `SURE` and `CERTAIN` in `stream/analysis/followed.py`.
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from following import DATA  # the benchmark beside this one
from following_measures import Run, confirmed, recall

from models.detection.detector import Detector, load_detector
from models.imaging.pictures import read_picture
from stream.analysis.analyser import Analyser
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.settings.loading import load_settings

PHOTOS = {"nobody": "train/nobody_photos", "people": "train/face_photos"}
SHORT_SIDE, HEIGHT, WIDEST = 560, 500, 720
"""px, of the photo and of the camera's picture."""
STEP = 1.2, 0.5
"""px a frame, right and down."""


def panned(photo: Path, count: int = 60) -> list[Frame]:
    image = read_picture(photo)
    scale = SHORT_SIDE / min(image.shape[:2])
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    height, width = image.shape[:2]
    noise, size, frames = np.random.default_rng(0), (min(width, WIDEST), HEIGHT), []
    for number in range(count):
        x, y = min(number * STEP[0], max(width - WIDEST, 60)), min(number * STEP[1], height - HEIGHT - 1)
        seen = cv2.warpAffine(image, np.array([[1, 0, -x], [0, 1, -y]], np.float32), size)
        seen = np.clip(seen + noise.normal(0, 3, (size[1], size[0], 1)), 0, 255).astype(np.uint8)
        frames.append(Frame.of_image(seen, source="pan", captured_at=0.0, index=number, pts=number, time_base=Fraction(1, 25)))
    return frames


def run(frames: list[Frame], detector: Detector, *changes: str) -> Run:
    analyser = Analyser(detector, None)
    manager = analyser.follow(SourceInfo("pan"), load_settings(None, [*changes]))
    told: list[tuple[Frame, Analysis]] = []
    for start in range(0, len(frames), 4):
        some = frames[start : start + 4]
        for frame, analysis in zip(some, analyser.look(some, [manager] * len(some)), strict=True):
            told += manager.settle(frame, analysis)
    return Run([analysis for _, analysis in [*told, *manager.flush()]], size=(frames[0].width, frames[0].height))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=1000, help="of each kind at most")
    asked = parser.parse_args()
    detector, default = load_detector(), load_settings(None, [])
    for kind, folder in PHOTOS.items():
        photos = sorted(path for path in (DATA.parent / folder).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        photos = photos[:: 2 if kind == "nobody" else 12][: asked.photos]
        total = np.zeros(4, int)
        for photo in photos:
            frames = panned(photo)
            full, here = run(frames, detector, "tracker.search_every_s=0"), run(frames, detector)
            boxes = [sum(len(analysis.faces) for analysis in one.analyses) for one in (full, here)]
            total += [*boxes, *recall(full, here, confirmed(full, default))]
        boxes_full, boxes_here, had, wanted = total.tolist()
        print(f"{kind}: {len(photos)} photos; boxes {boxes_full} -> {boxes_here}; {had} of {wanted} confirmed finds of the search are here")


if __name__ == "__main__":
    main()
