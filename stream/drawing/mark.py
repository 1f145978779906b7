"""What may be laid over a picture, and a style: which marks a picture gets for what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from stream.faces import Analysis


class Mark(Protocol):
    """Something that is laid over a picture, in place: as RGB, or as the planes of a video. Both look the same."""

    def paint_rgb(self, picture: np.ndarray) -> None:
        """Lay it upon a (height, width, 3) uint8 RGB picture."""
        ...

    def paint_planes(self, planes: list[np.ndarray], matrix: int, *, full: bool) -> None:
        """Lay it upon the planes of a 4:2:0 picture; a sample under no mark keeps its value.

        Args:
            planes: Y (height, width), U and V of half the size, rounded up; uint8.
            matrix: the number of the colour matrix in H.273; an unknown one is taken for BT.601.
            full: brightness goes from 0 to 255, not from 16 to 235.
        """
        ...


class Style(Protocol):
    """How a lane's pictures are marked."""

    def __call__(self, width: int, height: int, analysis: Analysis, status_line: str = "", /) -> Sequence[Mark]:
        """The marks of a picture of that size in px, in the order of painting; none where there is nothing to see."""
        ...


def painted(image: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """The picture, (H, W, 3) uint8 RGB, with marks: a new array, writeable; the one handed in stays as it is."""
    picture = np.array(image, order="C")
    for mark in marks:
        mark.paint_rgb(picture)
    return picture
