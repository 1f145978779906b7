"""What a video file costs beyond decoding and encoding it: `facestream run` beside one `ffmpeg` process, interleaved in one run.

    python tests/bench/files.py [CLIP] [--seconds N] [--rounds N]

`ffmpeg` decodes the pictures, encodes them with our codec settings and copies the sound. Ours is the command as it is typed, first with
analysis switched off (what is left is decoding, handing on, encoding), then with default settings. Each is a process of its own, from its
start to its end. Its start-up is what it takes for one frame; the rate without it counts the other frames in the rest of the time. Without
CLIP: a virtual camera over matplotlib's portrait, 1280×720, 30 frames/s, with grain as of a webcam and sound.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from stream.media import av
from stream.settings.schema import OutputSettings
from stream.sinks.recording.encoders import KEY_FRAME_S

OFF = ("--model", "none", "--set", "detector.enabled=false")


def portrait_clip(path: Path, seconds: int) -> Path:
    """The demo's virtual camera as a file with a tone."""
    from stream.sources.demo import DemoSource

    rate, size = 30, (1280, 720)
    source, grain = DemoSource(size=size), np.random.default_rng(0)
    silent = path.with_stem("silent")
    with av.open(str(silent), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(rate * seconds):
            image = np.clip(source.look(index / rate) + grain.normal(0, 2, (size[1], size[0], 1)), 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    tone = ["-f", "lavfi", "-i", f"sine=duration={seconds}", "-c:v", "copy", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(silent), *tone, str(path)], check=True)
    return path


def ways(clip: Path, out: Path, rate: float) -> dict[str, tuple[list[str], list[str]]]:
    """Each program's command, and what makes it end after one frame."""
    settings = OutputSettings()
    codec = ["-c:v", "libx264", "-preset", settings.preset, "-crf", str(settings.crf), "-bf", "0", "-g", str(round(rate * KEY_FRAME_S))]
    ffmpeg = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(clip), "-map", "0:v:0", "-map", "0:a?", *codec, "-c:a", "copy"]
    ours = [str(Path(sys.executable).with_name("facestream")), "run", str(clip), "-o", str(out), "--overwrite"]
    return {
        "ffmpeg": ([*ffmpeg, str(out)], [*ffmpeg, "-frames:v", "1", str(out)]),
        "facestream, analysis off": ([*ours, *OFF], [*ours, *OFF, "--max-frames", "1"]),
        "facestream": (ours, [*ours, "--max-frames", "1"]),
    }


def seconds_of(command: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--seconds", type=int, default=20, help="length of the clip that is made")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip, out = asked.clip or portrait_clip(Path(folder) / "portrait.mp4", asked.seconds), Path(folder) / "out.mp4"
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            frames, rate = sum(packet.size > 0 for packet in container.demux(stream)), float(stream.average_rate or 25)
            print(f"{clip.name}: {stream.width}×{stream.height}, {frames} frames")
        whole: dict[str, list[float]] = {}
        started: dict[str, list[float]] = {}
        sizes: dict[str, int] = {}
        for _ in range(asked.rounds):
            for name, (command, first) in ways(clip, out, rate).items():
                whole.setdefault(name, []).append(frames / seconds_of(command))
                sizes[name] = out.stat().st_size
                start_s = seconds_of(first)
                started.setdefault(name, []).append((frames - 1) / (frames / whole[name][-1] - start_s))
    for name in whole:
        for what, rates in (("whole process", whole), ("without start-up", started)):
            ratio = statistics.median(ours / base for ours, base in zip(rates[name], rates["ffmpeg"], strict=True))
            print(
                f"{name}, {what}: {statistics.median(rates[name]):.1f} frames/s ({min(rates[name]):.1f} to {max(rates[name]):.1f}), "
                f"{ratio:.2f} of ffmpeg, {sizes[name] / 1e6:.2f} MB"
            )


if __name__ == "__main__":
    main()
