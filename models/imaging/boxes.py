"""Pure functions on boxes: (N, 4) arrays of x1, y1, x2, y2 in pixels, half-open, so that x2 - x1 is the width."""

from __future__ import annotations

from typing import Literal

import numpy as np

NMS_BLOCK = 256
"""Boxes compared at a time in `nms`: bounds memory to a block of overlaps instead of all pairs (256 was fastest of 64 to 1024)."""


def areas(boxes: np.ndarray) -> np.ndarray:
    """(N,) area of each box in square pixels; 0 for an empty or inverted one."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def intersections(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, M) area that each box of `a` shares with each box of `b`, in square pixels."""
    width = np.minimum(a[:, None, 2], b[None, :, 2])
    width -= np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3])
    height -= np.maximum(a[:, None, 1], b[None, :, 1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    return np.asarray(width * height)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How much each box of `a` overlaps each box of `b`: 0 apart, 1 identical.

    Args:
        a: (N, 4) boxes.
        b: (M, 4) boxes.

    Returns:
        (N, M) float32. An empty box overlaps nothing, not even itself.
    """
    return overlaps(np.asarray(a, np.float32), np.asarray(b, np.float32), "union")


def overlaps(a: np.ndarray, b: np.ndarray, over: Literal["union", "smaller"]) -> np.ndarray:
    """(N, M) float32, 0..1: the area shared, over that of the union or over that of the smaller box of the two."""
    shared = intersections(a, b)
    area_a, area_b = areas(a)[:, None], areas(b)[None, :]
    whole = area_a + area_b - shared if over == "union" else np.minimum(area_a, area_b)
    return np.asarray(np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0))


def nms(boxes: np.ndarray, scores: np.ndarray, threshold: float, over: Literal["union", "smaller"] = "union") -> np.ndarray:
    """Greedy non-maximum suppression: the best box falls never, each next one only to a better box that itself stayed.

    Args:
        boxes: (N, 4) boxes.
        scores: (N,) scores; of equal ones the first in the array is the better.
        threshold: largest overlap, 0..1, at which both boxes stay.
        over: what the shared area is divided by.

    Returns:
        Indices of the boxes that stay, best first. None in, none out.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = np.asarray(boxes, np.float32)[order]
    kept: list[np.ndarray] = []
    for start in range(0, len(boxes), NMS_BLOCK):
        index = np.arange(start, min(start + NMS_BLOCK, len(boxes)))
        for earlier in kept:
            index = index[(overlaps(boxes[index], boxes[earlier], over) <= threshold).all(axis=1)]
        kept.append(index[_greedy(overlaps(boxes[index], boxes[index], over) > threshold)])
    return np.asarray(order[np.concatenate(kept)] if kept else order)


def _greedy(conflicts: np.ndarray) -> np.ndarray:
    """(N,) bool: who stays, when row i of the (N, N) `conflicts` says whom i removes, best first."""
    stays = np.ones(len(conflicts), bool)
    rivals = np.triu(conflicts, 1)
    for i in np.flatnonzero(rivals.any(axis=1)):
        if stays[i]:
            stays &= ~rivals[i]
    return stays


def regress(boxes: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(N, 4) `boxes` with each edge moved by `offsets` (N, 4), which are shares of the box's width and height."""
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes + offsets * np.concatenate([sides, sides], axis=1))


def square(boxes: np.ndarray) -> np.ndarray:
    """(N, 4) the smallest squares around the centres of `boxes` that hold them."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2 if len(boxes) else np.zeros((0, 1), boxes.dtype)
    return np.concatenate([centres - half, centres + half], axis=1)


def clip(boxes: np.ndarray, width_px: int, height_px: int) -> np.ndarray:
    """(N, 4) what of each box lies inside a picture of that size; a box outside becomes empty, on the nearest edge."""
    limits = np.array([width_px, height_px, width_px, height_px], boxes.dtype)
    return np.asarray(np.clip(boxes, 0, limits))
