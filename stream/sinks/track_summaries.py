"""One line for each track, once it is over: who was there from when to when, and where they are seen best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.imaging.landmarks import frontality
from stream.faces import Face
from stream.sinks.result import Result

TURNED_AWAY_WORTH = 0.1
"""What a face in profile is worth beside the same one that looks into the camera (a guess)."""


@dataclass(slots=True)
class _Summary:
    source: str
    first_s: float
    last_s: float
    frames: int = 0
    best: float = -1.0
    best_frame: int = 0
    newest: Face | None = None
    knows_people: bool = False


class TrackSummaries:
    """Keeps what there is to say of the tracks of some sources. A photo's faces are no tracks."""

    def __init__(self, over_after_s: float) -> None:
        """`over_after_s`: a track that was not seen for so long is over."""
        self._over_after_s = over_after_s
        self._going: dict[tuple[str, int], _Summary] = {}
        self._newest: dict[str, int] = {}
        """Number of the newest frame of each source."""

    def over(self, result: Result) -> list[dict[str, Any]]:
        """Takes a frame. The tracks of its source that are over by then."""
        if result.info.still:
            return []
        frame, analysis, source = result.frame, result.analysis, result.frame.source
        anew = frame.index < self._newest.get(source, 0)  # another source of that name
        self._newest[source] = frame.index
        ended = [_line(key[1], self._going.pop(key)) for key in list(self._going) if anew and key[0] == source]
        for face in analysis.faces:
            if face.track:
                mine = self._going.setdefault((source, face.track), _Summary(source, frame.time_s - face.age_s, frame.time_s))
                mine.last_s, mine.frames, mine.newest = frame.time_s, mine.frames + 1, face
                mine.knows_people = analysis.knows_people
                if face.state != "predicted" and (worth := _worth(face)) > mine.best:
                    mine.best, mine.best_frame = worth, frame.index
        gone = [key for key, one in self._going.items() if key[0] == source and frame.time_s - one.last_s > self._over_after_s]
        return ended + [_line(key[1], self._going.pop(key)) for key in gone]

    def rest(self) -> list[dict[str, Any]]:
        """All others: nothing more comes."""
        going, self._going = self._going, {}
        return [_line(track, one) for (_, track), one in going.items()]


def person_of(face: Face) -> dict[str, Any] | None:
    """Who a face is; None: that is not decided."""
    person = face.person
    return None if person is None else {"name": person.name, "score": round(person.score, 2), "looks": person.looks}


def _worth(face: Face) -> float:
    """How well a face is seen: its size in the picture, how sure the detector is, how far it looks into the camera."""
    side = float(np.sqrt(max((face.box[2:] - face.box[:2]).prod(), 0)))
    return side * face.score * max(float(frontality(face.landmarks[None])[0]), TURNED_AWAY_WORTH)


def _line(track: int, summary: _Summary) -> dict[str, Any]:
    line: dict[str, Any] = {
        "source": summary.source,
        "kind": "track",
        "track": track,
        "first_s": round(summary.first_s, 6),
        "last_s": round(summary.last_s, 6),
        "frames": summary.frames,
        "best_frame": summary.best_frame,
    }
    face = summary.newest
    if face is not None and face.label is not None:
        line["label"] = face.label
        line["probability"] = None if face.probability is None else round(float(face.probability), 4)
        if face.certainty is not None:
            line["certainty"] = round(face.certainty, 4)
    if face is not None and summary.knows_people:
        line["person"] = person_of(face)
    return line
