"""Any number of samples through calls that each take a fixed number of them, several calls under way at a time."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np

CALL_COST = 0.5
"""What one more call of a network costs, in samples (a guess: about 0.05 ms beside the 0.1 ms of one sample of the smaller networks)."""
UNDER_WAY = 16
"""Batches that may be under way at a time: enough for every core, and a bound for the memory they hold."""

Finish = Callable[[], list[np.ndarray]]
"""Waits for the end of a call: its outputs, which nothing overwrites later."""
Start = Callable[[np.ndarray], Finish]
"""Begins a call of a network on a batch of up to as many samples as it carries."""


class BatchedNetwork:
    """Runs any number of samples through calls that each take a fixed number of them. For one thread at a time."""

    def __init__(self, starts: dict[int, Start], sample: np.ndarray) -> None:
        """Warms up every call.

        Args:
            starts: by number of samples, what begins a call on so many.
            sample: one sample of zeros: the shape and dtype of what the network takes.
        """
        self._starts = starts
        self._sample = sample
        self._sizes = tuple(sorted(starts))
        self.at_a_time = self._sizes[-1]
        """Samples in a batch that `each` runs best."""
        for size, start in starts.items():
            outputs = start(np.zeros((size, *sample.shape), sample.dtype))()
        self._empty = [np.zeros((0, *output.shape[1:]), output.dtype) for output in outputs]

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        """The outputs for (N, ...) samples, N >= 0."""
        most = self.at_a_time
        parts = self.each(batch[first : first + most] for first in range(0, max(len(batch), 1), most))
        return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]

    def each(self, batches: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        """The outputs for each of some batches, in order. The next batches are taken and begun before the first one is done."""
        under_way: deque[Finish] = deque()
        try:
            for batch in batches:
                under_way.append(self._start(batch))
                if len(under_way) == UNDER_WAY:
                    yield under_way.popleft()()
            while under_way:
                yield under_way.popleft()()
        finally:
            for finish in under_way:  # nobody wants these any more, but each call must end before the next one like it begins
                finish()

    def _start(self, batch: np.ndarray) -> Finish:
        if batch.shape[1:] != self._sample.shape or batch.dtype != self._sample.dtype:
            wanted = ", ".join(str(side) for side in self._sample.shape)
            raise ValueError(f"the network takes a batch of (N, {wanted}) {self._sample.dtype}, not {batch.shape} {batch.dtype}")
        calls: list[Finish] = []
        first = 0
        for size in plan_batches(len(batch), self._sizes):
            calls.append(self._starts[size](batch[first : first + size]))
            first += size
        if len(calls) == 1:
            return calls[0]
        return lambda: [np.concatenate(outputs) for outputs in zip(self._empty, *(call() for call in calls), strict=True)]


def plan_batches(count: int, sizes: tuple[int, ...]) -> list[int]:
    """The calls that carry `count` samples at the least cost, largest first; only the last may be padded.

    Args:
        count: samples, 0 or more.
        sizes: how many samples a call can carry.
    """
    whole, rest = divmod(count, max(sizes))
    return [max(sizes)] * whole + list(_cheapest(rest, sizes)[1])


@functools.lru_cache(maxsize=4096)
def _cheapest(count: int, sizes: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
    """Cost in samples, and the calls."""
    if count <= 0:
        return 0.0, ()
    options = []
    for size in sizes:
        cost, calls = _cheapest(count - size, sizes)
        options.append((CALL_COST + size + cost, tuple(sorted((size, *calls), reverse=True))))
    return min(options)
