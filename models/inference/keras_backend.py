"""Networks on GPUs: compiled Keras (TensorFlow by default), for fixed shapes before the first picture."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from models.forks import refuse_forked
from models.inference.batching import BatchedNetwork, Finish, Start
from models.inference.keras_as_meant import as_meant, import_keras
from models.inference.network import BATCH_SIZES, Network

if TYPE_CHECKING:
    import keras


_log = logging.getLogger(__name__)

Run = Callable[[np.ndarray], list[np.ndarray]]


def load_keras(model: keras.Model, *, sample_shape: tuple[int, ...] | None = None, batch_sizes: Sequence[int] = BATCH_SIZES) -> Network:
    """A Keras network that takes uint8, compiled once for each batch size.

    Args:
        model: what to run; it scales the pixels itself.
        sample_shape: shape of one sample, where the model leaves it open.
        batch_sizes: how many samples a call may carry; one compiled function each.
    """
    import_keras()
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

    made_by, traced = os.getpid(), set[tuple[int, ...]]()

    def run(batch: np.ndarray) -> list[np.ndarray]:
        refuse_forked(made_by, "a network on a GPU")
        is_new = batch.shape not in traced  # what a user has set in Keras counts only while a graph is made
        traced.add(batch.shape if keras.backend.backend() != "torch" else ())
        with as_meant() if is_new else nullcontext():
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
    import_keras()
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
    import_keras()
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
