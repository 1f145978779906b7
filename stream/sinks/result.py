"""What sinks get: a frame with the faces that belong to it, and how it is to be shown."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from stream.drawing.cover import covers
from stream.drawing.mark import Mark, Style, painted
from stream.drawing.overlay import inked
from stream.faces import Analysis
from stream.frame import Frame, SourceInfo
from stream.monitoring.timing import Stage, untimed


@dataclass(slots=True, eq=False)
class _Made:
    """What was made on its first use."""

    marks: Sequence[Mark] | None = None
    picture: np.ndarray | None = None
    bare: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """How its source is shown when a frame is."""

    rate: float
    """Frames/s, over the last two seconds."""
    latency_s: float | None
    """From the frame's arrival to now; None: it is not live."""
    last_look_s: float | None
    """The same of the frame of the last look; None: there was none, or it is not live."""


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A frame with the faces that belong to it. Marks and picture are made once, on first use, whoever asks first. Any thread."""

    frame: Frame
    analysis: Analysis
    """Already moved to the frame's own time."""
    info: SourceInfo
    status_line: str = ""
    """The status line: rate, latency, age of the last look, state of the source. Empty for files and pictures."""
    style: Style = inked
    stage: Stage = untimed
    """Times the drawing."""
    measured: Measured | None = None
    """What the status line says, as numbers."""
    _made: _Made = field(default_factory=_Made, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def of(self, analysis: Analysis) -> Result:
        """The same picture with other faces."""
        return Result(self.frame, analysis, self.info, self.status_line, self.style, self.stage)

    @property
    def marks(self) -> Sequence[Mark]:
        """What is laid over the picture; first what hides faces, which no style can forget."""
        with self._lock:
            if self._made.marks is None:
                words = self.style(self.frame.width, self.frame.height, self.analysis, self.status_line)
                self._made.marks = [*covers(self.analysis.hidden, self.frame.width, self.frame.height), *words]
            return self._made.marks

    @property
    def bare(self) -> np.ndarray:
        """(height, width, 3) uint8 RGB without boxes and words; what is to be hidden is. Read-only."""
        with self._lock:
            if self._made.bare is None:
                hiding = covers(self.analysis.hidden, self.frame.width, self.frame.height)
                with self.stage("draw"):
                    self._made.bare = painted(self.frame.image, hiding) if hiding else self.frame.image
                self._made.bare.flags.writeable = False
            return self._made.bare

    @property
    def picture(self) -> np.ndarray:
        """(height, width, 3) uint8 RGB with its marks. Read-only."""
        with self._lock:
            if self._made.picture is None:
                image = self.frame.image
                with self.stage("draw"):
                    self._made.picture = painted(image, self.marks)
                self._made.picture.flags.writeable = False
            return self._made.picture
