"""Pictures come out under their own names, in their own formats."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.errors import SinkError
from stream.faces import Analysis, Face
from stream.frame import Frame, SourceInfo
from stream.settings.schema import OutputSettings
from stream.sinks.picture import PictureSink
from stream.sinks.result import Result


def result(source: Path, info: SourceInfo, image: np.ndarray) -> Result:
    box = Face(np.array([10, 30, 60, 90], np.float32), 0.9, np.full((5, 2), 50, np.float32))
    return Result(Frame.of_image(image, source=str(source), captured_at=0.0), Analysis(str(source), 0, 0.0, (box,)), info)


def opened(path: Path) -> tuple[str | None, np.ndarray]:
    """A written picture's format and pixels."""
    with Image.open(path) as picture:
        return picture.format, np.asarray(picture)


@pytest.fixture
def folder(tmp_path: Path, portrait: np.ndarray) -> Path:
    """A folder of pictures with a subfolder and two formats, one of which nobody writes."""
    root = tmp_path / "in"
    (root / "sub").mkdir(parents=True)
    for name in ("a.jpg", "sub/a.png", "sub/b.WEBP"):
        Image.fromarray(portrait).save(root / name)
    (root / "c.heic").write_bytes(b"stands for a picture in a format that cannot be written")
    return root


def test_a_folder_comes_out_with_its_names_subfolders_and_formats(folder: Path, tmp_path: Path, portrait: np.ndarray):
    info = SourceInfo(str(folder), still=True, path=folder)
    sink = PictureSink(tmp_path / "out", info, OutputSettings())
    for name in ("a.jpg", "sub/a.png", "sub/b.WEBP", "c.heic"):
        sink.write(result(folder / name, info, portrait))
    sink.close()
    assert [path.relative_to(tmp_path / "out").as_posix() for path in sink.written] == ["a.jpg", "sub/a.png", "sub/b.WEBP", "c.png"]
    assert [opened(path)[0] for path in sink.written] == ["JPEG", "PNG", "WEBP", "PNG"]
    _, pixels = opened(tmp_path / "out/sub/a.png")
    assert (pixels != portrait).any(), "the face's box is drawn"
    assert (pixels[300:] == portrait[300:]).all()


def test_a_picture_that_becomes_png_leaves_its_neighbour_its_name(folder: Path, tmp_path: Path, portrait: np.ndarray):
    (folder / "a.heic").write_bytes(b"stands for a picture in a format that cannot be written")
    Image.fromarray(portrait).save(folder / "a.png")
    info = SourceInfo("in", still=True, path=folder)
    sink = PictureSink(tmp_path / "out", info, OutputSettings())
    for name in ("a.heic", "a.png"):
        sink.write(result(folder / name, info, portrait))
    assert [path.name for path in sink.written] == ["a.heic.png", "a.png"]


def test_one_picture_goes_to_the_file_that_was_named(folder: Path, tmp_path: Path, portrait: np.ndarray):
    info = SourceInfo(str(folder / "a.jpg"), still=True, path=folder / "a.jpg")
    sink = PictureSink(tmp_path / "new/out.png", info, OutputSettings())
    sink.write(result(folder / "a.jpg", info, portrait))
    assert sink.written == [tmp_path / "new/out.png"]
    assert opened(tmp_path / "new/out.png")[1].shape == (600, 512, 3)


def test_inputs_and_what_is_there_already_are_not_replaced(folder: Path, tmp_path: Path, portrait: np.ndarray):
    info = SourceInfo(str(folder), still=True, path=folder)
    before = (folder / "a.jpg").read_bytes()
    with pytest.raises(SinkError, match=r"a\.jpg: is the input itself"):
        PictureSink(folder, info, OutputSettings(), overwrite=True).write(result(folder / "a.jpg", info, portrait))
    out = tmp_path / "out"
    PictureSink(out, info, OutputSettings()).write(result(folder / "a.jpg", info, portrait))
    with pytest.raises(SinkError, match=r"a\.jpg: exists already; add --overwrite"):
        PictureSink(out, info, OutputSettings()).write(result(folder / "a.jpg", info, portrait))
    PictureSink(out, info, OutputSettings(), overwrite=True).write(result(folder / "a.jpg", info, portrait))
    assert (folder / "a.jpg").read_bytes() == before


def test_two_pictures_of_one_name_are_an_error(folder: Path, tmp_path: Path, portrait: np.ndarray):
    info = SourceInfo("*.jpg", still=True)
    sink = PictureSink(tmp_path / "out", info, OutputSettings(), overwrite=True)
    sink.write(result(folder / "a.jpg", info, portrait))
    with pytest.raises(SinkError, match="two pictures of this run would have this name"):
        sink.write(result(tmp_path / "elsewhere/a.jpg", info, portrait))


def test_a_place_that_cannot_be_written_is_one_sentence(folder: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match=r"file/out: cannot be written \(Not a directory\)"):
        PictureSink(tmp_path / "file/out", SourceInfo("x", still=True, path=folder), OutputSettings())


@pytest.mark.alone
def test_the_forty_thousandth_picture_takes_no_longer_than_the_first(tmp_path: Path):
    info = SourceInfo("in", still=True, path=tmp_path / "in")
    image = np.zeros((8, 8, 3), np.uint8)

    def seconds(before: int) -> float:
        sink = PictureSink(tmp_path / f"out{before}", info, OutputSettings())
        sink._written.update(dict.fromkeys(tmp_path / f"out{before}" / f"{number}.bmp" for number in range(before)))
        begun = time.perf_counter()
        for number in range(30):
            sink.write(result(tmp_path / "in" / f"new{number}.bmp", info, image))
        return time.perf_counter() - begun

    seconds(1)
    few, many = min(seconds(2), seconds(3)), min(seconds(40_000), seconds(40_001))
    assert many < 3 * few + 0.1, f"{few:.3f} s, {many:.3f} s"  # a list of all was searched for 13 ms a picture: 0.4 s
