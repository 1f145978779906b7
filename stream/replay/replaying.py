"""One source whose frames get what the events say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.classification.face_model import FaceModel
from models.detection.detections import Detections
from stream.analysis.track_manager import Looking
from stream.analysis.veils import Veiled, Veils, hidden
from stream.analysis.whom import Whom
from stream.errors import SourceError
from stream.faces import Analysis, Hidden, HideShape
from stream.frame import Frame, SourceInfo
from stream.replay.event import Event
from stream.replay.saved import Begin, Reading
from stream.settings.schema import Settings

NEAR_S = 2e-6
"""Events round times to a millionth of a second."""
NOWHERE = np.zeros((0, 4), np.float32)


class Replaying:
    """A `TrackManager` that looks at nothing. What the events hide stays hidden, and where more was asked for it is: whoever they tell of,
    before and after, too. It fails closed: a frame that they do not tell of is hidden whole then.
    """

    model: FaceModel | None = None
    live = False
    searches_together = False

    def __init__(self, info: SourceInfo, settings: Settings, path: Path, begins: Mapping[str, Begin], *, hides_more: bool) -> None:
        """
        Args:
            path: of the events.
            begins: where those of the video begin, or of each picture.
            hides_more: faces that the events do not hide are hidden as `hide` says.
        """
        self.still, self.settings = info.still, settings
        self._name, self._frames = info.name, "picture" if info.still else "frame"
        self._path, self._begins = path, begins
        self._reading: Reading | None = None
        self._veils = Veils(live=info.still)
        self._whom = Whom.of(settings.hide.whom)
        self._hides_more, self._hides = hides_more, settings.hide.on
        self._untold = 0
        """Frames without an event."""

    def min_face_px(self, frame: Frame) -> int:
        return 0

    def deny(self, track: int, name: str) -> None:
        """Nobody is named here."""

    def look(self, frames: Sequence[Frame]) -> Looking:
        yield from ()
        return [self._told(frame) for frame in frames]

    def settle(self, frame: Frame, analysis: Analysis) -> list[tuple[Frame, Analysis]]:
        how = self.settings.hide
        if not self._hides_more:
            return [(frame, analysis)]
        if analysis.hidden is not None and analysis.hidden.whole:
            return [*self.flush(), (frame, replace(analysis, hidden=self._whole))]
        if self.still:
            self._veils = Veils(live=True)  # one picture says nothing about the next
        shown = [face for face in analysis.faces if not face.hidden and not self._whom.hides(face, tuple(self._whom.names))]
        return list(map(_final, self._veils.add(frame, analysis, shown, Detections.none(), how)))

    def flush(self) -> list[tuple[Frame, Analysis]]:
        return list(map(_final, self._veils.rest()))

    @property
    def notes(self) -> list[str]:
        if not self._untold:
            return []
        what = f"1 {self._frames} has" if self._untold == 1 else f"{self._untold} {self._frames}s have"
        how = "hidden whole" if self._hides else "drawn without faces"
        return [f"{self._name}: {what} no event in {self._path}, and {'is' if self._untold == 1 else 'are'} {how}."]

    def _told(self, frame: Frame) -> Analysis:
        event = self._event_of(frame)
        if event is None:
            self._untold += 1
            return Analysis(frame.source, frame.index, frame.time_s, hidden=self._whole if self._hides else None)
        self._hides |= event.hidden is not None
        if (event.width, event.height) != (frame.width, frame.height):
            sizes = f"is {frame.width}×{frame.height}, and the events say {event.width}×{event.height}"
            raise SourceError(f"{self._of(frame)} {sizes}: they are of another file.")
        if abs(event.time_s - frame.time_s) > NEAR_S:
            times = f"is at {frame.time_s:.6f} s, and the events say {event.time_s:.6f} s"
            raise SourceError(f"{self._of(frame)} {times}: they are of another file, or of one that was run with other settings.")
        return Analysis(frame.source, frame.index, frame.time_s, event.faces, hidden=event.hidden, knows_people=event.knows_people)

    @property
    def _whole(self) -> Hidden:
        how = self.settings.hide
        return hidden(how, NOWHERE, whole=True) if how.on else Hidden("fill", "rectangle", NOWHERE, whole=True)

    def _of(self, frame: Frame) -> str:
        return frame.source if self.still else f"{self._name}: frame {frame.index}"

    def _event_of(self, frame: Frame) -> Event | None:
        if self.still:
            begin = self._begins.get(frame.source)
            if begin is None:
                return None
            return Reading(self._path, begin).of(frame.index)
        if self._reading is None:
            self._reading = Reading(self._path, self._begins[self._name])
        return self._reading.of(frame.index)


def _final(veiled: Veiled) -> tuple[Frame, Analysis]:
    """A frame with all that is to be hidden in it: by its faces, and by what its event hides."""
    made, theirs = veiled.hidden, veiled.analysis.hidden
    if theirs is None or made.hidden is None:
        return veiled.frame, made
    areas, keys = np.concatenate([made.hidden.areas, theirs.areas]), (*made.hidden.keys, *[0] * len(theirs.areas))
    wider: HideShape = "rectangle" if theirs.shape == "rectangle" else made.hidden.shape  # it holds the ellipse
    return veiled.frame, replace(made, hidden=replace(made.hidden, areas=areas, keys=keys, shape=wider))
