"""Pictures on their way to an encoder."""

from __future__ import annotations

import gc
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.faces import Analysis, Face
from stream.frame import SourceInfo
from stream.media import av
from stream.sinks.recording.planes import Planes
from stream.sinks.result import Result
from stream.sources.pyav_frame import frame_of
from stream.sources.video import VideoSource
from tests.media import make_clip, picture


def test_a_picture_is_looked_at_while_it_is_recorded() -> None:
    """Two threads convert one picture of a camera that gives more colours than an encoder takes."""
    info = SourceInfo("camera", 1280, 720, live=True)
    decoded = av.VideoFrame.from_ndarray(picture(0, 1280, 720), format="rgb24").reformat(format="yuv444p")
    about = {"source": "camera", "pts": 0, "time_base": Fraction(1, 25), "captured_at": 0.0}
    frames = [frame_of(decoded, (0, False), index=number, **about) for number in range(200)]
    planes, both, done = Planes(frames[0], yuvj=True), threading.Barrier(2), []

    def record() -> None:
        for frame in frames:
            both.wait(10)
            done.append(planes.of(Result(frame, Analysis("camera", frame.index, 0.0), info)).format.name)

    def look() -> None:
        for frame in frames:
            both.wait(10)
            assert frame.image.shape == (720, 1280, 3)

    threads = [threading.Thread(target=work, daemon=True) for work in (record, look)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(15)
    assert done == ["yuv420p"] * len(frames)


@pytest.mark.slow
def test_pictures_that_were_looked_at_and_recorded_are_let_go_at_once(tmp_path: Path) -> None:
    """Else they and the threads that converted them stay until Python next looks for garbage: hundreds of megabytes and threads."""
    clip = make_clip(tmp_path / "clip.mp4", times=range(40), images=[picture(number, 320, 240) for number in range(40)], size=(320, 240))
    source = VideoSource(str(clip))
    face = Face(np.array([50, 50, 120, 150], np.float32), 0.9, np.full((5, 2), 80, np.float32))
    planes: Planes | None = None
    gc.collect()
    gc.disable()
    try:
        most = 0
        for frame in source:
            planes = planes or Planes(frame, yuvj=True)
            assert frame.image.shape == (240, 320, 3)
            planes.of(Result(frame, Analysis(source.info.name, frame.index, frame.time_s, (face,)), source.info))
            pictures = [one for one in gc.get_objects() if isinstance(one, av.VideoFrame) and one.width > 16]
            most = max(most, len(pictures))
            del pictures
    finally:
        gc.enable()
    assert 1 <= most < 20
