"""The formats of other programs: how a model is written in each, and how each is run.

All take (N, size, size, 3) uint8 RGB as `crops` and give `probabilities`, but the OpenVINO model, whose names are its own.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from models.classification.bundle import OPENVINO, WEIGHTS, Bundle
from models.inference.openvino_backend import load_openvino

if TYPE_CHECKING:
    import keras

Format = Literal["savedmodel", "tflite", "onnx", "openvino"]
ENDINGS: dict[Format, str] = {"tflite": ".tflite", "onnx": ".onnx", "openvino": ".xml"}
"""Of the file's name; a SavedModel is a folder of any name."""

Answer = Callable[[np.ndarray], np.ndarray]
"""(N, size, size, 3) uint8 crops -> (N, columns) float32."""


def _with_uint8(model: keras.Model) -> keras.Model:
    """The model with the input that every format has."""
    import keras

    crops = keras.Input(model.input_shape[1:], dtype="uint8", name="crops")
    wrapped = keras.Model(crops, {"probabilities": model(keras.ops.cast(crops, "float32"))}, name="facestream")
    wrapped(np.zeros((1, *model.input_shape[1:]), np.uint8))  # Keras exports only what has been called
    return wrapped


def _keras_export(model: keras.Model, path: Path, keras_format: str) -> None:
    import tensorflow as tf

    try:
        _with_uint8(model).export(path, format=keras_format, verbose=False)
    except tf.errors.OpError as error:  # how TensorFlow says that the disk is full
        raise OSError(error.message) from error


def _write_savedmodel(bundle: Bundle, model: keras.Model, path: Path) -> None:
    _keras_export(model, path, "tf_saved_model")


def _write_tflite(bundle: Bundle, model: keras.Model, path: Path) -> None:
    _keras_export(model, path, "litert")


def _write_onnx(bundle: Bundle, model: keras.Model, path: Path) -> None:
    _keras_export(model, path, "onnx")
    import onnx

    network = onnx.load(path)
    info = bundle.info
    said = {"classes": json.dumps(info.classes), "threshold": json.dumps(info.threshold), "margin": f"{info.crop.margin:g}"}
    onnx.helper.set_model_props(network, said)
    (output,) = network.graph.output
    for node in network.graph.node:
        for i, name in enumerate(node.output):
            if name == output.name:
                node.output[i] = "probabilities"
    output.name = "probabilities"
    for part in (network.graph.input[0], output):
        part.type.tensor_type.shape.dim[0].dim_param = "N"
    onnx.checker.check_model(network)
    onnx.save(network, path)


def _write_openvino(bundle: Bundle, model: keras.Model, path: Path) -> None:
    shutil.copyfile(bundle.folder / OPENVINO, path)
    shutil.copyfile(bundle.folder / WEIGHTS, path.with_suffix(".bin"))


def _read_savedmodel(path: Path) -> Answer:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)
    return lambda crops: np.asarray(loaded.signatures["serving_default"](crops=tf.constant(crops))["probabilities"])


def _read_tflite(path: Path) -> Answer:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(str(path))
    run = interpreter.get_signature_runner()
    return lambda crops: np.concatenate([run(crops=crop[None])["probabilities"] for crop in crops])


def _read_onnx(path: Path) -> Answer:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda crops: np.asarray(session.run(["probabilities"], {"crops": crops})[0])


def _read_openvino(path: Path) -> Answer:
    network = load_openvino(path, precision="f32", batch_sizes=(1,))
    return lambda crops: network(crops)[0]


WRITERS: dict[Format, Callable[[Bundle, keras.Model, Path], None]] = {
    "savedmodel": _write_savedmodel,
    "tflite": _write_tflite,
    "onnx": _write_onnx,
    "openvino": _write_openvino,
}
READERS: dict[Format, Callable[[Path], Answer]] = {
    "savedmodel": _read_savedmodel,
    "tflite": _read_tflite,
    "onnx": _read_onnx,
    "openvino": _read_openvino,
}
