"""What following faces gives and costs, beside a search of every frame: the same clips, interleaved in one run.

    python tests/bench/following.py [CLIP ...] [--frames N] [--rounds N]
    python tests/bench/following.py --table [--rounds N]

Of each clip: milliseconds a frame of all cores together (`time.process_time`: another program's work does not count) for all that finds
faces, with `tracker.search_every_s: 0` and with the defaults, the best of the rounds, and their ratio, then that of the clock on the
wall, where a search has all cores; recall, the share of the full search's confirmed faces that have a box here (IoU at least 0.5), of all
and of those that are faces (by hand: `following_no_faces.csv`); false boxes, here and there: those that no face of a search with low
thresholds overlaps (IoU over 0.3); how much the boxes tremble here, as a share
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
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from following_measures import Run, confirmed, false_boxes, flickers, identities, on_truth, recall, tremble, truth_of

from models import Classifier
from models.detection.detector import Detector, DetectorOptions, load_detector
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
PEOPLE, NO_FACES = (Path(__file__).with_name(f"following_{name}.csv") for name in ("people", "no_faces"))
LOW = DetectorOptions(thresholds=(0.4, 0.4, 0.2))


class CountingModel(Classifier):
    asked = 0

    def answer(self, crops: np.ndarray, scores: np.ndarray) -> np.ndarray:
        self.asked += len(crops)
        return super().answer(crops, scores)


def look(clip: Path, detector: Detector, model: CountingModel, settings: Settings, most: int) -> Run:
    run, analyser = Run(), Analyser(detector, model)
    model.asked = 0
    model_s = np.zeros(2)

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        nonlocal model_s
        begin = _clocks()
        yield
        if name == "classify":
            model_s += _clocks() - begin

    source = open_source(clip, settings.source)
    manager = analyser.follow(source.info, settings)
    told: list[tuple[Frame, Analysis]] = []
    frames, took = islice(iter(source), most), np.zeros(2)
    while some := list(islice(frames, settings.pipeline.batch_size)):
        run.size = some[0].width, some[0].height
        begin = _clocks()
        for frame, analysis in zip(some, analyser.look(some, [manager] * len(some), stage), strict=True):
            told += manager.settle(frame, analysis)
        took += _clocks() - begin
    source.close()
    run.analyses = [analysis for _, analysis in [*told, *manager.flush()]]
    run.detect_s, run.wall_s = (took - model_s).tolist()
    run.asked = model.asked
    return run


def _clocks() -> np.ndarray:
    return np.array([time.process_time(), time.perf_counter()])


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
    people, none = ([*csv.DictReader(path.read_text().splitlines())] for path in (PEOPLE, NO_FACES))
    totals, names = np.zeros(6, int), {}
    print(f"{'clip':26}{'size':>10}  ms: full  here ratio  wall  recall (of)   of faces (of)  false: full here  tremble  model  flickers")
    for clip in asked.clips or [DATA / name for name in CLIPS]:
        runs: dict[str, list[Run]] = {"full": [], "here": []}
        for _ in range(asked.rounds):
            runs["full"].append(look(clip, detector, model, every, asked.frames))
            runs["here"].append(look(clip, detector, model, default, asked.frames))
        full, here = (min(runs[name], key=lambda run: run.detect_s) for name in ("full", "here"))
        wall = min(run.wall_s for run in runs["here"]) / min(run.wall_s for run in runs["full"])
        loose, all_asked = look(clip, low, model, every, asked.frames), look(clip, detector, model, each, asked.frames).asked
        tracks = confirmed(full, default)
        had, wanted = recall(full, here, tracks)
        faces_had, faces = recall(full, here, tracks, [row for row in none if row["clip"] == clip.name])
        false = false_boxes(full, loose), false_boxes(here, loose)
        totals += [had, wanted, faces_had, faces, *false]
        frames = len(full.analyses)
        full_ms, here_ms = 1000 * full.detect_s / frames, 1000 * here.detect_s / frames
        print(
            f"{clip.name[:25]:26}{full.size[0]:>5}×{full.size[1]:<4}{full_ms:10.2f}{here_ms:6.2f}{here_ms / full_ms:6.2f}{wall:6.2f}"
            f"{had / max(wanted, 1):8.3f} ({wanted:4}){faces_had / max(faces, 1):9.3f} ({faces:4}){false[0]:11}{false[1]:5}"
            f"{tremble(here) / tremble(full):9.2f}{here.asked / max(all_asked, 1):7.3f}{flickers(here):6}",
            flush=True,
        )
        if (truth := truth_of(clip)) is not None:
            print(f"    centre of the hand's box in a face: full {on_truth(full, truth):.3f}, here {on_truth(here, truth):.3f}")
        mine = [row for row in people if row["clip"] == clip.name]
        if mine:
            names[clip.name] = identities(full, mine), identities(here, mine), len({row["person"] for row in mine})
    had, wanted, faces_had, faces, *false = totals.tolist()
    print(f"all: recall {had / max(wanted, 1):.4f} of {wanted}, of faces {faces_had / max(faces, 1):.4f} of {faces}")
    print(f"false boxes {false[0]} -> {false[1]}")
    for name, (then, now, count) in names.items():
        print(f"{name}: {count} people; tracks broken {then[0]} -> {now[0]}, tracks of two people {then[1]} -> {now[1]}")


if __name__ == "__main__":
    main()
