"""What every source promises, asked of every kind of source."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.settings.schema import Settings
from stream.sources.demo import DemoSource
from stream.sources.opening import open_source
from stream.sources.repeat import RepeatSource
from stream.sources.source import Source
from tests.left_behind import nothing_more_is_held
from tests.media import make_clip, picture, rtsp_server
from tests.scripted import Endless, Scripted

LIVE = Settings.model_validate({"source": {"read_timeout_s": 1.5, "retry_min_s": 0.05, "retry_max_s": 0.2}}).source
LOOP = Settings.model_validate({"source": {"loop": True}}).source


@dataclass(frozen=True)
class Kind:
    """One kind of source: how to open one, and what it shows."""

    open: Callable[[], Source]
    shows_picture: bool = False
    """`media.picture`, upright, perhaps not to the bit."""


@contextmanager
def video(folder: Path) -> Iterator[Kind]:
    clip = make_clip(folder / "clip.mp4", times=range(5, 305))
    yield Kind(lambda: open_source(clip), shows_picture=True)


@contextmanager
def turned_video(folder: Path) -> Iterator[Kind]:
    lying = (np.rot90(picture(number), -1) for number in range(60))
    clip = make_clip(folder / "clip.mp4", times=range(60), images=lying, size=(240, 320), quarter_turns=1)
    yield Kind(lambda: open_source(clip), shows_picture=True)


@contextmanager
def animation(folder: Path) -> Iterator[Kind]:
    first, *others = (Image.fromarray(picture(number)) for number in range(60))
    first.save(folder / "moves.gif", save_all=True, append_images=others, duration=40)
    yield Kind(lambda: open_source(folder / "moves.gif"), shows_picture=True)


def photos(folder: Path, count: int) -> Path:
    """Each with its camera held upright by a quarter turn, as its EXIF notes."""
    turned = Image.Exif()
    turned[0x0112] = 6
    for number in range(count):
        Image.fromarray(np.rot90(picture(number))).save(folder / f"{number:02}.jpg", exif=turned, quality=95)
    return folder


@contextmanager
def one_picture(folder: Path) -> Iterator[Kind]:
    photo = photos(folder, 1) / "00.jpg"
    yield Kind(lambda: open_source(photo), shows_picture=True)


@contextmanager
def folder_of_pictures(folder: Path) -> Iterator[Kind]:
    photos(folder, 30)
    yield Kind(lambda: open_source(folder), shows_picture=True)


@contextmanager
def demo(folder: Path) -> Iterator[Kind]:
    yield Kind(DemoSource)


@contextmanager
def loop(folder: Path) -> Iterator[Kind]:
    clip = make_clip(folder / "clip.mp4", times=range(4))
    yield Kind(lambda: open_source(clip, LOOP), shows_picture=True)


@contextmanager
def repeat(folder: Path) -> Iterator[Kind]:
    clip = make_clip(folder / "clip.mp4", times=range(4))
    yield Kind(lambda: RepeatSource(lambda: open_source(clip)), shows_picture=True)


@contextmanager
def repeat_pictures(folder: Path) -> Iterator[Kind]:
    photos(folder, 3)
    yield Kind(lambda: RepeatSource(lambda: open_source(folder)), shows_picture=True)


@contextmanager
def network_camera(folder: Path) -> Iterator[Kind]:
    with rtsp_server() as server:
        yield Kind(lambda: open_source(server.address, LIVE))


@contextmanager
def webcam(folder: Path) -> Iterator[Kind]:
    clip = make_clip(folder / "clip.avi", times=range(20), codec="mjpeg", pixels="yuvj420p", options={})
    yield Kind(lambda: open_source(f"camera:{clip}", LIVE), shows_picture=True)


@contextmanager
def scripted(folder: Path) -> Iterator[Kind]:
    yield Kind(lambda: Scripted(300))


@contextmanager
def endless(folder: Path) -> Iterator[Kind]:
    yield Kind(lambda: Endless(live=True))


@contextmanager
def pipe(folder: Path) -> Iterator[Kind]:
    data = make_clip(folder / "clip.mkv", times=range(60)).read_bytes()
    numbers = itertools.count()

    def written(path: Path) -> None:
        with suppress(BrokenPipeError):
            path.write_bytes(data)

    def opened() -> Source:
        path = folder / f"pipe{next(numbers)}"
        os.mkfifo(path)
        threading.Thread(target=written, args=(path,), daemon=True).start()
        return open_source(path)

    yield Kind(opened, shows_picture=True)


@contextmanager
def numbered(folder: Path) -> Iterator[Kind]:
    photos(folder, 30)
    yield Kind(lambda: open_source(folder / "%02d.jpg"), shows_picture=True)


KINDS: list[Callable[[Path], AbstractContextManager[Kind]]] = [
    video, turned_video, animation, one_picture, folder_of_pictures, demo, loop, repeat, repeat_pictures, network_camera, webcam, scripted,
    endless, pipe, numbered,
]  # fmt: skip


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    with request.param(tmp_path_factory.mktemp("media")) as made:
        yield made


def some_frames(source: Source, count: int = 12) -> list:
    """The first frames; the source is closed, and its iteration at its end."""
    frames = iter(source)
    first = list(itertools.islice(frames, count))
    source.close()
    list(frames)
    return first


def test_it_can_be_closed_any_number_of_times_and_has_ended_then(kind: Kind) -> None:
    source = kind.open()
    assert some_frames(source)
    source.close()
    source.close()
    assert source.status.state == "ended"


def test_closed_before_it_is_iterated_it_gives_nothing(kind: Kind) -> None:
    source = kind.open()
    source.close()
    source.close()
    begin = time.monotonic()
    assert list(source) == []
    assert time.monotonic() - begin < 1


def test_closing_from_another_thread_ends_the_iteration_within_a_second(kind: Kind) -> None:
    source = kind.open()
    frames = iter(source)
    next(frames)
    closer = threading.Thread(target=source.close)
    closer.start()
    closer.join()
    begin = time.monotonic()
    assert len(list(frames)) < 20, "what was decoded already may come"
    assert time.monotonic() - begin < 1
    assert source.status.state == "ended"


def test_times_strictly_grow(kind: Kind) -> None:
    source = kind.open()
    frames = some_frames(source)
    assert len(frames) == 12 or source.info.frames == 1
    if source.info.still:
        assert {frame.index for frame in frames} == {0}
        return
    assert [frame.index for frame in frames] == list(range(12))
    assert all(a.pts * a.time_base < b.pts * b.time_base for a, b in itertools.pairwise(frames))
    assert all(type(frame.time_base) is Fraction for frame in frames)
    assert all(a.captured_at <= b.captured_at <= time.monotonic() for a, b in itertools.pairwise(frames))


def test_from_the_first_frame_on_it_says_what_it_is(kind: Kind) -> None:
    source = kind.open()
    with closing(source):
        frames = iter(source)
        frame = next(frames)
        assert source.status.state == "up"
        info = source.info
        assert info.name
        assert frame.source in ([str(path) for path in info.pictures] if info.still else [info.name])
        assert (info.width, info.height) == ((0, 0) if info.still else (frame.width, frame.height))
        source.close()
        list(frames)


def test_pictures_are_upright_and_cannot_be_changed(kind: Kind) -> None:
    for number, frame in enumerate(some_frames(kind.open(), 3)):
        assert frame.image.shape == (frame.height, frame.width, 3)
        assert frame.image.dtype == np.uint8
        with pytest.raises(ValueError, match="read-only"):
            frame.image[0, 0] = 0
        if kind.shows_picture:
            assert np.abs(frame.image.astype(int) - picture(number)).mean() < 6


def test_nothing_is_left_of_it(kind: Kind) -> None:
    some_frames(kind.open())  # what libraries keep for the next one
    with nothing_more_is_held():
        some_frames(kind.open())
    with nothing_more_is_held():
        kind.open().close()
