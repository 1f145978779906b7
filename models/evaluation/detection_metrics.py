"""How good a detector is on pictures whose faces are labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.detection.detections import Detections
from models.imaging.boxes import iou


def true_and_false(boxes: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which finds are faces (IoU of 0.5 with a labelled one), and which are none (IoU under 0.3, centre in no labelled face).

    Args:
        boxes: (N, 4) finds.
        faces: (M, 4) labelled faces.

    Returns:
        Two (N,) bool. Loose boxes and second boxes of one face are neither.
    """
    overlap = iou(boxes, faces).max(axis=1, initial=0)
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
    inside = ((centres > faces[None, :, :2]) & (centres < faces[None, :, 2:])).all(axis=2).any(axis=1)
    return overlap >= 0.5, (overlap < 0.3) & ~inside


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """How well a detector's finds agree with labelled faces."""

    average_precision: float
    """0..1: the area under the highest precision at each recall (all points, as PASCAL VOC since 2010)."""
    faces: int
    """Labelled faces to be found."""
    found: int
    """Of those, found at any score."""
    false: int
    """Finds that are no labelled face, second finds of one included."""


def detection_ap(
    finds: Sequence[Detections], faces: Sequence[np.ndarray], ignored: Sequence[np.ndarray], least_iou: float = 0.5
) -> DetectionScore:
    """Scores a detector on labelled pictures. Each find takes the best-overlapping face that no better find took.

    Args:
        finds: what was found, by picture.
        faces: (N, 4) the labelled boxes, by picture.
        ignored: (M, 4) boxes that need not be found and are not false when found, by picture.
        least_iou: overlap from which a find is that face.
    """
    scores, right = [], []
    for found, labelled, unasked in zip(finds, faces, ignored, strict=True):
        overlap, beside = iou(found.boxes, labelled), iou(found.boxes, unasked)
        for i, score in enumerate(found.scores):
            best = int(overlap[i].argmax()) if len(labelled) else -1
            hit = best >= 0 and overlap[i, best] >= least_iou
            if hit:
                overlap[:, best] = -1
            elif len(unasked) and beside[i].max() >= least_iou:
                continue
            scores.append(float(score))
            right.append(hit)
    order = np.argsort(-np.array(scores), kind="stable")
    hits = np.cumsum(np.array(right, bool)[order])
    total = sum(len(labelled) for labelled in faces)
    precision = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    area = float(precision[np.diff(hits, prepend=0) > 0].sum() / total) if total else 0.0
    return DetectionScore(area, total, int(hits[-1]) if len(hits) else 0, len(hits) - int(hits[-1]) if len(hits) else 0)
