"""Getting a detector ready for the sizes of moving pictures before many of them have come: on a GPU that takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.analysis.track_manager import TrackManager
from stream.frame import Frame

if TYPE_CHECKING:
    from models.detection.detector import Detector

Size = tuple[int, int, int]
"""Height, width and smallest face, px."""


class ExpectedSizes:
    """Tells the detector of each size when a source's first frame of it is there: a network camera's size is not known before. The
    worker's thread alone uses it.
    """

    def __init__(self, detector: Detector | None, batch_size: int) -> None:
        """
        Args:
            batch_size: frames of a file that are looked at in one go.
        """
        self._detector = detector
        self._batch_size = batch_size
        self._sizes: dict[TrackManager, Size | None] = {}
        """Of each moving source; None until its first frame."""

    def keep(self, managers: list[TrackManager]) -> None:
        """These are the sources that there are now."""
        self._sizes = {one: self._sizes.get(one) for one in managers if not one.still}

    def expect(self, frame: Frame, manager: TrackManager) -> None:
        """A source's next frame is there."""
        size = (frame.height, frame.width, manager.min_face_px(frame))
        if self._detector is None or manager not in self._sizes or self._sizes[manager] == size or not manager.settings.detector.enabled:
            return
        self._sizes[manager] = size
        together = self._batch_size if manager.searches_together else 1
        self._detector.expect(*size, at_a_time=self._together(size) if manager.live else together)

    def _together(self, size: Size) -> int:
        """How many cameras' frames of a size may come in one round. Those that gave none yet count: they may be of that size, too, and a
        function compiled for fewer would have to be compiled again.
        """
        return sum(one.live and one.settings.detector.enabled and mine in (size, None) for one, mine in self._sizes.items())
