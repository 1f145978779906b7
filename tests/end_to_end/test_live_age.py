"""A live picture is now, however slow the worker is: measured by a clock in the pictures of a real RTSP server."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from stream.analysis.analyser import Analyser
from stream.analysis.track_manager import TrackManager
from stream.faces import Analysis
from stream.frame import Frame
from stream.media import av
from stream.monitoring.timing import Stage, untimed
from stream.pipeline.lane import Lane
from stream.pipeline.pipeline import Pipeline
from stream.settings.schema import Settings
from stream.sinks.recording.video import VideoSink
from stream.sinks.threaded import Threaded
from stream.sources.opening import open_source
from tests import clock
from tests.media import rtsp_server
from tests.scripted import Kept

RATE, SECONDS, WARM_UP = 10, 10, 3
"""Frames per second: so few that a busy machine can keep up. Seconds measured; seconds before, in which a picture's end is learnt."""


class OneLookASecond(Analyser):
    def look(self, frames: Sequence[Frame], managers: Sequence[TrackManager], stage: Stage = untimed) -> list[Analysis]:
        begin = time.monotonic()
        analyses = super().look(frames, managers, stage)
        time.sleep(max(0.0, begin + 1 - time.monotonic()))
        return analyses


def bare_ages(address: str, stop: threading.Event, ages: list[float | None]) -> None:
    """A minimal reader: what this machine can do now."""
    with av.open(address, options={"rtsp_transport": "tcp"}) as container:
        for frame in container.decode(video=0):
            ages.append(clock.age_of(frame, RATE))
            if stop.is_set():
                return


@pytest.mark.alone
@pytest.mark.slow
def test_with_a_worker_of_one_look_a_second_the_picture_is_younger_than_two_frame_intervals(tmp_path: Path) -> None:
    clip = clock.make_clip(tmp_path / "clip", rate=RATE, size=(320, 240))
    ages: list[float | None] = []
    bare: list[float | None] = []
    stop = threading.Event()
    with rtsp_server(clip=str(clip), rate=RATE) as server:
        reader = threading.Thread(target=bare_ages, args=(server.address, stop, bare))
        reader.start()
        source = open_source(server.address)
        recording = Threaded(VideoSink(tmp_path / "camera.mp4", source.info, Settings().output))
        last = Kept(lambda result: ages.append(clock.age_of(result.frame.decoded, RATE)))  # type: ignore[arg-type]
        slow = OneLookASecond.load(Settings())
        report = Pipeline([Lane(source, [recording, last])], slow, max_frames=RATE * (SECONDS + WARM_UP)).run().sources[0]
        stop.set()
        reader.join()
    shown, floor = (np.array([age for age in all_of[RATE * WARM_UP :] if age is not None]) * RATE for all_of in (ages, bare))
    print(f"age in frame intervals: {np.percentile(shown, (50, 99)).round(2)}, of a bare reader {np.percentile(floor, (50, 99)).round(2)}")
    assert report.shown > 0.9 * report.read, "every picture is shown"
    assert len(shown) > RATE * SECONDS / 2, "and says its time, unless the server was late and left out one before"
    assert report.analysed <= SECONDS + WARM_UP + 2
    assert recording.dropped == 0
    assert np.median(shown) < np.median(floor), "a bare reader gives each picture when the next begins"
    assert np.percentile(shown, 99) < max(2.0, 1 + np.percentile(floor, 99)), "where the machine is too busy, no more than a frame older"
