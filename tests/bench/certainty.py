"""What `certainty` is worth: how often the label that a followed face has is the one that it has at the end.

    python tests/bench/certainty.py [MODEL ...] [--frames N]

Clips of the data's folder, told of as a camera is, with the default settings: the label and the certainty of each face in each frame, by
certainty, beside the label of its track's last frame; and what `classifier.uncertain_below` would hide. Tracks of less than a second do not
count. Nobody in these clips wears a mask, and everybody is a face; who smiles may stop, so for `smile` the end is not all of the truth.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from following import CLIPS, DATA  # the benchmark beside this one

from models import Classifier
from models.detection.detector import Detector, load_detector
from stream.analysis.analyser import Analyser
from stream.analysis.following import Following
from stream.frame import SourceInfo
from stream.settings.loading import load_settings
from stream.sources.opening import open_source

EDGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1.01)
LEVELS = (0.8, 0.9, 0.95, 0.98)


def told(clip: Path, detector: Detector, model: Classifier, most: int) -> list[tuple[float, bool]]:
    """Of each face in each frame its certainty, and whether its label is that of its track's end."""
    settings = load_settings(None, [])
    source = open_source(clip, settings.source)
    analyser, manager = Analyser(detector, model), Following(SourceInfo("clip", live=True), settings, model)
    tracks: dict[int, list[tuple[float, str]]] = defaultdict(list)
    first: dict[int, float] = {}
    long = set()
    for frame in islice(iter(source), most):
        (analysis,) = analyser.look([frame], [manager])
        for face in analysis.faces:
            if face.label is not None and face.certainty is not None:
                tracks[face.track].append((face.certainty, face.label))
                if frame.time_s - first.setdefault(face.track, frame.time_s) >= 1:
                    long.add(face.track)
    source.close()
    return [(certainty, label == seen[-1][1]) for track, seen in tracks.items() if track in long for certainty, label in seen[:-1]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["face", "mask", "smile"])
    parser.add_argument("--frames", type=int, default=300, help="of each clip at most")
    asked = parser.parse_args()
    detector = load_detector()
    clips = [DATA / name for name in CLIPS if "pedestrians" not in name]
    clips += [*sorted(DATA.glob("intel_asl/*.mkv")), *sorted(DATA.glob("grid_mpg/*.mpg"))]
    for name in asked.models:
        model = Classifier.load(name)
        rows = np.array([row for clip in dict.fromkeys(clips) for row in told(clip, detector, model, asked.frames)])
        print(f"{name}: {len(rows)} faces in frames, {rows[:, 1].mean():.3f} of them with the label of the end")
        for low, high in pairwise(EDGES):
            mine = rows[(rows[:, 0] >= low) & (rows[:, 0] < high)]
            if len(mine):
                print(f"  certainty {low:5} to {min(high, 1):5}: {len(mine):5}, as at the end {mine[:, 1].mean():.3f}")
        for level in LEVELS:
            shown, hidden = rows[rows[:, 0] >= level, 1], rows[rows[:, 0] < level, 1]
            right = hidden.mean() if len(hidden) else float("nan")
            of_shown = shown.mean() if len(shown) else float("nan")
            print(
                f"  uncertain_below {level}: hides {len(hidden) / len(rows):.3f}, {right:.3f} of it right; right of the rest {of_shown:.3f}"
            )


if __name__ == "__main__":
    main()
