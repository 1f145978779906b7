"""Photos, folders of them and patterns: each picture by its own name, in natural order, and a bad one costs a sentence, not the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.errors import PictureError, SourceError
from stream.sources.opening import expand, open_source
from tests.media import make_clip


def put(path: Path, value: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30), (value, value, value)).save(path)
    return path


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, named as a user would from where they are."""
    monkeypatch.chdir(tmp_path)
    for name in ("img10.png", "img2.png", "img1.JPG", "trip/b.bmp", "trip/day 2/a.webp", ".hidden.png", ".cache/thumb.png"):
        put(Path("album") / name)
    (tmp_path / "album/notes.txt").write_text("no picture")
    return Path("album")


def test_a_folder_gives_its_pictures_in_natural_order_under_their_own_names(album):
    source = open_source(album)
    frames = list(source)
    names = ["album/img1.JPG", "album/img2.png", "album/img10.png", "album/trip/b.bmp", "album/trip/day 2/a.webp"]
    assert sorted(frame.source for frame in frames) == sorted(names)
    assert [frame.source for frame in frames][:3] == names[:3]
    assert all((frame.index, frame.pts, frame.width, frame.height) == (0, 0, 40, 30) for frame in frames)
    assert frames[0].image.shape == (30, 40, 3)
    assert (source.info.still, source.info.live, source.info.name, source.info.path) == (True, False, "album", album)
    assert len(source) == 5


def test_a_pattern_gives_what_fits(album):
    source = open_source("album/*.png")
    assert [frame.source for frame in source] == ["album/img2.png", "album/img10.png"]
    assert source.info.path == Path("album")
    assert [frame.source for frame in open_source("album/**/*.webp")] == ["album/trip/day 2/a.webp"]


def test_a_name_with_brackets_is_a_name_first(tmp_path):
    path = put(tmp_path / "me [1].png")
    assert [frame.source for frame in open_source(path)] == [str(path)]


def test_a_bad_picture_among_others_is_told_and_the_others_still_come(album):
    Path("album/bad.jpg").write_text("no picture")
    Path("album/empty.png").touch()
    source = open_source(album)
    assert len(list(source)) == 5
    assert source.status.failures == [
        "album/bad.jpg: is not a picture in a format that can be read.",
        "album/empty.png: is empty.",
    ]


def test_a_single_bad_picture_is_an_error(tmp_path):
    (tmp_path / "bad.jpg").write_text("no picture")
    with pytest.raises(PictureError, match=r"bad\.jpg: is not a picture"):
        list(open_source(tmp_path / "bad.jpg"))
    with pytest.raises(SourceError, match="there is no such file or folder"):
        open_source(tmp_path / "missing.jpg")


def test_a_cut_off_picture_is_noted(tmp_path, portrait_path):
    whole = portrait_path.read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) * 8 // 10])
    source = open_source(tmp_path)
    assert len(list(source)) == 1
    assert len(source.status.notes) == 1


def test_a_picture_is_known_by_its_content(tmp_path):
    put(tmp_path / "picture.png").rename(tmp_path / "picture.download")
    source = open_source(tmp_path / "picture.download")
    assert source.info.still
    assert len(list(source)) == 1


def test_a_folder_with_videos_is_itself_and_each_video(album):
    make_clip(Path("album/z2.mp4"), times=range(2))
    make_clip(Path("album/trip/z10.mkv"), times=range(2))
    pages = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (0, 200)]
    pages[0].save("album/moving.gif", save_all=True, append_images=pages[1:])
    assert sorted(expand("album")) == ["album", "album/moving.gif", "album/trip/z10.mkv", "album/z2.mp4"]
    assert expand("album/*.mp4") == ["album/z2.mp4"]
    assert len(list(open_source("album"))) == 5  # the animation is a video
    for address in ("album/*.png", "album/z2.mp4", "0", "rtsp://camera/x", "missing"):
        assert expand(address) == [address]


def test_a_folder_with_neither_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    for address in (str(tmp_path), str(tmp_path / "*.jpg")):
        with pytest.raises(SourceError, match="there is no picture and no video"):
            expand(address)
        with pytest.raises(SourceError, match="there is no picture in this"):
            open_source(address)


def test_closing_ends_a_folder_after_the_picture_at_hand(album):
    source = open_source(album)
    seen = 0
    for _ in source:
        seen += 1
        source.close()
    assert seen == 1
    assert source.status.state == "ended"


def test_results_that_lie_in_the_folder_are_left_out(album):
    results = album / "results"
    put(results / "img1.png")
    make_clip(results / "clip.mp4", times=range(2))
    assert len(list(open_source(album, without=results))) == 5
    assert expand(album, without=results) == ["album"]
    assert sorted(expand(album)) == ["album", "album/results/clip.mp4"]
