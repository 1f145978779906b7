"""Several live sources in one window: a tile for each, with its name."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from stream.drawing.cover import covers
from stream.drawing.mark import painted
from stream.drawing.overlay import draw
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.media import av, cv2
from stream.names import printable
from stream.sinks.result import Result
from stream.sinks.screen.window import SCREEN_SHARE, Window, screen_size

REFRESH_S = 1 / 30
"""Least time between two paintings of the window: one takes 2 to 4 ms at 1728×972 (measured), and eight cameras give 120 pictures/s."""
POLL_S = 0.05
"""Without a new picture the window's keys are looked at so often."""
TEXT_EVERY_S = 0.5
"""How often the words in a tile change: numbers that change with each picture cannot be read."""
LARGEST = (1920, 1080)
"""Most pixels of the window's picture; on a larger screen the window is stretched by who wants it so."""
USUAL_SHAPE = (16, 9)
"""Of a camera's picture."""
GAP_PX = 4
GROUND = (32, 32, 32)
"""RGB of what is between the tiles and where no picture came yet."""

Area = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels, half-open."""


def grid(count: int, width: int, height: int) -> list[Area]:
    """The cells of so many pictures, in rows, as large as they can be for pictures of the usual shape; the last row is centred."""

    def scale(columns: int) -> float:
        return min(width / columns / USUAL_SHAPE[0], height / math.ceil(count / columns) / USUAL_SHAPE[1])

    columns = max(range(count, 0, -1), key=scale)  # as many as can be: two of a kind side by side
    rows = math.ceil(count / columns)
    cells = []
    for place in range(count):
        row, column = divmod(place, columns)
        empty = columns * rows - count if row == rows - 1 else 0
        x1, x2 = (round((column + empty / 2 + side) * width / columns) for side in (0, 1))
        cells.append((x1, round(row * height / rows), x2, round((row + 1) * height / rows)))
    return cells


def fitted(cell: Area, width: int, height: int) -> Area:
    """Where a picture lies in its cell: as large as it can be in its own shape, in the middle, with a gap around."""
    x1, y1, x2, y2 = cell
    wide, high = max(1, x2 - x1 - GAP_PX), max(1, y2 - y1 - GAP_PX)
    scale = min(wide / width, high / height)
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (x1 + x2 - columns) // 2, (y1 + y2 - rows) // 2
    return left, top, left + columns, top + rows


class Mosaic:
    """The window. A digit or a click shows one source alone, and all of them again; `q`, Escape and the close button end all.

    Main thread only. Ask `display_available` first.
    """

    def __init__(self, infos: Sequence[SourceInfo], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.tiles = [Tile(self, info.name, number) for number, info in enumerate(infos, 1)]
        """A sink for each source, in the order of the sources."""
        self._clock = clock
        self._window = Window(f"{len(infos)} cameras")
        self._canvas = np.zeros((0, 0, 3), np.uint8)
        self._alone: Tile | None = None
        self._painted_at = self._polled_at = -math.inf

    @property
    def due_in_s(self) -> float:
        """When `refresh` wants to be called next, at the latest."""
        changed = any(tile.changed for tile in self._visible)
        return max(0.0, (self._painted_at + REFRESH_S if changed else self._polled_at + POLL_S) - self._clock())

    def refresh(self) -> bool:
        """Paint the tiles that have changed, if it is time, and handle keys and clicks. Whether the window was painted.

        Raises:
            StopAsked: the user wants to end.
        """
        now = self._clock()
        changed = [tile for tile in self._visible if tile.changed] if now >= self._painted_at + REFRESH_S else []
        if not self._canvas.size:
            self._open()
        for tile in changed:
            tile.paint(self._canvas, now)
        if changed:
            self._window.show(self._canvas)
            self._painted_at = now
        if changed or now >= self._polled_at + POLL_S:
            self._polled_at = now
            self._handle(self._window.poll())
        return bool(changed)

    def close(self, tile: Tile) -> None:
        """A tile has ended; the window closes with the last one."""
        tile.closed = True
        if all(one.closed for one in self.tiles):
            self._window.close()

    @property
    def _visible(self) -> list[Tile]:
        return self.tiles if self._alone is None else [self._alone]

    def _open(self) -> None:
        wide, high = (min(most, round(SCREEN_SHARE * side)) for most, side in zip(LARGEST, screen_size(), strict=True))
        self._canvas = np.zeros((high, wide, 3), np.uint8)
        self._arrange(None)
        self._window.show(self._canvas)
        self._window.on_click(self._click)

    def _arrange(self, alone: Tile | None) -> None:
        self._alone = alone
        self._canvas[:] = GROUND
        self._painted_at = -math.inf
        height, width = self._canvas.shape[:2]
        for tile, cell in zip(self._visible, grid(len(self._visible), width, height), strict=True):
            tile.move(cell)

    def _handle(self, key: str) -> None:
        if key == "0":
            self._arrange(None)
        elif key in list("123456789")[: len(self.tiles)]:
            self._toggle(self.tiles[int(key) - 1])

    def _click(self, x: int, y: int) -> None:
        for tile in self._visible:
            if tile.cell[0] <= x < tile.cell[2] and tile.cell[1] <= y < tile.cell[3]:
                self._toggle(tile)
                return

    def _toggle(self, tile: Tile) -> None:
        self._arrange(None if tile is self._alone else tile)


class Tile:
    """The sink of one source: keeps its newest result until the mosaic paints."""

    def __init__(self, mosaic: Mosaic, name: str, number: int) -> None:
        self.notes: list[str] = []
        self.changed = True
        self.closed = False
        self.cell: Area = (0, 0, 0, 0)
        self.mosaic, self._title = mosaic, f"{number} {printable(name)}"
        self._result: Result | None = None
        self._scaler = _Scaler()
        self._words = ""
        self._words_at = -math.inf
        self._place: Area | None = None

    def write(self, result: Result) -> None:
        """Keep a result; it is seen at the next refresh, unless a newer one comes before."""
        self._result, self.changed = result, True

    def poll(self) -> None:
        """Nothing to do: the mosaic handles its user."""

    def show_stale(self, result: Result) -> None:
        self.write(result)
        self._words_at = -math.inf  # the words have changed: that is why it comes

    def close(self) -> None:
        self.mosaic.close(self)

    def move(self, cell: Area) -> None:
        """Be painted there from now on."""
        self.cell, self.changed, self._place = cell, True, None

    def paint(self, canvas: np.ndarray, now: float) -> None:
        """Lay the newest picture, with faces, name and status line, upon the canvas, (H, W, 3) uint8 BGR."""
        self.changed = False
        result = self._result
        if now >= self._words_at + TEXT_EVERY_S:
            self._words, self._words_at = " · ".join(filter(None, [self._title, result.status_line if result else "no picture yet"])), now
        width, height = (result.frame.width, result.frame.height) if result else USUAL_SHAPE
        place = x1, y1, x2, y2 = fitted(self.cell, width, height)
        if place != self._place:
            canvas[self.cell[1] : self.cell[3], self.cell[0] : self.cell[2]] = GROUND
            self._place = place
        if result is None:
            picture = draw(np.full((y2 - y1, x2 - x1, 3), GROUND, np.uint8) // 2, Analysis("", -1, 0.0), self._words)
        else:
            with result.stage("draw"):
                image = self._scaler.scaled(result.frame, x2 - x1, y2 - y1)
                analysis = _scaled(result.analysis, (x2 - x1) / width, (y2 - y1) / height)
                words = result.style(x2 - x1, y2 - y1, analysis, self._words)
                picture = painted(image, [*covers(analysis.hidden, x2 - x1, y2 - y1), *words])
        canvas[y1:y2, x1:x2] = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)


@dataclass(slots=True, eq=False)
class _Scaler:
    """Makes small pictures of large ones. The decoder's own are made small and RGB in one step, a third of the time of two."""

    reformatter: av.video.reformatter.VideoReformatter = field(default_factory=av.video.reformatter.VideoReformatter)
    """One for each tile: that inside an `av.VideoFrame` may be in use by the worker at the same moment."""

    def scaled(self, frame: Frame, width: int, height: int) -> np.ndarray:
        """(height, width, 3) uint8 RGB, upright."""
        decoded = frame.decoded
        if not isinstance(decoded, av.VideoFrame):
            shrinks = width < frame.width
            return cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        wide, high = (height, width) if frame.quarter_turns % 2 else (width, height)
        method = av.video.reformatter.Interpolation.AREA if width < frame.width else av.video.reformatter.Interpolation.BILINEAR
        image = self.reformatter.reformat(decoded, wide, high, "rgb24", interpolation=method).to_ndarray()
        return frame.upright(image)


def _scaled(analysis: Analysis, x: float, y: float) -> Analysis:
    """The same faces in a picture `x` times as wide and `y` times as high."""
    both, four = np.array([x, y], np.float32), np.array([x, y, x, y], np.float32)
    faces = tuple(replace(face, box=face.box * four, landmarks=face.landmarks * both) for face in analysis.faces)
    return replace(analysis, faces=faces, hidden=analysis.hidden.scaled(x, y) if analysis.hidden is not None else None)
