"""What hides faces is in all that a result gives, whatever the style of a lane is and wherever it goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.faces import Analysis, Hidden
from stream.frame import Frame, SourceInfo
from stream.media import av
from stream.settings.schema import OutputSettings
from stream.sinks.picture import PictureSink
from stream.sinks.recording.video import VideoSink
from stream.sinks.result import Result
from stream.sinks.screen.mosaic import Tile, fitted
from stream.sources.pyav_frame import frame_of

WIDTH, HEIGHT = 320, 240
AREA = (100, 60, 220, 180)


def result(*, whole: bool = False, decoded: bool = False) -> Result:
    """White, with a dark rectangle where a face is hidden."""
    white = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    frame = Frame.of_image(white, source="x.png", captured_at=0.0, index=0)
    if decoded:
        picture = av.VideoFrame.from_ndarray(white, format="rgb24").reformat(format="yuv420p")
        frame = frame_of(picture, (0, False), source="x", index=0, pts=0, time_base=frame.time_base, captured_at=0.0)
    hidden = Hidden("fill", "rectangle", np.array([AREA], np.float32), whole=whole)
    info = SourceInfo("x", WIDTH, HEIGHT, path=None)
    return Result(frame, Analysis("x", 0, 0.0, hidden=hidden), info, style=lambda *_: ())  # a style that draws nothing


def is_dark_there(image: np.ndarray, *, whole: bool = False) -> None:
    scale = image.shape[1] / WIDTH
    x1, y1, x2, y2 = (round(scale * edge) for edge in AREA)
    assert image[y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].max() < 60
    beside = image[: y1 - 4]
    assert beside.max() < 60 if whole else beside.min() > 220


def of_video(one: Result, folder: Path) -> np.ndarray:
    sink = VideoSink(folder / "out.mp4", one.info, OutputSettings())
    sink.write(one)
    sink.close()
    with av.open(str(folder / "out.mp4")) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def of_picture(one: Result, folder: Path) -> np.ndarray:
    sink = PictureSink(folder / "out.png", SourceInfo("x", still=True), OutputSettings())
    sink.write(one)
    sink.close()
    return np.asarray(Image.open(folder / "out.png"))


def of_tile(one: Result, folder: Path) -> np.ndarray:
    cell = (0, 0, WIDTH // 2, HEIGHT // 2)
    canvas, tile = np.zeros((cell[3], cell[2], 3), np.uint8), Tile(None, "x", 1)  # type: ignore[arg-type]
    tile.move(cell)
    tile.write(one)
    tile.paint(canvas, 0.0)
    x1, y1, x2, y2 = fitted(cell, WIDTH, HEIGHT)
    return canvas[y1 : y2 - 20, x1:x2]  # without the words below


OUTPUTS: dict[str, Callable[[Result, Path], np.ndarray]] = {
    "a video": of_video,
    "a picture": of_picture,
    "a tile of a window": of_tile,
    "with boxes": lambda one, _: one.picture,
    "without boxes": lambda one, _: one.bare,
}


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("decoded", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_nothing_goes_out_without_it(output: str, decoded: bool, whole: bool, tmp_path: Path) -> None:
    is_dark_there(OUTPUTS[output](result(whole=whole, decoded=decoded), tmp_path), whole=whole)
