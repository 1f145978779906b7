"""What is taken down of a part of a video while it is looked at: what the models were asked, and what they said."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from models.detection.detections import Detections
from stream.analysis.cuts import THUMBNAIL, thumbnail
from stream.analysis.look_quality import judged
from stream.analysis.requests import Alike, Ask, Check, Search, Who
from stream.frame import Frame
from stream.media import av

MARKED_ROWS = 8
"""Of so many rows of a picture one is part of its mark."""


def picture_mark(frame: Frame) -> int:
    """A number for a decoded picture, that another one hardly has: whoever decodes it from elsewhere sees whether it is the same."""
    return zlib.crc32(np.ascontiguousarray(frame.brightness[::MARKED_ROWS]).tobytes())


def marks_of(marks: Sequence[int]) -> int:
    """One number for those of many pictures."""
    return zlib.crc32(np.array(marks, np.uint32).tobytes())


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


def _frames_of(counts: Sequence[tuple[int, int]]) -> np.ndarray:
    return np.repeat(np.array([pts for pts, _ in counts], np.int64), np.array([count for _, count in counts], int))


def _stacked(rows: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(rows) if rows else np.zeros((0, 0), np.float32)


def _arrays(name: str, found: Detections) -> dict[str, Any]:
    return {f"{name}_boxes": found.boxes, f"{name}_scores": found.scores, f"{name}_landmarks": found.landmarks}
