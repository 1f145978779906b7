"""What a network that is ready to run can do, whatever runs it: `openvino_backend` on CPUs, `keras_backend` on GPUs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

import numpy as np

Precision = Literal["auto", "f32"]


def checked_precision(precision: object) -> None:
    """
    Raises:
        ValueError: there is no such precision.
    """
    if precision not in ("auto", "f32"):
        raise ValueError(f"precision is auto or f32, not {precision!r}")


BATCH_SIZES = (1, 2, 4, 8, 16)


class Network(Protocol):
    """A network ready to run: compiled and warm, fixed shapes inside, any number of samples outside. One thread at a time."""

    @property
    def at_a_time(self) -> int:
        """Samples in a batch that `each` runs best."""
        ...

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        """The outputs, in the model's order, for (N, ...) samples of the model's own shape and dtype, N >= 0."""
        ...

    def each(self, batches: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        """The outputs for each of some batches, in order; where it can, the network runs while the next batches are made."""
        ...
