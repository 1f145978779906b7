"""The notes of all segments, read while the video is gone through from its first frame to its last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np

from models.detection.detections import Detections
from stream.analysis.parts import looked_at
from stream.analysis.requests import Alike, Ask, Check, Search, Who
from stream.errors import SourceError
from stream.frame import Frame

NEAR_PX = 1.0
"""Places further apart are not looked at alike: networks look at whole pixels."""
SAME_PX, SAME_SCORE = 0.01, 1e-4
"""Faces that differ no more are one."""
BACK = 400
"""Of frames so many before the newest nobody asks: no more are looked at together or held back."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Noted:
    """A frame that was looked at."""

    width: int
    height: int
    mark: int
    """`notes.picture_mark` of it."""


class Records:
    """Answers with what was noted. Only the notes around the newest frame are in memory."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """
        Args:
            paths: of the notes, in the order of their segments.

        Raises:
            SourceError: a file is missing or damaged; `reach` raises it, too.
        """
        self.differs: int | None = None
        """The time of a frame that two segments have decoded, and that was not the same; ticks."""
        self._paths, self._parts = list(paths), dict[int, _Part]()
        rows = [_read(path, "frames")["frames"] for path in paths]
        self._spans = [(int(mine[0, 0]), int(mine[-1, 0])) for mine in rows]
        every = np.concatenate(rows)
        every = every[np.argsort(every[:, 0], kind="stable")]
        twice = np.flatnonzero(every[1:, 0] == every[:-1, 0])
        differ = twice[(every[twice + 1, 1:4] != every[twice, 1:4]).any(axis=1)]
        self.differs = int(every[differ[0], 0]) if len(differ) else None
        self._frames = np.delete(every, twice + 1, axis=0)
        self.times: list[int] = self._frames[:, 0].tolist()
        """Of all frames, ticks."""
        self.keys: list[int] = self._frames[self._frames[:, 4] != 0, 0].tolist()
        """Of key frames."""

    def of(self, pts: int) -> Noted:
        """The frame that is shown at that time, ticks."""
        return Noted(*self._frames[int(np.searchsorted(self._frames[:, 0], pts)), 1:4].tolist())

    def marks(self, first: int, count: int) -> list[int]:
        """Of the frames from that index on."""
        marks: list[int] = self._frames[first : first + count, 3].tolist()
        return marks

    def reach(self, index: int) -> None:
        """That is the newest frame now."""
        now, back = self.times[index], self.times[max(index - BACK, 0)]
        for number, (begin, end) in enumerate(self._spans):
            if begin <= now <= end and number not in self._parts:
                self._parts[number] = _Part(_read(self._paths[number]))
            elif end < back:
                self._parts.pop(number, None)

    def thumbnail(self, pts: int) -> np.ndarray:
        return next(part.thumbnails[pts] for part in self._parts.values() if pts in part.thumbnails)

    def search(self, request: Search) -> bool:
        """Fills in the answer. Whether there is one; the same for the others."""
        key = request.frame.pts, request.min_face_px
        found = self._first(lambda part: part.searches.get(key))
        if found is None or request.weak:
            return False
        request.found = found
        return True

    def check(self, request: Check) -> bool:
        rows = [self._first(lambda part, box=box: part.checked(request.frame, box)) for box in request.boxes]  # type: ignore[misc]
        if (there := _all(rows)) is None:
            return False
        request.found = Detections.joined(there)
        return True

    def alike(self, request: Alike) -> bool:
        pairs = np.concatenate([request.boxes_before, request.boxes], axis=1)
        rows = [self._first(lambda part, pair=pair: part.compared(request.frame.pts, pair)) for pair in pairs]  # type: ignore[misc]
        if (there := _all(rows)) is None:
            return False
        request.same = np.array(there)
        return True

    def ask(self, request: Ask) -> bool:
        keys = _keys(request.faces)
        rows = [self._first(lambda part, key=key: _noted(part.asks[request.frame.pts], key)) for key in keys]  # type: ignore[misc]
        if (there := _all(rows)) is None:
            return False
        request.rows = np.stack([row for row, _ in there])
        request.crops = np.stack([np.repeat(crop[..., None], 3, axis=2) for _, crop in there])
        return True

    def who(self, request: Who) -> bool:
        """Only the vectors."""
        keys = _keys(request.faces)
        rows = [self._first(lambda part, key=key: _noted(part.whos[request.frame.pts], key)) for key in keys]  # type: ignore[misc]
        if (there := _all(rows)) is None:
            return False
        request.vectors = np.stack([vector for (vector,) in there])
        return True

    def _first(self, answer: Callable[[_Part], Row | None]) -> Row | None:
        """Of the first part that has one."""
        return next((found for part in self._parts.values() if (found := answer(part)) is not None), None)


class _Part:
    """The notes of one segment, by frame."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self.thumbnails = dict(zip(arrays["frames"][:, 0].tolist(), arrays["thumbnails"], strict=True))
        self.searches: dict[tuple[int, int], Detections] = {}
        self.asks: defaultdict[int, list[tuple[np.ndarray, ...]]] = defaultdict(list)
        """Of each face what tells it from others, the model's row, and what its sharpness is told from."""
        self.whos: defaultdict[int, list[tuple[np.ndarray, ...]]] = defaultdict(list)
        """The same, and the vector."""
        self._places, self._seen = arrays["check_places"], _detections(arrays, "checked")
        self._checks = _rows_by(arrays["check_frames"])
        self._pairs, self._same = arrays["pair_places"], arrays["pair_same"]
        self._compared = _rows_by(arrays["pair_frames"])
        found, begin = _detections(arrays, "found"), 0
        for pts, min_face_px, count in arrays["searches"].tolist():
            self.searches[pts, min_face_px] = found.take(np.arange(begin, begin + count))
            begin += count
        for pts, *asked in zip(arrays["ask_frames"].tolist(), *_of_faces(arrays, "asked", "ask_rows", "ask_crops"), strict=True):
            self.asks[pts].append(tuple(asked))
        for pts, *described in zip(arrays["who_frames"].tolist(), *_of_faces(arrays, "who", "who_vectors"), strict=True):
            self.whos[pts].append(tuple(described))

    def checked(self, frame: Frame, box: np.ndarray) -> Detections | None:
        """What was seen at that place, or at one that is looked at just so."""
        rows = self._checks.get(frame.pts, ())
        apart = [float(np.abs(self._places[row] - box).max()) for row in rows]
        for distance, row in sorted(zip(apart, rows, strict=True)):
            if distance == 0 or (distance < NEAR_PX and _are_looked_at_alike(frame, self._places[row], box)):
                return self._seen.take(np.array([row]))
        return None

    def compared(self, pts: int, pair: np.ndarray) -> bool | None:
        rows = self._compared.get(pts, ())
        return next((bool(self._same[row]) for row in rows if (np.rint(self._pairs[row]) == np.rint(pair)).all()), None)


