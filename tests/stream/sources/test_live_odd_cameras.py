"""Cameras that declare little, give odd times, speak one transport only, or are joined between two key frames."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from stream.settings.schema import Settings, SourceSettings
from stream.sources.opening import open_source
from tests.media import watching
from tests.stamping_camera import RATE, stamping_camera


def settings(**changed: object) -> SourceSettings:
    return Settings.model_validate({"source": {"retry_min_s": 0.05, "retry_max_s": 0.2, **changed}}).source


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("declares_headers", [True, False], ids=["headers in its SDP", "headers in its pictures only"])
def test_a_camera_that_declares_no_rate_is_there_within_a_second(codec: str, declares_headers: bool) -> None:
    with stamping_camera(codec=codec, declares_headers=declares_headers, starts_at=RATE - 5) as camera:
        started = time.monotonic()
        with watching(open_source(camera.address, settings())) as watcher:
            watcher.wait(lambda: len(watcher.frames) > RATE)
        assert watcher.frames[0].captured_at - started < 1
        arrivals = np.diff([frame.captured_at for frame in watcher.frames])
        assert np.median(arrivals) == pytest.approx(1 / RATE, abs=0.01), "no pictures of the past, all at once"
        assert (watcher.source.status.reconnects, watcher.source.status.decode_errors) == (0, 0)


@pytest.mark.slow
def test_such_a_camera_is_back_soon_after_it_was_away() -> None:
    with stamping_camera() as camera, watching(open_source(camera.address)) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 3)
        camera.stop()
        watcher.wait(lambda: watcher.source.status.state == "lost")
        before, started = len(watcher.frames), time.monotonic()
        camera.start()
        watcher.wait(lambda: len(watcher.frames) > before + 3)
        assert watcher.frames[before].captured_at - started < 3


@pytest.mark.parametrize(
    "stamp_s",
    [
        lambda number: number / RATE - 3 * (number > 60),
        lambda number: number / RATE + 5 * (number > 60),
        lambda number: number // 2 * 2 / RATE,
        lambda number: 7.0,
    ],
    ids=["set back", "set forward", "two of one time", "standing still"],
)
def test_every_picture_of_a_camera_with_odd_times_comes_at_its_moment(stamp_s: Callable[[int], float]) -> None:
    with stamping_camera(stamp_s=stamp_s, starts_at=20) as camera, watching(open_source(camera.address, settings())) as watcher:
        watcher.wait(lambda: watcher.frames)
        began = watcher.frames[0].captured_at
        watcher.wait(lambda: watcher.frames[-1].captured_at - began > 2.5)
        frames = watcher.frames
    assert len(frames) >= 2.3 * RATE
    times = np.array([frame.time_s for frame in frames]) - frames[0].time_s
    arrivals = np.array([frame.captured_at for frame in frames]) - began
    assert np.abs(times - arrivals).max() < 0.3
    assert 0.01 < np.diff(times)[5:].min() < np.diff(times)[5:].max() < 0.2
    assert watcher.source.status.reconnects == 0


def test_old_pictures_that_a_camera_sends_first_keep_their_distances() -> None:
    with stamping_camera(kept=40, starts_at=40) as camera, watching(open_source(camera.address, settings())) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 60)
    steps = np.diff([frame.time_s for frame in watcher.frames])
    assert np.abs(steps - 1 / RATE).max() < 0.01


def test_a_camera_joined_between_two_key_frames_is_waited_for() -> None:
    with stamping_camera(key_every=2 * RATE, declares_headers=False) as camera:
        impatient = settings(open_timeout_s=0.4, read_timeout_s=0.3)
        with watching(open_source(camera.address, impatient)) as watcher:
            watcher.wait(lambda: watcher.source.status.cause)
            assert (watcher.source.status.state, watcher.source.status.cause) == ("opening", "waiting for a key frame")
            watcher.wait(lambda: watcher.frames)
            assert (watcher.source.status.state, watcher.source.status.cause) == ("up", "")
        assert camera.clients == 1, "it was not asked again"


@pytest.mark.parametrize(("speaks", "wanted"), [("UDP", "tcp"), ("TCP", "udp")])
def test_a_camera_that_does_not_speak_the_wanted_transport_is_told_by_the_setting(speaks: str, wanted: str) -> None:
    with (
        stamping_camera(transports=(speaks,)) as camera,
        watching(open_source(camera.address, settings(rtsp_transport=wanted))) as watcher,
    ):
        watcher.wait(lambda: watcher.source.status.state == "lost")
        assert watcher.source.status.cause == f"it sends no pictures over {wanted}; set source.rtsp_transport to {speaks.lower()}"
