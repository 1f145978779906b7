"""How a network is run: OpenVINO on CPUs, compiled Keras (TensorFlow by default) on GPUs.

Shapes are fixed and everything is compiled before the first picture.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from models.errors import ModelError
from models.inference.batching import BatchedNetwork, Finish, Start
from models.inference.priority import stand_back

if TYPE_CHECKING:
    import keras

    from models.inference.openvino_quiet import ov

_log = logging.getLogger(__name__)

Precision = Literal["auto", "f32"]
Run = Callable[[np.ndarray], list[np.ndarray]]

BATCH_SIZES = (1, 2, 4, 8, 16)
MOST_CALLS_AT_A_TIME = 8
"""Of one network: each takes a core and 5 to 20 MB (a guess; eight cores already do the networks' part of a frame in a millisecond)."""
STEPS_BACK = 2
"""Of `nice`, for the threads that run calls side by side: whoever makes the next batches must go on, or cores have nothing to do at the end
(4 % of a frame's time on two cores, measured; steps of 1 and 5 gave 2 and 5)."""


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
    if precision not in ("auto", "f32"):
        raise ValueError(f"precision is auto or f32, not {precision!r}")
    core = _openvino_core()
    if isinstance(model, Path):
        try:
            model = core.read_model(model)
        except RuntimeError as error:
            raise ModelError(f"cannot read the network {model}: {str(error).strip().splitlines()[-1]}") from error
    calls = calls_at_a_time()
    config: dict[str, Any] = {"NUM_STREAMS": calls, "INFERENCE_NUM_THREADS": calls} if side_by_side else {"PERFORMANCE_HINT": "LATENCY"}
    if precision == "f32":
        config["INFERENCE_PRECISION_HINT"] = "f32"
    (images,) = model.inputs
    own_shape = [side.get_length() for side in list(images.get_partial_shape())[1:]]
    sample = np.zeros(sample_shape or own_shape, images.get_element_type().to_dtype())

    def start_for(size: int) -> Start:
        sized = model.clone()
        sized.reshape([size, *own_shape])
        return _openvino_start(core.compile_model(sized, "CPU", config), (size, *sample.shape))

    # the threads that will run the calls are made in here, and are as far back as whoever makes them
    with ThreadPoolExecutor(1, initializer=stand_back, initargs=(STEPS_BACK if side_by_side else 0,)) as maker:
        starts = dict(zip(batch_sizes, maker.map(start_for, batch_sizes), strict=True))
    return BatchedNetwork(starts, sample)


def calls_at_a_time() -> int:
    """How many calls a network runs side by side: one on each core that this process may use, within bounds."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_CALLS_AT_A_TIME)


def has_bfloat16() -> bool:
    """Whether "auto" computes in bfloat16 on this processor."""
    return "BF16" in _openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@functools.cache
def _openvino_core() -> Any:
    from models.inference.openvino_quiet import ov

    return ov.Core()


def _openvino_start(compiled: ov.CompiledModel, shape: tuple[int, ...]) -> Start:
    """Begins calls for up to `shape[0]` samples of `shape[1:]`."""
    idle: list[tuple[ov.InferRequest, np.ndarray, list[np.ndarray]]] = []

    def start(batch: np.ndarray) -> Finish:
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


def load_keras(model: keras.Model, *, sample_shape: tuple[int, ...] | None = None, batch_sizes: Sequence[int] = BATCH_SIZES) -> Network:
    """A Keras network that takes uint8, compiled once for each batch size.

    Args:
        model: what to run; it scales the pixels itself.
        sample_shape: shape of one sample, where the model leaves it open.
        batch_sizes: how many samples a call may carry; one compiled function each.
    """
    from keras import ops

    sample = np.zeros(sample_shape or model.inputs[0].shape[1:], np.uint8)

    def answers(batch: Any) -> list[Any]:
        outputs = model(ops.cast(batch, "float32"), training=False)
        return list(outputs) if isinstance(outputs, list | tuple) else [outputs]

    compiled = compile_with_keras(answers)

    def start_for(size: int) -> Start:
        def start(batch: np.ndarray) -> Finish:
            padding = np.zeros((size - len(batch), *sample.shape), sample.dtype)
            outputs = compiled(np.concatenate([batch, padding]) if len(padding) else np.ascontiguousarray(batch))
            return lambda: [output[: len(batch)] for output in outputs]

        return start

    return BatchedNetwork({size: start_for(size) for size in batch_sizes}, sample)


def compile_with_keras(function: Callable[..., list[Any]], *constants: Any) -> Run:
    """A function of tensors, written in `keras.ops`, as a function of arrays that compiles once for each shape.

    TensorFlow compiles through XLA on GPUs only: on CPUs that is slower than without. Torch runs the function as it is.

    Args:
        function: of a batch and then `constants`.
        constants: arrays, also in lists and named tuples, that go up once and stay there.
    """
    prepare_tensorflow()
    import keras

    kept = keras.tree.map_structure(keras.ops.convert_to_tensor, constants)
    compiled: Callable[..., list[Any]] = function
    if keras.backend.backend() == "tensorflow":
        compiled = _compile_with_tensorflow(function)
    elif keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(function)
    elif keras.backend.backend() == "torch":
        import torch

        compiled = torch.no_grad()(function)

    def run(batch: np.ndarray) -> list[np.ndarray]:
        return [np.asarray(keras.ops.convert_to_numpy(output)) for output in compiled(keras.ops.convert_to_tensor(batch), *kept)]

    return run


def _compile_with_tensorflow(function: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """One graph for each shape of the first argument. Graphs made by hand: `tf.function` would look for a fitting one at each call."""
    import tensorflow as tf

    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    graphs: dict[tuple[int, ...], Callable[..., list[Any]]] = {}

    def run(batch: Any, *constants: Any) -> list[Any]:
        shape = tuple(batch.shape)
        if shape not in graphs:
            graphs[shape] = tf.function(function, jit_compile=on_gpu, autograph=False).get_concrete_function(batch, *constants)
        return graphs[shape](batch, *constants)

    return run


@functools.cache
def prepare_tensorflow() -> None:
    """Lets Keras's backend take GPU memory as it needs it. Works only before the first operation: by default it takes all or most."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # JAX's own switch
    import keras

    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError as error:
            _log.warning("GPU memory is taken whole, not as needed: %s", error)


def forbid_tf32() -> None:
    """Makes GPUs multiply float32 as float32, everywhere in this process: by default they round to 10 bits of fraction first, for speed."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(False)
    elif keras.backend.backend() == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "float32")
    elif keras.backend.backend() == "torch":
        import torch

        torch.backends.cudnn.allow_tf32 = False