def _all(rows: Sequence[Row | None]) -> list[Row] | None:
    """All of them; None where one is missing."""
    there = [row for row in rows if row is not None]
    return there if len(there) == len(rows) else None


def _noted(known: Sequence[tuple[np.ndarray, ...]], key: np.ndarray) -> tuple[np.ndarray, ...] | None:
    """What was said of a face."""
    return next((said for mine, *said in known if _is_same(mine, key)), None)  # type: ignore[return-value]


def _are_looked_at_alike(frame: Frame, one: np.ndarray, other: np.ndarray) -> bool:
    return looked_at(frame.width, frame.height, one) == looked_at(frame.width, frame.height, other)


def _keys(faces: Detections) -> np.ndarray:
    """(N, 15) what tells one face of a frame from another: its place, landmarks and score."""
    return np.concatenate([faces.boxes, faces.landmarks.reshape(-1, 10), faces.scores[:, None]], axis=1)


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one[:14] - other[:14]).max() <= SAME_PX and abs(one[14] - other[14]) <= SAME_SCORE)


def _rows_by(frames: np.ndarray) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for row, pts in enumerate(frames.tolist()):
        found[pts].append(row)
    return dict(found)


def _of_faces(arrays: dict[str, Any], faces: str, *said: str) -> list[Any]:
    return [_keys(_detections(arrays, faces)), *(arrays[name] for name in said)]


def _detections(arrays: dict[str, Any], name: str) -> Detections:
    return Detections(arrays[f"{name}_boxes"], arrays[f"{name}_scores"], arrays[f"{name}_landmarks"])


def _read(path: Path, *names: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:  # np.load leaves open what it cannot read
            return {name: arrays[name] for name in names or arrays.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise SourceError(f"{path}: the notes in it cannot be read ({error}).") from error
