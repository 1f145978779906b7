"""Networks on CPUs for samples of any size, as a folder of mixed photos has them: one compilation serves all sizes.

A size that is new takes about 10 ms longer once, where compiling for it would take 75 to 150 ms; from then on it is 4 to 15 % slower than a
network compiled for that size alone (YuNet, two cores).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from models.forks import OfThisProcess
from models.inference.network import Precision
from models.inference.openvino_backend import calls_at_a_time, compile_openvino

if TYPE_CHECKING:
    from models.inference.openvino_quiet import ov


class AnySizeNetwork:
    """Runs samples of any sizes, one a call. For one thread at a time."""

    def __init__(self, model: ov.Model, precision: Precision) -> None:
        """
        Args:
            model: with one input (1, ...), whose other dimensions may be open.
            precision: as for `load_openvino`.
        """
        self._model = model
        self._precision: Precision = precision
        self._alone = OfThisProcess(lambda: _Requests(compile_openvino(model, precision, side_by_side=False), 1))
        self._together: OfThisProcess[_Requests] | None = None

    def each(self, samples: Iterable[np.ndarray], *, several: bool) -> Iterator[list[np.ndarray]]:
        """The outputs for each of some samples (1, ...), in order; nothing overwrites them later.

        Args:
            samples: they must not change before their outputs are there. The next are taken and begun before the first is done.
            several: whether there are more than one: then each runs on a core of its own, else all cores share the one.
        """
        if several and self._together is None:
            self._together = OfThisProcess(
                lambda: _Requests(compile_openvino(self._model, self._precision, side_by_side=True), calls_at_a_time())
            )
        yield from (self._together if several and self._together else self._alone).get().run(samples)


class _Requests:
    """The calls of one compiled network that may be under way at a time."""

    def __init__(self, compiled: ov.CompiledModel, count: int) -> None:
        self._idle = [compiled.create_infer_request() for _ in range(count)]
        self._count = count

    def run(self, samples: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
        from models.inference.openvino_quiet import ov

        under_way: deque[tuple[Any, np.ndarray]] = deque()  # with its sample, whose memory the request reads
        try:
            for sample in samples:
                if not self._idle:
                    yield self._finish(under_way)
                request = self._idle.pop()
                request.set_input_tensor(ov.Tensor(sample, shared_memory=True))
                request.start_async()
                under_way.append((request, sample))
            while under_way:
                yield self._finish(under_way)
        finally:
            for request, _ in under_way:  # nobody wants these any more, but each must end before it begins anew
                request.wait()
                self._idle.append(request)

    def _finish(self, under_way: deque[tuple[Any, np.ndarray]]) -> list[np.ndarray]:
        request, _ = under_way[0]
        request.wait()
        outputs = [tensor.data.copy() for tensor in request.output_tensors]
        under_way.popleft()
        self._idle.append(request)
        return outputs
