"""Whatever way the picture of a phone lies, turned or mirrored, it is seen and recorded upright."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stream.faces import Analysis, Face
from stream.settings.schema import OutputSettings
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sinks.screen.mosaic import GAP_PX, Mosaic
from stream.sources.opening import open_source
from tests.media import MATRICES, make_clip, picture, with_matrix

FACE = Face(np.array([20, 20, 60, 70], np.float32), 0.9, np.full((5, 2), 40, np.float32), track=1)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("matrix", MATRICES)
def test_a_picture_that_lies_in_any_of_eight_ways_comes_upright(matrix: tuple[int, int, int, int], tmp_path: Path) -> None:
    path = with_matrix(make_clip(tmp_path / "lies.mp4", times=range(3)), *matrix)
    source = open_source(path)
    frame = next(iter(source))
    expected = MATRICES[matrix](picture(0))
    assert (frame.width, frame.height) == (source.info.width, source.info.height) == (expected.shape[1], expected.shape[0])
    assert difference(frame.image, expected) < 4
    assert difference(frame.upright(picture(0)), expected) == 0


@pytest.mark.parametrize("matrix", MATRICES)
def test_a_tile_beside_others_shows_it_upright(matrix: tuple[int, int, int, int], tmp_path: Path) -> None:
    path = with_matrix(make_clip(tmp_path / "lies.mp4", times=range(1)), *matrix)
    source = open_source(path)
    tile = Mosaic([source.info]).tiles[0]
    frame = next(iter(source))
    tile.write(Result(frame, Analysis(frame.source, 0, 0.0), source.info))
    tile.move((0, 0, frame.width + GAP_PX, frame.height + GAP_PX))
    canvas = np.zeros((frame.height + GAP_PX, frame.width + GAP_PX, 3), np.uint8)
    tile.paint(canvas, 0.0)
    shown = canvas[GAP_PX // 2 :, GAP_PX // 2 :, ::-1][: frame.height, : frame.width]
    above_the_words = slice(0, frame.height * 3 // 4)
    assert difference(shown[above_the_words], MATRICES[matrix](picture(0))[above_the_words]) < 4


@pytest.mark.parametrize("face", [(), (FACE,)], ids=["without a face", "with a face"])
@pytest.mark.parametrize("matrix", MATRICES)
def test_a_recording_is_upright_whatever_way_its_input_lies(
    tmp_path: Path, matrix: tuple[int, int, int, int], face: tuple[Face, ...]
) -> None:
    path = with_matrix(make_clip(tmp_path / "in.mp4", times=range(3), size=(160, 120)), *matrix)
    source = open_source(str(path))
    sink = VideoSink(tmp_path / "out.mp4", source.info, OutputSettings(crf=5))
    for frame in source:
        sink.write(Result(frame, Analysis(frame.source, frame.index, frame.time_s, face), source.info))
    sink.close()
    expected = MATRICES[matrix](picture(0, 160, 120))
    frame = next(iter(open_source(tmp_path / "out.mp4")))
    assert frame.image.shape == expected.shape
    apart = np.abs(frame.image.astype(int) - expected).mean(axis=2)
    assert apart[80:].mean() < 4, "below the face"
    assert apart.mean() < (25 if face else 4)
