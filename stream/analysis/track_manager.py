"""One source over time."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.detection.detections import Detections
from stream.analysis.tracking import Track, Tracker
from stream.frame import Frame
from stream.settings.schema import Settings

SMALLEST_FACE_PX = 20
"""What `min_face_px: auto` looks for in pictures, and the least it looks for in moving ones: P-Net was trained on little below."""
SHORT_SIDE_SHARE = 18
"""In moving pictures `auto` looks for faces of an eighteenth of the short side: 27 px at 480p, 60 at 1080p."""


@dataclass(slots=True, eq=False)
class Memory:
    """What is remembered of one source from look to look."""

    still: bool
    """Each frame stands alone: nothing is remembered."""
    settings: Settings
    """Of this source."""
    tracker: Tracker
    live: bool = False
    expected: tuple[int, int, int] | None = None
    """Height, width and smallest face, px, that the detector is ready for."""


@dataclass(slots=True, eq=False)
class _Look:
    """One frame on its way through the stages."""

    frame: Frame
    settings: Settings
    tracker: Tracker
    detections: Detections
    tracks: list[Track] = field(default_factory=list)
    due: list[int] = field(default_factory=list)
    """Which of the faces the classifier must look at."""


def _tracker(settings: Settings) -> Tracker:
    return Tracker(forget_after_s=settings.tracker.forget_after_s, min_overlap=settings.tracker.min_overlap)
