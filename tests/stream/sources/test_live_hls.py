"""Live HLS: each picture once and at its pace, whatever happens to the playlist."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from stream.frame import Frame
from stream.settings.schema import Settings, SourceSettings
from stream.sources.opening import open_source
from tests.command import facestream
from tests.live_playlist import RATE, REPEATS, live_playlist, number_of
from tests.media import ffprobe_times, watching


def settings(**changed: object) -> SourceSettings:
    return Settings.model_validate({"source": {"read_timeout_s": 0.5, "retry_min_s": 0.05, "retry_max_s": 0.2, **changed}}).source


def assert_each_once(frames: list[Frame]) -> None:
    numbers = np.array([number_of(frame.image) for frame in frames])
    assert (np.diff(numbers) % REPEATS == 1).all(), numbers
    assert np.abs(np.diff([frame.time_s for frame in frames]) - 1 / RATE).max() < 0.01


@pytest.mark.slow
def test_each_picture_comes_once_and_at_its_pace() -> None:
    with live_playlist() as server, watching(open_source(server.address, settings())) as watcher:
        watcher.wait(lambda: len(watcher.frames) > 6 * RATE)
        assert_each_once(watcher.frames)
        steps = np.diff([frame.captured_at for frame in watcher.frames])
        assert steps.max() < 0.3, "nor do the pictures of a segment come at once"
        assert watcher.source.status.reconnects == 0


@pytest.mark.slow
def test_a_playlist_that_is_late_is_waited_for() -> None:
    with live_playlist() as server, watching(open_source(server.address, settings())) as watcher:
        watcher.wait(lambda: watcher.frames)
        server.held.set()
        watcher.wait(lambda: time.monotonic() - watcher.frames[-1].captured_at > 1.5)
        before = len(watcher.frames)
        server.held.clear()
        watcher.wait(lambda: len(watcher.frames) > before + 2 * RATE)
        assert watcher.source.status.reconnects == 0
        numbers = [number_of(frame.image) for frame in watcher.frames]
        assert (np.diff(numbers) % REPEATS == 1).all()


@pytest.mark.slow
def test_after_an_outage_no_picture_comes_again() -> None:
    with live_playlist() as server, watching(open_source(server.address, settings())) as watcher:
        watcher.wait(lambda: watcher.frames)
        server.shutdown()
        server.server_close()
        watcher.wait(lambda: watcher.source.status.state == "lost")
        before = len(watcher.frames)
        with live_playlist(server.server_port, server.started_at):
            watcher.wait(lambda: len(watcher.frames) > before + RATE)
        numbers = np.array([number_of(frame.image) for frame in watcher.frames])
        steps = np.diff(numbers) % REPEATS
        assert (np.delete(steps, before - 1) == 1).all()
        assert watcher.source.status.reconnects == 1
        gone_s = watcher.frames[before].captured_at - watcher.frames[before - 1].captured_at
        assert steps[before - 1] <= gone_s * RATE + 1, "it goes on with what is new, and not with what was shown"


@pytest.mark.slow
def test_a_live_playlist_that_ends_ends_the_run(tmp_path) -> None:
    out = tmp_path / "live.mp4"
    with live_playlist() as server:
        server.last = 7
        done = facestream("run", server.address, "-o", out, "--model", "none", "--set", "source.read_timeout_s=0.5")
    assert done.returncode == 0, done.stderr
    assert "trying again" not in done.stderr
    read = int(done.stdout.split(": ")[1].split()[0])
    assert read in (5 * RATE, 6 * RATE), "the last three segments at the start, and those after them"
    times = ffprobe_times(out)
    assert 0.95 * read < len(times) <= read, "a busy machine may skip one"
    assert np.diff(times).min() > 0.035


@pytest.mark.slow
def test_a_server_that_takes_its_time_for_each_answer_is_waited_for() -> None:
    """Three answers are needed before the first picture."""
    with live_playlist() as server:
        server.answers_after_s = 0.35
        with watching(open_source(server.address, settings(open_timeout_s=0.5))) as watcher:
            watcher.wait(lambda: len(watcher.frames) > 3 * RATE)
            numbers = [number_of(frame.image) for frame in watcher.frames]
            assert (np.diff(numbers) % REPEATS == 1).all()
            assert watcher.source.status.reconnects == 0


def test_closing_while_the_next_segment_is_awaited() -> None:
    with live_playlist() as server, watching(open_source(server.address, settings())):
        server.held.set()
        threading.Event().wait(0.5)
