"""Files through a `VideoSink`, and what ffmpeg's own programs say of what came out."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.media import av
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result

for program in ("ffmpeg", "ffprobe"):
    if shutil.which(program) is None:
        pytest.skip(f"missing program: {program}", allow_module_level=True)

FACE = Face(np.array([20, 20, 60, 70], np.float32), 0.9, np.full((5, 2), 40, np.float32), track=1)


def ffmpeg(*arguments: object) -> str:
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def ffprobe(path: Path, *arguments: str) -> dict:
    command = ["ffprobe", "-v", "error", "-of", "json", *arguments, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "", done.stderr
    return json.loads(done.stdout)


def frame_times(path: Path) -> list[float]:
    return [float(frame["pts_time"]) for frame in ffprobe(path, "-select_streams", "v:0", "-show_entries", "frame=pts_time")["frames"]]


def streams(path: Path, kind: str) -> list[dict]:
    return ffprobe(path, "-show_streams", "-select_streams", kind)["streams"]


def audio_md5(path: Path) -> str:
    return ffmpeg("-i", path, "-map", "0:a", "-c", "copy", "-f", "streamhash", "-hash", "md5", "-")


def audio_start_s(path: Path) -> float:
    return float(streams(path, "a:0")[0]["start_time"])


def frames_of(path: Path) -> Iterator[Frame]:
    """Every frame of a file, as a source gives them."""
    with av.open(str(path)) as container:
        for index, decoded in enumerate(container.decode(video=0)):
            yield Frame(
                str(path), index, decoded.pts, decoded.time_base, 0.0, decoded.width, decoded.height,
                lambda decoded=decoded: decoded.to_ndarray(format="rgb24"), decoded,
            )  # fmt: skip


def info_of(path: Path) -> SourceInfo:
    with av.open(str(path)) as container:
        return SourceInfo(str(path), path=path, rate=container.streams.video[0].average_rate, has_audio=bool(container.streams.audio))


def result_of(frame: Frame, info: SourceInfo, *faces: Face, status: str = "") -> Result:
    return Result(frame, Analysis(frame.source, frame.index, frame.time_s, faces), info, status)


def processed(path: Path, out: Path, *faces: Face, most: int | None = None, settings: OutputSettings | None = None) -> VideoSink:
    """The file through a sink."""
    info = info_of(path)
    sink = VideoSink(out, info, settings or OutputSettings())
    for frame in frames_of(path):
        if most is not None and frame.index >= most:
            break
        sink.write(result_of(frame, info, *faces))
    sink.close()
    return sink
