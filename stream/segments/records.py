"""What the models said to a part of a video: written by whoever looked at it, read by whoever puts all parts together."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from models.detection.detections import Detections
from stream.analysis.cuts import THUMBNAIL, thumbnail
from stream.analysis.look_quality import judged
from stream.analysis.parts import looked_at
from stream.analysis.requests import Alike, Ask, Check, Search, Who
from stream.frame import Frame
from stream.media import av

NEAR_PX = 1.0
"""Places further apart are not looked at alike: networks look at whole pixels."""
SAME_PX, SAME_SCORE = 0.01, 1e-4
"""Faces that differ no more are one."""
MARKED_ROWS = 8
"""Of so many rows of a picture one is part of its mark."""


def picture_mark(frame: Frame) -> int:
    """A number for a decoded picture, that another one hardly has: whoever decodes it from elsewhere sees whether it is the same."""
    return zlib.crc32(np.ascontiguousarray(frame.brightness[::MARKED_ROWS]).tobytes())


class Notes:
    """Takes down what is asked of the models, and what they answer."""

    def __init__(self) -> None:
        self._frames: list[tuple[int, ...]] = []
        self._thumbnails: list[np.ndarray] = []
        self._searches: list[tuple[int, int, int]] = []
        self._found: list[Detections] = []
        self._checks: list[tuple[int, np.ndarray, Detections]] = []
        self._pairs: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = []
        self._asks: list[tuple[int, Detections, np.ndarray, np.ndarray]] = []
        self._whos: list[tuple[int, Detections, np.ndarray]] = []

    def frame(self, frame: Frame) -> None:
        """One more frame."""
        is_key = isinstance(frame.decoded, av.VideoFrame) and frame.decoded.key_frame
        self._frames.append((frame.pts, frame.width, frame.height, picture_mark(frame), int(is_key)))
        self._thumbnails.append(thumbnail(frame).astype(np.uint8))

    def answered(self, requests: Sequence[object]) -> None:
        """These have their answers."""
        for one in requests:
            if isinstance(one, Search):
                self._searches.append((one.frame.pts, one.min_face_px, len(one.found)))
                self._found.append(one.found)
            elif isinstance(one, Check):
                self._checks.append((one.frame.pts, one.boxes, one.found))
            elif isinstance(one, Alike):
                self._pairs.append((one.frame.pts, one.boxes_before, one.boxes, one.same))
            elif isinstance(one, Ask):
                self._asks.append((one.frame.pts, one.faces, one.rows, np.stack([judged(crop) for crop in one.crops])))
            elif isinstance(one, Who):
                self._whos.append((one.frame.pts, one.faces, one.vectors))

    def save(self, file: IO[bytes]) -> None:
        """As arrays that `Records` reads."""
        found, checked = Detections.joined(self._found), Detections.joined([seen for _, _, seen in self._checks])
        asked, who = Detections.joined([one[1] for one in self._asks]), Detections.joined([one[1] for one in self._whos])
        np.savez_compressed(
            file,
            frames=np.array(self._frames, np.int64).reshape(-1, 5),
            thumbnails=np.array(self._thumbnails, np.uint8).reshape(-1, THUMBNAIL[1], THUMBNAIL[0]),
            searches=np.array(self._searches, np.int64).reshape(-1, 3),
            **_arrays("found", found),
            check_frames=_frames_of([(pts, len(boxes)) for pts, boxes, _ in self._checks]),
            check_places=np.concatenate([np.zeros((0, 4), np.float32), *(boxes for _, boxes, _ in self._checks)]),
            **_arrays("checked", checked),
            pair_frames=_frames_of([(pts, len(boxes)) for pts, boxes, *_ in self._pairs]),
            pair_places=_stacked([np.concatenate([its, mine], axis=1) for _, its, mine, _ in self._pairs]),
            pair_same=_stacked([same for *_, same in self._pairs]),
            ask_frames=_frames_of([(pts, len(faces)) for pts, faces, *_ in self._asks]),
            **_arrays("asked", asked),
            ask_rows=_stacked([rows for _, _, rows, _ in self._asks]),
            ask_crops=_stacked([crops for *_, crops in self._asks]),
            who_frames=_frames_of([(pts, len(faces)) for pts, faces, _ in self._whos]),
            **_arrays("who", who),
            who_vectors=_stacked([vectors for *_, vectors in self._whos]),
        )


class Records:
    """The notes of several parts of one video, by frame. Where parts overlap, either answers."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """
        Raises:
            OSError, ValueError, zipfile.BadZipFile: a file is missing or damaged.
        """
        self.frames: dict[int, tuple[int, int, int]] = {}
        """Width, height and mark of each, by its time in ticks."""
        self.keys: list[int] = []
        """Key frames."""
        self.differs: list[int] = []
        """Frames that two parts have decoded, and that were not the same."""
        self._thumbnails: dict[int, np.ndarray] = {}
        self._searches: dict[tuple[int, int], Detections] = {}
        self._checks: dict[int, list[tuple[np.ndarray, Detections]]] = {}
        self._pairs: dict[int, list[tuple[np.ndarray, bool]]] = {}
        self._asks: dict[int, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
        self._whos: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}
        for path in paths:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:  # np.load leaves open what it cannot read
                self._add({name: arrays[name] for name in arrays.files})
        self.keys = sorted(set(self.keys))

    def _add(self, arrays: dict[str, Any]) -> None:
        for (pts, width, height, mark, is_key), small in zip(arrays["frames"].tolist(), arrays["thumbnails"], strict=True):
            if self.frames.setdefault(pts, (width, height, mark)) != (width, height, mark):
                self.differs.append(pts)
            self._thumbnails.setdefault(pts, small)
            self.keys += [pts] if is_key else []
        found, begin = _detections(arrays, "found"), 0
        for pts, min_face_px, count in arrays["searches"].tolist():
            self._searches.setdefault((pts, min_face_px), found.take(np.arange(begin, begin + count)))
            begin += count
        checked = _detections(arrays, "checked")
        for row, pts in enumerate(arrays["check_frames"].tolist()):
            self._checks.setdefault(pts, []).append((arrays["check_places"][row], checked.take(np.array([row]))))
        for row, pts in enumerate(arrays["pair_frames"].tolist()):
            self._pairs.setdefault(pts, []).append((arrays["pair_places"][row], bool(arrays["pair_same"][row])))
        for row, (pts, key) in enumerate(zip(arrays["ask_frames"].tolist(), _keys(_detections(arrays, "asked")), strict=True)):
            self._asks.setdefault(pts, []).append((key, arrays["ask_rows"][row], arrays["ask_crops"][row]))
        for row, (pts, key) in enumerate(zip(arrays["who_frames"].tolist(), _keys(_detections(arrays, "who")), strict=True)):
            self._whos.setdefault(pts, []).append((key, arrays["who_vectors"][row]))

    def thumbnail(self, pts: int) -> np.ndarray:
        return self._thumbnails[pts]

    def search(self, request: Search) -> bool:
        """Fills in the answer. Whether there is one; the same for the others."""
        found = self._searches.get((request.frame.pts, request.min_face_px))
        if found is None or request.weak:
            return False
        request.found = found
        return True

    def check(self, request: Check) -> bool:
        rows = [self._checked(request.frame, box) for box in request.boxes]
        there = [row for row in rows if row is not None]
        if len(there) < len(rows):
            return False
        request.found = Detections.joined(there)
        return True

    def _checked(self, frame: Frame, box: np.ndarray) -> Detections | None:
        """What was seen at that place, or at one that is looked at just so."""
        known = sorted(((float(np.abs(place - box).max()), row) for row, (place, _) in enumerate(self._checks.get(frame.pts, ()))))
        for apart, row in known:
            place, found = self._checks[frame.pts][row]
            if apart == 0 or (apart < NEAR_PX and _are_looked_at_alike(frame, place, box)):
                return found
        return None

    def alike(self, request: Alike) -> bool:
        known, answers = self._pairs.get(request.frame.pts, ()), []
        for places in np.concatenate([request.boxes_before, request.boxes], axis=1):
            answer = next((same for one, same in known if np.abs(one - places).max() <= SAME_PX), None)
            if answer is None:
                return False
            answers.append(answer)
        request.same = np.array(answers)
        return True

    def ask(self, request: Ask) -> bool:
        known = self._asks.get(request.frame.pts, ())
        rows = [next((one for one in known if _is_same(one[0], key)), None) for key in _keys(request.faces)]
        there = [row for row in rows if row is not None]
        if len(there) < len(rows):
            return False
        request.rows = np.stack([row for _, row, _ in there])
        request.crops = np.stack([np.repeat(crop[..., None], 3, axis=2) for _, _, crop in there])
        return True

    def who(self, request: Who) -> bool:
        """Only the vectors."""
        known = self._whos.get(request.frame.pts, ())
        rows = [next((one for one in known if _is_same(one[0], key)), None) for key in _keys(request.faces)]
        there = [row for row in rows if row is not None]
        if len(there) < len(rows):
            return False
        request.vectors = np.stack([vector for _, vector in there])
        return True


def _are_looked_at_alike(frame: Frame, one: np.ndarray, other: np.ndarray) -> bool:
    return looked_at(frame.width, frame.height, one) == looked_at(frame.width, frame.height, other)


def _keys(faces: Detections) -> np.ndarray:
    """(N, 15) what tells one face of a frame from another: its place, landmarks and score."""
    return np.concatenate([faces.boxes, faces.landmarks.reshape(-1, 10), faces.scores[:, None]], axis=1)


def _is_same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.abs(one[:14] - other[:14]).max() <= SAME_PX and abs(one[14] - other[14]) <= SAME_SCORE)


def _frames_of(counts: Sequence[tuple[int, int]]) -> np.ndarray:
    return np.repeat(np.array([pts for pts, _ in counts], np.int64), np.array([count for _, count in counts], int))


def _stacked(rows: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)


def _arrays(name: str, found: Detections) -> dict[str, Any]:
    return {f"{name}_boxes": found.boxes, f"{name}_scores": found.scores, f"{name}_landmarks": found.landmarks}


def _detections(arrays: dict[str, Any], name: str) -> Detections:
    return Detections(arrays[f"{name}_boxes"], arrays[f"{name}_scores"], arrays[f"{name}_landmarks"])
