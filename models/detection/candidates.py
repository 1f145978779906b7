"""Places in pictures that a network is asked about: crops of several pictures share its batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.imaging.crops import cut_squares
from models.inference.network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Places in one image."""

    image: int
    """Its number in the batch."""
    boxes: np.ndarray
    """(N, 4) float32, squares of whole pixels."""

    def __len__(self) -> int:
        return len(self.boxes)


def answered(
    network: Network, images: Sequence[np.ndarray], found: Iterable[Candidates], size_px: int
) -> Iterator[tuple[Candidates, list[np.ndarray]]]:
    """Each image's candidates and what the network says to them. Crops of several images share a batch."""
    waiting: deque[Candidates] = deque()

    def crops() -> Iterator[np.ndarray]:
        """Batches of (N, size_px, size_px, 3) uint8, as many as the network runs best; less, or none at all, in the last one."""
        parts, room = [np.zeros((0, size_px, size_px, 3), np.uint8)], network.at_a_time
        for candidates in found:
            waiting.append(candidates)
            boxes = candidates.boxes
            while len(boxes) >= room:
                yield np.concatenate([*parts, cut_squares(images[candidates.image], boxes[:room], size_px)])
                boxes, parts, room = boxes[room:], parts[:1], network.at_a_time
            parts.append(cut_squares(images[candidates.image], boxes, size_px))
            room -= len(boxes)
        yield np.concatenate(parts)

    left: list[np.ndarray] | None = None
    for outputs in network.each(crops()):
        left = [np.concatenate(pair) for pair in zip(left, outputs, strict=True)] if left else outputs
        while waiting and len(waiting[0]) <= len(left[0]):
            candidates = waiting.popleft()
            yield candidates, [answers[: len(candidates)] for answers in left]
            left = [answers[len(candidates) :] for answers in left]
