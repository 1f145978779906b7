"""Networks on CPUs: OpenVINO, compiled for fixed shapes before the first picture."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.cores import usable_cores
from models.errors import ModelError
from models.forks import OfThisProcess
from models.inference.batching import BatchedNetwork, Finish, Start
from models.inference.network import BATCH_SIZES, Network, Precision, checked_precision
from models.inference.priority import stand_back

if TYPE_CHECKING:
    from models.inference.openvino_quiet import ov

MOST_CALLS_AT_A_TIME = 8
"""Of one network: each takes a core and 5 to 20 MB (a guess; eight cores already do the networks' part of a frame in a millisecond)."""
LAYERS_KEPT = 300
"""Where a model's dimensions are open, its layers are compiled for each size, and so many of them stay. By default 5000 do: after pictures
of 600 sizes YuNet, of 60 layers, had taken 580 MB more, and with these 85."""
STEPS_BACK = 2
"""Of `nice`, for the threads that run calls side by side: whoever makes the next batches must go on, or cores have nothing to do at the end
(4 % of a frame's time on two cores, measured; steps of 1 and 5 gave 2 and 5)."""


def load_openvino(
    model: ov.Model | Path,
    *,
    precision: Precision = "auto",
    batch_sizes: Sequence[int] = BATCH_SIZES,
    sample_shape: tuple[int, ...] | None = None,
    side_by_side: bool = False,
) -> Network:
    """A network on the CPU.

    Args:
        model: a model, or the path of an IR file (.xml). The first dimension of its one input is the batch, the others are fixed.
        precision: "auto" computes in bfloat16 where the processor has it (about twice as fast), "f32" never does.
        batch_sizes: how many samples a call may carry; one compiled network each.
        sample_shape: shape of the samples that are handed in, where the model itself takes them with dimensions joined.
        side_by_side: each call runs on one core, several at a time, where else all cores share each call. Where there are many calls that
            takes a fifth less time (measured with P- and R-Net on two cores), and whoever makes the next batches works beside them.

    Raises:
        ModelError: the file is missing or holds no such model.
    """
    config = _config(precision, side_by_side)
    if isinstance(model, Path):
        model = read_openvino(model)
    (images,) = model.inputs
    own_shape = [side.get_length() for side in list(images.get_partial_shape())[1:]]
    sample = np.zeros(sample_shape or own_shape, images.get_element_type().to_dtype())

    def start_for(size: int) -> Start:
        sized = model.clone()
        sized.reshape([size, *own_shape])
        return _openvino_start(lambda: _openvino_core().compile_model(sized, "CPU", config), (size, *sample.shape))

    # the threads that will run the calls are made in here, and are as far back as whoever makes them
    with ThreadPoolExecutor(1, initializer=stand_back, initargs=(STEPS_BACK if side_by_side else 0,)) as maker:
        starts = dict(zip(batch_sizes, maker.map(start_for, batch_sizes), strict=True))
    return BatchedNetwork(starts, sample)


def read_openvino(path: Path) -> ov.Model:
    """The network in a file of OpenVINO's own (.xml).

    Raises:
        ModelError: the file is missing or holds no network.
    """
    try:
        return _openvino_core().read_model(path)
    except RuntimeError as error:
        raise ModelError(f"cannot read the network {path}: {str(error).strip().splitlines()[-1]}") from error


def read_onnx(path: Path) -> ov.Model:
    """The network in an ONNX file, read as nothing else: OpenVINO asks TensorFlow too, which complains on stderr.

    Raises:
        ModelError: the file is missing or holds no network.
    """
    from models.inference.openvino_quiet import FrontEndManager

    reader = FrontEndManager().load_by_framework("onnx")
    try:
        model: ov.Model = reader.convert(reader.load(path))
    except Exception as error:  # OpenVINO's readers have no other common base for what they raise
        raise ModelError(f"{path}: is damaged or no ONNX file.") from error
    if not model.outputs:  # what an empty file gives
        raise ModelError(f"{path}: is damaged or no ONNX file.")
    return model


def compile_openvino(model: ov.Model, precision: Precision, *, side_by_side: bool) -> ov.CompiledModel:
    """A model as it is, also with open dimensions; the arguments are those of `load_openvino`."""
    return _openvino_core().compile_model(model, "CPU", _config(precision, side_by_side) | {"CPU_RUNTIME_CACHE_CAPACITY": LAYERS_KEPT})


def _config(precision: Precision, side_by_side: bool) -> dict[str, Any]:
    checked_precision(precision)
    calls = calls_at_a_time()
    config: dict[str, Any] = {"NUM_STREAMS": calls, "INFERENCE_NUM_THREADS": calls} if side_by_side else {"PERFORMANCE_HINT": "LATENCY"}
    return config | ({"INFERENCE_PRECISION_HINT": "f32"} if precision == "f32" else {})


def calls_at_a_time() -> int:
    """How many calls a network runs side by side: one on each core that this process may use, within bounds."""
    return min(usable_cores(), MOST_CALLS_AT_A_TIME)


def has_bfloat16() -> bool:
    """Whether "auto" computes in bfloat16 on this processor."""
    return "BF16" in _openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@functools.cache
def _openvino_core() -> Any:
    from models.inference.openvino_quiet import ov

    return ov.Core()


def _openvino_start(compile_: Callable[[], ov.CompiledModel], shape: tuple[int, ...]) -> Start:
    """Begins calls for up to `shape[0]` samples of `shape[1:]`."""
    nothing_idle: Callable[[], list[tuple[ov.InferRequest, np.ndarray, list[np.ndarray]]]] = list
    own = OfThisProcess(lambda: (compile_(), nothing_idle()))

    def start(batch: np.ndarray) -> Finish:
        compiled, idle = own.get()
        # the arrays are the request's own memory: handing arrays over at each call takes longer than copying these small ones
        request, images, outputs = idle.pop() if idle else _openvino_request(compiled, shape)
        images[: len(batch)] = batch
        request.start_async()

        def finish() -> list[np.ndarray]:
            request.wait()
            answers = [output[: len(batch)].copy() for output in outputs]
            idle.append((request, images, outputs))
            return answers

        return finish

    return start


def _openvino_request(compiled: ov.CompiledModel, shape: tuple[int, ...]) -> tuple[ov.InferRequest, np.ndarray, list[np.ndarray]]:
    """One call that can be made again and again, its input as `shape` and its outputs."""
    request = compiled.create_infer_request()
    return request, request.input_tensors[0].data.reshape(shape), [tensor.data for tensor in request.output_tensors]
