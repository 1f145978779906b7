"""Where videos are cut, and which are not."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.errors import SourceError
from stream.segments.cut import Cut, Segment, probe
from stream.segments.notes import picture_mark
from stream.settings.loading import load_settings
from stream.settings.schema import Settings
from stream.sources.video import VideoSource
from stream.sources.video_part import frames_of
from tests.joined import ffmpeg
from tests.media import make_clip

GOP = {"preset": "ultrafast", "g": "25", "bf": "2"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty seconds with a key frame each."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", times=range(1000), options=GOP)


def cut_of(path: Path, *changes: str) -> Cut | None:
    return probe(path, load_settings(None, list(changes)), segment_s=10)


def test_every_frame_is_in_one_segment_and_each_begins_at_a_key_frame(clip: Path) -> None:
    cut = cut_of(clip)
    assert cut is not None
    assert [(one.own.first, one.own.count) for one in cut.segments] == [(0, 250), (250, 250), (500, 250), (750, 250)]
    assert cut.frames == 1000
    whole = [(frame.index, frame.pts, picture_mark(frame)) for frame in VideoSource(str(clip))]
    parts = [(frame.index, frame.pts, picture_mark(frame)) for one in cut.segments for frame in frames_of(clip, "clip", one.own)]
    assert parts == whole


def test_looking_begins_early_and_with_a_whole_batch(clip: Path) -> None:
    cut = cut_of(clip, "pipeline.batch_size=7")
    assert cut is not None
    for one in cut.segments[1:]:
        before_s = (one.own.first - one.looked_at.first) / 25
        assert 6 <= before_s <= 12.3
        assert one.looked_at.first % 7 == 0
        end = one.looked_at.first + one.looked_at.count
        assert end >= one.own.first + one.own.count
        assert end % 7 == 0 or end == 1000
        assert [frame.index for frame in frames_of(clip, "clip", one.looked_at)] == list(range(one.looked_at.first, end))


@pytest.mark.parametrize(
    "changes",
    [["hide.style=blur"], ["tracker.search_every_s=0"], ["detector.enabled=false", "classifier.model=none"]],
    ids=["hidden", "searched", "unlooked"],
)
def test_what_needs_all_of_a_video_leaves_it_in_one_piece(clip: Path, changes: list[str]) -> None:
    assert cut_of(clip) is not None
    assert cut_of(clip, *changes) is None


def test_what_is_short_or_has_one_key_frame_stays_in_one_piece(clip: Path, tmp_path: Path) -> None:
    assert probe(clip, Settings()) is None
    assert cut_of(make_clip(tmp_path / "one.mp4", times=range(1000), options={**GOP, "g": "5000", "sc_threshold": "0"})) is None


def test_times_that_are_missing_or_jump_leave_a_video_in_one_piece(clip: Path, tmp_path: Path) -> None:
    raw, jumping, cut_off = tmp_path / "raw.h264", tmp_path / "jumping.ts", tmp_path / "cut-off.mp4"
    ffmpeg("-i", clip, "-c", "copy", raw)
    assert cut_of(raw) is None
    part = tmp_path / "part.ts"
    ffmpeg("-i", clip, "-c", "copy", part)
    assert cut_of(part) is not None
    jumping.write_bytes(part.read_bytes() * 2)
    assert cut_of(jumping) is None
    ffmpeg("-i", clip, "-c", "copy", "-movflags", "faststart", cut_off)
    cut_off.write_bytes(cut_off.read_bytes()[: cut_off.stat().st_size // 2])
    assert cut_of(cut_off) is None
    gap = make_clip(tmp_path / "gap.mp4", times=[*range(500), *range(900, 1400)], options=GOP)
    assert cut_of(gap) is None, "a gap of sixteen seconds"


def test_a_damaged_segment_is_refused(clip: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.ts"
    ffmpeg("-i", clip, "-c", "copy", part)
    cut = cut_of(part)
    assert cut is not None
    data, second = bytearray(part.read_bytes()), cut.segments[2]
    middle = len(data) * 5 // 8 // 188 * 188
    data[middle : middle + 188 * 3] = bytes(188 * 3)
    part.write_bytes(data)
    with pytest.raises(SourceError, match=r"damaged|not those"):
        read(part, second)


def read(path: Path, segment: Segment) -> None:
    for frame in frames_of(path, "part", segment.own):
        assert isinstance(frame.time_base, Fraction)
        assert isinstance(frame.image, np.ndarray)
