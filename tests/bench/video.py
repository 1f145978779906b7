"""Frames per second of a whole video job, beside the way of the original notebook, interleaved in one run.

    python tests/bench/video.py [CLIP] [--frames N] [--rounds N]

The notebook's way: mtcnn 1.0.0 on each frame, `model.predict` on each face, boxes drawn, `mp4v` written by OpenCV. Ours: the
pipeline that `facestream run CLIP -o out.mp4` runs, with every face scored in every frame (`classifier.every_s: 0`) and with the
default settings. All look for faces from 20 px, and none counts loading its models. Without CLIP: a virtual camera over
matplotlib's portrait, 854×480, one face.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np


def notebook_way(clip: Path, out: Path, frames: int) -> Callable[[], float]:
    """Runs it once to warm up; then each call gives frames/s."""
    from mtcnn import MTCNN

    from models import create_cnn_model

    detector, model = MTCNN(), create_cnn_model()

    def once() -> float:
        capture = cv2.VideoCapture(str(clip))
        size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), capture.get(cv2.CAP_PROP_FPS) or 25, size)
        begin, done = time.perf_counter(), 0
        while done < frames:
            good, frame = capture.read()
            if not good:
                break
            for found in detector.detect_faces(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)):
                x, y, width, height = (max(0, int(side)) for side in found["box"])
                face = frame[y : y + height, x : x + width]
                if face.size:
                    score = model.predict(cv2.resize(face, (150, 150))[None].astype(np.float32), verbose=0)[0, 0]
                    cv2.rectangle(frame, (x, y), (x + width, y + height), (0, 255, 0), 2)
                    cv2.putText(frame, f"{score:.2f}", (x, y - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 255, 0), 2)
            writer.write(frame)
            done += 1
        writer.release()
        capture.release()
        return done / (time.perf_counter() - begin)

    once()
    return once


def our_way(clip: Path, out: Path, frames: int, *changes: str) -> Callable[[], float]:
    """The same for the pipeline of `facestream run`."""
    from stream.analysis.analyser import Analyser
    from stream.pipeline.lane import Lane
    from stream.pipeline.pipeline import Pipeline
    from stream.settings.loading import load_settings
    from stream.sinks.recording.video import VideoSink
    from stream.sources.opening import open_source

    settings = load_settings(None, ["detector.min_face_px=20", *changes])
    analyser = Analyser.load(settings)

    def once() -> float:
        begin = time.perf_counter()
        source = open_source(clip, settings.source)
        sink = VideoSink(out, source.info, settings.output, overwrite=True)
        report = Pipeline([Lane(source, [sink])], analyser, settings, max_frames=frames).run()
        return report.sources[0].shown / (time.perf_counter() - begin)

    once()
    return once


def portrait_clip(path: Path, frames: int) -> None:
    """The demo's virtual camera, as a file."""
    from stream.media import av
    from stream.sources.demo import DemoSource

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 854, 480, "yuv420p"
        for index, frame in enumerate(DemoSource(None)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
            if index + 1 == frames:
                break
        container.mux(stream.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = asked.clip or Path(folder) / "portrait.mp4"
        if asked.clip is None:
            portrait_clip(clip, asked.frames)
        out = Path(folder) / "out.mp4"
        ways = {
            "the notebook's way": notebook_way(clip, out, asked.frames),
            "facestream, every face scored in every frame": our_way(clip, out, asked.frames, "classifier.every_s=0"),
            "facestream, default settings": our_way(clip, out, asked.frames),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(asked.rounds):
            for name, once in ways.items():
                rates[name].append(once())
    slow = next(iter(rates.values()))
    for name, measured in rates.items():
        ratio = statistics.median(fast / base for fast, base in zip(measured, slow, strict=True))
        print(f"{name}: {statistics.median(measured):.1f} frames/s ({min(measured):.1f} to {max(measured):.1f}), {ratio:.1f} times")


if __name__ == "__main__":
    main()
