"""A file that stands in for a camera: at its own pace, over and over."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.settings.schema import SourceSettings
from stream.sources.loop import LoopSource
from stream.sources.opening import open_source
from stream.sources.video import VideoSource
from tests.command import facestream
from tests.media import HandClock, make_clip, watching


def test_each_pass_follows_the_last_without_a_gap_or_a_jump(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", times=[0, 2, 3, 7], time_base=Fraction(1, 25))
    clock = HandClock()
    source = LoopSource(VideoSource(str(clip)), clock=clock, wait=clock.wait)
    assert (source.info.live, source.info.frames, source.info.has_audio) == (True, None, False)
    frames = list(itertools.islice(source, 9))
    assert [frame.index for frame in frames] == list(range(9))
    assert [frame.time_s * 25 for frame in frames] == pytest.approx([0, 2, 3, 7, 11, 13, 14, 18, 22]), "the last frame stays as long"
    assert [frame.captured_at - 100 for frame in frames] == pytest.approx([frame.time_s for frame in frames])
    assert np.array_equal(frames[0].image, frames[4].image)


def test_a_late_reader_is_not_given_what_is_long_over(tmp_path: Path) -> None:
    clock = HandClock()
    source = LoopSource(VideoSource(str(make_clip(tmp_path / "clip.mp4"))), clock=clock, wait=clock.wait)
    frames = iter(source)
    first, _ = next(frames), next(frames)
    clock.now += 5
    late, after = next(frames), next(frames)
    assert late.time_s - first.time_s == pytest.approx(5.04), "its time is that at which it is given"
    assert after.time_s - late.time_s == pytest.approx(0.04)


def test_it_ends_within_a_second_when_closed(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "slow.mp4", times=[0, 1], time_base=Fraction(30, 1))
    source = open_source(clip, SourceSettings(loop=True), name="hall")
    with watching(source) as watcher:
        watcher.wait(lambda: watcher.frames)
    assert watcher.frames[0].source == source.info.name == "hall"


def test_what_the_file_has_to_say_is_said_once(tmp_path: Path) -> None:
    clock = HandClock()
    untimed = VideoSource(str(make_clip(tmp_path / "untimed.h264")))
    source = LoopSource(untimed, clock=clock, wait=clock.wait)
    assert len(list(itertools.islice(source, 100))) == 100
    assert len(source.status.notes) == 1


@pytest.mark.slow
def test_it_runs_beside_others_and_keeps_real_time(tmp_path: Path) -> None:
    make_clip(tmp_path / "a.mp4", times=range(10))
    make_clip(tmp_path / "b.mp4", times=range(10))
    done = facestream(
        *("run", "a.mp4", "b.mp4", "--set", "source.loop=true", "--set", "detector.enabled=false"),
        *("--duration", "3", "--events", "faces.jsonl", "-o", "out/"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in (tmp_path / "faces.jsonl").read_text(encoding="utf-8").splitlines()]
    for name in ("a.mp4", "b.mp4"):
        times = [event["time_s"] for event in events if event["source"] == name]
        assert 1.2 < max(times) < 3.2, "several passes, in the time that they take"
        assert (tmp_path / "out" / name).exists()
