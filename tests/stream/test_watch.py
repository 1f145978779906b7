"""`watch`, the short way in: every frame of any source, with its faces, and nothing left behind."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from stream import watch
from stream.errors import ModelError, PictureError, SourceError
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


def test_a_folder_of_which_nothing_can_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="nothing in it could be read"):
        list(watch(tmp_path, load_settings(None, ["classifier.model=none"])))


def test_leaving_the_loop_leaves_nothing_behind(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", times=range(300))
    settings = load_settings(None, ["detector.enabled=false"])
    for result in watch(clip, settings):
        if result.frame.index == 5:
            break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("capture", "worker"))]


def test_a_folder_gives_all_that_the_command_reads_there_and_word_of_what_it_cannot(
    tmp_path: Path, portrait_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "album"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.jpg", "sub/b.jpg"):
        (folder / name).write_bytes(portrait_path.read_bytes())
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "cut.jpg").write_bytes(portrait_path.read_bytes()[:-20000])
    (folder / "bad.mp4").write_bytes(b"no video")
    make_clip(folder / "clip.mp4", times=range(7))
    make_clip(folder / "sub/other.mkv", times=range(3))
    seen = [Path(result.frame.source).name for result in watch(folder, load_settings(None, ["classifier.model=none"]))]
    assert sorted(seen[:3]) == ["a.jpg", "b.jpg", "cut.jpg"]
    assert seen[3:] == ["clip.mp4"] * 7 + ["other.mkv"] * 3
    said = [(record.name, record.levelname, record.getMessage()) for record in caplog.records if record.name == "stream"]
    assert len(said) == 3
    assert all(level == "WARNING" for _, level, _ in said)
    for name in ("bad.png", "cut.jpg", "bad.mp4"):
        assert sum(name in message for _, _, message in said) == 1, name


def test_a_folder_s_videos_are_not_held_open_once_the_loop_is_left(tmp_path: Path, portrait_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(portrait_path.read_bytes())
    make_clip(tmp_path / "clip.mp4")
    for _ in watch(f"{tmp_path}/*", load_settings(None, ["detector.enabled=false"])):
        break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("capture", "worker"))]


def test_what_cannot_be_watched_says_why(portrait_path: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such file"):
        next(watch("nowhere.mp4"))
    (tmp_path / "none.jpg").touch()
    with pytest.raises(PictureError, match=r"none\.jpg: is empty"):
        next(watch(tmp_path / "none.jpg"))
    with pytest.raises(ModelError, match="no such model"):
        next(watch(portrait_path, load_settings(None, ["classifier.model=nobody"])))


@pytest.mark.parametrize("wrong", [None, True, 1.5, b"clip.mp4", ["clip.mp4"], {}])
def test_what_is_no_source_is_refused_before_any_frame_is_asked_for(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"a source is a camera's index, an address or a path, one of them, not {type(wrong).__name__}"):
        watch(wrong)


@pytest.mark.parametrize("wrong", [{}, {"detector": {}}, "my.yaml", ["classifier.model=none"], 0])
def test_so_are_settings_that_are_none(wrong: Any, portrait_path: Path) -> None:
    with pytest.raises(TypeError, match=rf"settings are what stream\.settings\.loading\.load_settings gives, not {type(wrong).__name__}"):
        watch(portrait_path, wrong)


def test_settings_are_loaded_from_a_path_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("detector: {min_face_px: 40}")
    assert load_settings(str(tmp_path / "my.yaml")).detector.min_face_px == 40
    for words in ("a.b=1", {"detector.min_face_px": 40}, [3], None):
        with pytest.raises(TypeError, match=r"overrides are .*'detector\.min_face_px=40', not"):
            load_settings(None, words)  # type: ignore[arg-type]
