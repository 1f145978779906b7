"""What following faces gives and costs, beside a search of every frame: the same clips, interleaved in one run.

    python tests/bench/following.py [CLIP ...] [--frames N] [--rounds N]
    python tests/bench/following.py --table [--rounds N]

Of each clip: milliseconds a frame of the detector (searches and checks) with `tracker.search_every_s: 0` and with the defaults, the best of
the rounds, and their ratio; recall, the share of the full search's confirmed faces that have a box here (IoU at least 0.5); false boxes,
here and there: those that no face of a search with low thresholds overlaps (IoU over 0.3); how much the boxes tremble here, as a share
(second differences over the side); calls of the face model, as a share of one for every face in every frame; and labels that changed
within ten seconds of an earlier change. At the end: people of three clips, labelled by hand (`following_people.csv`), how often a person's
track broke, and how many tracks were of two people. Without CLIP: those of the data's folder with faces.

With --table: milliseconds a frame of the detector, every frame searched and followed, for virtual cameras of four sizes with no face up to
sixty-four of them.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from models import Classifier
from models.detection.detector import Detector, DetectorOptions, load_detector
from models.imaging.boxes import iou
from stream.analysis.analyser import Analyser
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.media import av
from stream.settings.loading import load_settings
from stream.settings.schema import Settings
from stream.sources.demo import DemoSource
from stream.sources.opening import open_source
from stream.sources.pyav_frame import frame_of

DATA = Path(os.environ.get("FACESTREAM_DATA", Path(__file__).parents[3] / "shared" / "data")) / "video"
CLIPS = (
    "multi_face/m1079_presenters.mp4", "multi_face/short_hamilton_clip.mp4", "track_david/david.mpg", "webcam_like/aittsmd_video_test.avi",
    "grid_mpg/bbaf2n.mpg", "grid_mpg/id2_vcd_swwp2s.mpg", "intel_asl/again.mkv", "intel_asl/night.mkv", "liveportrait/d3.mp4",
    "liveportrait/d9.mp4", "liveportrait/d13.mp4", "liveportrait/d18.mp4", "liveportrait/s18.mp4", "talking_heads/tps_driving.mp4",
    "intel_gif_previews/face-demographics-walking.gif", "intel_gif_previews/head-pose-face-detection-male.gif",
    "derived/face_leaves_returns.mp4", "derived/vfr_jitter_drop.mp4",
    "pedestrians_mot/MOT20-05-raw_even_shorter.mp4", "pedestrians_mot/MOT20-08-raw_shorter.h264",
)  # fmt: skip
PEOPLE = Path(__file__).with_name("following_people.csv")
LOW = DetectorOptions(thresholds=(0.4, 0.4, 0.2))


@dataclass
class Run:
    """One clip, looked at once."""

    analyses: list[Analysis] = field(default_factory=list)
    detect_s: float = 0.0
    asked: int = 0
    """Faces that the face model answered for."""
    size: tuple[int, int] = (0, 0)


class CountingModel(Classifier):
    asked = 0

    def answer(self, crops: np.ndarray, scores: np.ndarray) -> np.ndarray:
        self.asked += len(crops)
        return super().answer(crops, scores)


def look(clip: Path, detector: Detector, model: CountingModel, settings: Settings, most: int) -> Run:
    run, analyser = Run(), Analyser(detector, model)
    model.asked = 0
    seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        begin = time.process_time()
        yield
        seconds[name] += time.process_time() - begin

    source = open_source(clip, settings.source)
    manager = analyser.follow(source.info, settings)
    told: list[tuple[Frame, Analysis]] = []
    frames = islice(iter(source), most)
    while some := list(islice(frames, settings.pipeline.batch_size)):
        run.size = some[0].width, some[0].height
        for frame, analysis in zip(some, analyser.look(some, [manager] * len(some), stage), strict=True):
            told += manager.settle(frame, analysis)
    source.close()
    run.analyses = [analysis for _, analysis in [*told, *manager.flush()]]
    run.detect_s, run.asked = seconds["detect"], model.asked
    return run


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


def recall(full: Run, here: Run, tracks: set[int]) -> tuple[int, int]:
    had = wanted = 0
    for one, other in zip(full.analyses, here.analyses, strict=True):
        mine = boxes(other)
        for face in one.faces:
            if face.track in tracks:
                wanted += 1
                had += bool(len(mine) and iou(face.box[None], mine).max() >= 0.5)
    return had, wanted


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
    width, height = run.size
    for row in people:
        area = [float(row[edge]) * side for edge, side in zip(("left", "top", "right", "bottom"), (width, height) * 2, strict=True)]
        for analysis in run.analyses[int(row["first"]) : int(row["last"]) + 1]:
            for face in analysis.faces:
                x, y = (face.box[:2] + face.box[2:]) / 2
                if area[0] <= x <= area[2] and area[1] <= y <= area[3]:
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


def crowd(size: tuple[int, int], tiles: int, count: int = 90) -> list[Frame]:
    """Frames of a video in which the virtual camera's picture is seen so often each way; 0: its wall alone."""
    width, height = size
    camera = DemoSource(size=(width // max(tiles, 1) & ~1, height // max(tiles, 1) & ~1))
    frames = []
    for number in range(count):
        image = np.full((height, width, 3), 90, np.uint8)
        if tiles:
            tiled = np.tile(camera.look(number / 30), (tiles, tiles, 1))
            image[: tiled.shape[0], : tiled.shape[1]] = tiled
        picture = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
        times = {"index": number, "pts": number, "time_base": Fraction(1, 30)}
        frames.append(partial(frame_of, picture, (0, False), source="crowd", captured_at=0.0, **times))
    return [make() for make in frames]


def table(detector: Detector, rounds: int) -> None:
    print("ms a frame, searched -> followed (faces told of in a frame)")
    print(f"{'':12}" + "".join(f"{f'{tiles**2} faces':>26}" for tiles in (0, 1, 2, 4, 8)))
    for name, size in {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080), "2160p": (3840, 2160)}.items():
        cells = []
        for tiles in (0, 1, 2, 4, 8):
            best: dict[str, tuple[float, float]] = {}
            for _ in range(rounds):
                for way, changes in (("full", ["tracker.search_every_s=0"]), ("here", [])):
                    frames, seconds = crowd(size, tiles, 30 if size[0] > 2000 else 60), 0.0
                    settings, analyser = load_settings(None, changes), Analyser(detector, None)
                    manager = analyser.follow(SourceInfo("crowd"), settings)
                    told: list[tuple[Frame, Analysis]] = []
                    for start in range(0, len(frames), 4):
                        some = frames[start : start + 4]
                        begin = time.process_time()
                        analyses = analyser.look(some, [manager] * len(some))
                        seconds += time.process_time() - begin
                        told += [one for pair in zip(some, analyses, strict=True) for one in manager.settle(*pair)]
                    told += manager.flush()
                    ms, faces = 1000 * seconds / len(frames), float(np.mean([len(analysis.faces) for _, analysis in told]))
                    best[way] = min(best.get(way, (ms, faces)), (ms, faces))
            cells.append(f"{best['full'][0]:.1f} -> {best['here'][0]:.1f} ({best['full'][1]:.0f}, {best['here'][1]:.0f})")
        print(f"{name:12}" + "".join(f"{cell:>26}" for cell in cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--frames", type=int, default=300, help="of each clip at most")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--table", action="store_true", help="sizes and numbers of faces instead of clips")
    asked = parser.parse_args()
    if asked.table:
        table(load_detector(), asked.rounds)
        return
    default, every = load_settings(None, []), load_settings(None, ["tracker.search_every_s=0"])
    each = load_settings(None, ["tracker.search_every_s=0", "classifier.every_s=0"])
    detector, low, model = load_detector(), load_detector(LOW), CountingModel.load("face")
    with PEOPLE.open() as file:
        people = list(csv.DictReader(file))
    totals, names = [0, 0], {}
    print(f"{'clip':26}{'size':>10}  ms: full  here ratio  recall (of)     false: full here  tremble  model  flickers")
    for clip in asked.clips or [DATA / name for name in CLIPS]:
        runs: dict[str, list[Run]] = {"full": [], "here": []}
        for _ in range(asked.rounds):
            runs["full"].append(look(clip, detector, model, every, asked.frames))
            runs["here"].append(look(clip, detector, model, default, asked.frames))
        full, here = (min(runs[name], key=lambda run: run.detect_s) for name in ("full", "here"))
        loose, all_asked = look(clip, low, model, every, asked.frames), look(clip, detector, model, each, asked.frames).asked
        had, wanted = recall(full, here, confirmed(full, default))
        totals[0], totals[1] = totals[0] + had, totals[1] + wanted
        frames = len(full.analyses)
        full_ms, here_ms = 1000 * full.detect_s / frames, 1000 * here.detect_s / frames
        print(
            f"{clip.name[:25]:26}{full.size[0]:>5}×{full.size[1]:<4}{full_ms:10.2f}{here_ms:6.2f}{here_ms / full_ms:6.2f}"
            f"{had / max(wanted, 1):8.3f} ({wanted:4})  {false_boxes(full, loose):10}{false_boxes(here, loose):5}"
            f"{tremble(here) / tremble(full):9.2f}{here.asked / max(all_asked, 1):7.3f}{flickers(here):6}",
            flush=True,
        )
        if (truth := truth_of(clip)) is not None:
            print(f"    centre of the hand's box in a face: full {on_truth(full, truth):.3f}, here {on_truth(here, truth):.3f}")
        mine = [row for row in people if row["clip"] == clip.name]
        if mine:
            names[clip.name] = identities(full, mine), identities(here, mine), len({row["person"] for row in mine})
    print(f"all: recall {totals[0] / max(totals[1], 1):.4f} of {totals[1]}")
    for name, (then, now, count) in names.items():
        print(f"{name}: {count} people; tracks broken {then[0]} -> {now[0]}, tracks of two people {then[1]} -> {now[1]}")


if __name__ == "__main__":
    main()
