"""O-Net looking twice: at a face and at its mirror image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from models.inference.network import Network

MIRRORED_LANDMARKS = [1, 0, 2, 4, 3]
"""The right eye of a mirrored face is its left one, and so with the corners of the mouth."""


class FlipAveraged:
    """O-Net's answers for crops, each the mean of that for the crop and of that for its mirror image."""

    def __init__(self, output: Network) -> None:
        """`output`: (N, ONET_PX, ONET_PX, 3) uint8 -> scores (N,), offsets (N, 4), landmarks (N, 5, 2)."""
        self._output = output
        self.at_a_time = output.at_a_time

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        return next(self.each([batch]))

    def each(self, batches: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        for both in self._output.each(np.concatenate([batch, batch[:, :, ::-1]]) for batch in batches):
            count = len(both[0]) // 2
            scores, offsets, landmarks = both
            turned = offsets[count:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1], np.float32)
            points = landmarks[count:, MIRRORED_LANDMARKS] * np.array([-1, 1], np.float32) + np.array([1, 0], np.float32)
            yield [(scores[:count] + scores[count:]) / 2, (offsets[:count] + turned) / 2, (landmarks[:count] + points) / 2]
