"""`watch`, the short way in: every frame of any source, with its faces, and nothing left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from stream import watch
from stream.errors import ModelError, SourceError
from stream.settings.loading import load_settings
from tests.media import make_clip


def test_a_video_can_be_watched_frame_by_frame(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    settings = load_settings(None, ["classifier.model=none"])
    times = [result.frame.time_s for result in watch(clip, settings)]
    assert times == pytest.approx([index / 25 for index in range(30)])


def test_a_picture_can_be_watched_and_says_what_is_in_it(portrait_path: Path) -> None:
    (result,) = watch(portrait_path)
    (face,) = result.analysis.faces
    assert face.label == "face"
    assert face.probability is not None
    assert face.probability > 0.9
    assert result.picture.shape == result.frame.image.shape


def test_leaving_the_loop_leaves_nothing_behind(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", times=range(300))
    settings = load_settings(None, ["detector.enabled=false"])
    for result in watch(clip, settings):
        if result.frame.index == 5:
            break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("capture", "worker"))]


def test_what_cannot_be_watched_says_why(portrait_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file"):
        next(watch("nowhere.mp4"))
    with pytest.raises(ModelError, match="no such model"):
        next(watch(portrait_path, load_settings(None, ["classifier.model=nobody"])))
