"""What sinks get: a frame with the faces that belong to it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from stream.drawing.overlay import draw
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.monitoring.timing import Stage, untimed


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A frame with the faces that belong to it. The picture is drawn once, on first use, whoever asks first."""

    frame: Frame
    analysis: Analysis
    """Already moved to the frame's own time."""
    info: SourceInfo
    status_line: str = ""
    """What the picture's foot says: rate, latency, age of the last look, state of the source. Empty for files and pictures."""
    stage: Stage = untimed
    """Times the drawing."""
    _picture: list[np.ndarray] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def picture(self) -> np.ndarray:
        """(height, width, 3) uint8 RGB with boxes, labels and the status line. Read-only."""
        with self._lock:
            if not self._picture:
                image = self.frame.image
                with self.stage("draw"):
                    picture = draw(image, self.analysis, self.status_line)
                picture.flags.writeable = False
                self._picture.append(picture)
            return self._picture[0]
