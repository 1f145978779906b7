"""How good one way of looking at a clip was, beside another: what `following.py` prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.imaging.boxes import iou
from stream.faces import Analysis
from stream.settings.schema import Settings


@dataclass
class Run:
    """One clip, looked at once."""

    analyses: list[Analysis] = field(default_factory=list)
    detect_s: float = 0.0
    """Of all cores, for everything but the face model."""
    wall_s: float = 0.0
    asked: int = 0
    """Faces that the face model answered for."""
    size: tuple[int, int] = (0, 0)


def boxes(analysis: Analysis) -> np.ndarray:
    return np.array([face.box for face in analysis.faces], np.float32).reshape(-1, 4)


def confirmed(run: Run, settings: Settings) -> set[int]:
    """The tracks of a search of every frame that would count as faces: so many finds in so many frames."""
    hits, looks = settings.tracker.confirm
    seen: dict[int, list[int]] = defaultdict(list)
    for number, analysis in enumerate(run.analyses):
        for face in analysis.faces:
            seen[face.track].append(number)
    return {track for track, at in seen.items() if any(at[i + hits - 1] - at[i] < looks for i in range(len(at) - hits + 1))}


def recall(full: Run, here: Run, tracks: set[int], no_faces: Sequence[dict[str, str]] = ()) -> tuple[int, int]:
    """How many of the faces of these tracks are here, and how many there are, but for `no_faces`."""
    had = wanted = 0
    for number, (one, other) in enumerate(zip(full.analyses, here.analyses, strict=True)):
        mine, none = boxes(other), [_area(row, full.size) for row in no_faces if int(row["first"]) <= number <= int(row["last"])]
        for face in one.faces:
            if face.track in tracks and not any(_is_in(face.box, area) for area in none):
                wanted += 1
                had += bool(len(mine) and iou(face.box[None], mine).max() >= 0.5)
    return had, wanted


def _area(row: dict[str, str], size: tuple[int, int]) -> list[float]:
    return [float(row[edge]) * side for edge, side in zip(("left", "top", "right", "bottom"), size * 2, strict=True)]


def _is_in(box: np.ndarray, area: Sequence[float]) -> bool:
    x, y = (box[:2] + box[2:]) / 2
    return bool(area[0] <= x <= area[2] and area[1] <= y <= area[3])


def false_boxes(run: Run, low: Run) -> int:
    count = 0
    for one, other in zip(run.analyses, low.analyses, strict=True):
        there = boxes(other)
        count += sum(not (len(there) and iou(box[None], there).max() > 0.3) for box in boxes(one))
    return count


def tremble(run: Run) -> float:
    """Mean over tracks of the second differences of the centre, over the side: what is left when steady movement is taken away."""
    places: dict[int, list[tuple[int, np.ndarray]]] = defaultdict(list)
    for number, analysis in enumerate(run.analyses):
        for face in analysis.faces:
            places[face.track].append((number, face.box))
    values = []
    for seen in places.values():
        for (a, one), (b, two), (c, three) in zip(seen, seen[1:], seen[2:], strict=False):
            if c - a == 2 and b - a == 1:
                side = np.sqrt((two[2:] - two[:2]).prod())
                values.append(np.abs((one + three - 2 * two).reshape(2, 2).mean(axis=0)).mean() / side)
    return float(np.mean(values)) if values else float("nan")


def flickers(run: Run) -> int:
    """Second changes of a track's label within ten seconds."""
    count, last, changed = 0, {}, {}
    for analysis in run.analyses:
        for face in analysis.faces:
            if last.get(face.track, face.label) != face.label:
                count += analysis.time_s - changed.get(face.track, -np.inf) < 10
                changed[face.track] = analysis.time_s
            last[face.track] = face.label
    return count


def identities(run: Run, people: Sequence[dict[str, str]]) -> tuple[int, int]:
    """How often a person's track broke, and how many tracks were of several people."""
    tracks_of: dict[str, set[int]] = defaultdict(set)
    people_of: dict[int, set[str]] = defaultdict(set)
    for row in people:
        area = _area(row, run.size)
        for analysis in run.analyses[int(row["first"]) : int(row["last"]) + 1]:
            for face in analysis.faces:
                if _is_in(face.box, area):
                    tracks_of[row["person"]].add(face.track)
                    people_of[face.track].add(row["person"])
    return sum(len(tracks) - 1 for tracks in tracks_of.values()), sum(len(who) > 1 for who in people_of.values())


def truth_of(clip: Path) -> np.ndarray | None:
    """(N, 4) boxes by hand, one a frame."""
    path = clip.parent / "gt.txt"
    return np.genfromtxt(path, delimiter=",") if path.exists() else None


def on_truth(run: Run, truth: np.ndarray) -> float:
    """Share of frames where the centre of the hand's box lies in a face's."""
    hits, frames = 0, 0
    for analysis, box in zip(run.analyses, truth, strict=False):
        if np.isfinite(box).all():
            x, y = (box[:2] + box[2:]) / 2
            frames += 1
            hits += any(face.box[0] <= x <= face.box[2] and face.box[1] <= y <= face.box[3] for face in analysis.faces)
    return hits / max(frames, 1)
