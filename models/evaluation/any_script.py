"""Names of classes in any script in plots: matplotlib's own font has neither Chinese nor Korean, and a machine need not have another."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from models.imaging.lettering import letters, runs_right_to_left
from models.inference.matplotlib_as_is import import_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE_BELOW = 0.3 / 1.3
"""Of a line's height, what is below the letters' foot."""


def canvas_for_any_script(figure: Figure) -> Any:
    """A canvas for PNG that draws what the font of its text lacks in another."""
    import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg

    class Renderer(RendererAgg):  # type: ignore[misc]
        def draw_text(self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False, mtext: Any = None) -> None:
            """`x`, `y` is where the line begins, at the letters' foot, in pixels from the left and from the top."""
            if ismath or not _is_foreign(s):
                super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
                return
            line = letters(s, self._size_px(prop))
            rows, columns = line.shape
            turned = np.asarray(Image.fromarray(line).rotate(angle, Image.Resampling.BICUBIC, expand=True))
            turn = np.exp(1j * np.deg2rad(angle))
            centre = complex(x, self.height - y) + turn * complex(columns / 2, rows / 2 - SHARE_BELOW * rows)
            picture = np.empty((*turned.shape, 4), np.uint8)
            picture[..., :3] = np.rint(np.array(gc.get_rgb()[:3]) * 255)
            picture[..., 3] = turned
            left, below = round(centre.real - turned.shape[1] / 2), round(centre.imag - turned.shape[0] / 2)
            self.draw_image(gc, left, below, picture[::-1])

        def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
            if ismath or not _is_foreign(s):
                size: tuple[float, float, float] = super().get_text_width_height_descent(s, prop, ismath)
                return size
            rows, columns = letters(s, self._size_px(prop)).shape
            return float(columns), float(rows), SHARE_BELOW * rows

        def _size_px(self, prop: Any) -> int:
            return max(int(round(prop.get_size_in_points() * self.dpi / 72)), 1)  # noqa: RUF046 - of whatever matplotlib computes with

    class Canvas(FigureCanvasAgg):  # type: ignore[misc]
        def get_renderer(self) -> Renderer:
            width, height = self.figure.bbox.size
            key = (width, height, self.figure.dpi)
            if getattr(self, "_own_key", None) != key:
                self.renderer = Renderer(int(width), int(height), self.figure.dpi)
                self._own_key = key
            return self.renderer

    return Canvas(figure)


def _is_foreign(text: str) -> bool:
    return not text.isascii() and (runs_right_to_left(text) or any(map(_is_lacking, text)))


@cache
def _is_lacking(letter: str) -> bool:
    from matplotlib.font_manager import findfont, get_font

    return bool(letter.isprintable() and not letter.isspace() and get_font(findfont("DejaVu Sans")).get_char_index(ord(letter)) == 0)
