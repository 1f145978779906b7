"""Pictures on their way to an encoder."""

from __future__ import annotations

import threading
from fractions import Fraction

from stream.faces import Analysis
from stream.frame import SourceInfo
from stream.media import av
from stream.sinks.recording.planes import Planes
from stream.sinks.result import Result
from stream.sources.pyav_frame import frame_of
from tests.media import picture


def test_a_picture_is_looked_at_while_it_is_recorded() -> None:
    """Two threads convert one picture of a camera that gives more colours than an encoder takes."""
    info = SourceInfo("camera", 1280, 720, live=True)
    decoded = av.VideoFrame.from_ndarray(picture(0, 1280, 720), format="rgb24").reformat(format="yuv444p")
    about = {"source": "camera", "pts": 0, "time_base": Fraction(1, 25), "captured_at": 0.0}
    frames = [frame_of(decoded, index=number, **about) for number in range(200)]
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
