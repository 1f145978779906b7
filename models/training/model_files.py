"""A trained network written down in the forms that serving reads."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.classification.bundle import KERAS, OPENVINO, WEIGHTS
from models.inference.keras_as_meant import as_meant

if TYPE_CHECKING:
    import keras

    from models.inference.openvino_quiet import ov


def save_model(model: keras.Model, folder: Path) -> None:
    """Writes `model.keras`, `model.xml` and `model.bin`.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    from models.inference.openvino_quiet import ov

    _save_keras(model, folder / KERAS)
    try:
        ov.save_model(openvino_model(model), folder / OPENVINO, compress_to_fp16=False)
    except RuntimeError as error:  # all that OpenVINO says of a full disk is "iostream error"
        raise OSError(f"{OPENVINO} or {WEIGHTS} was refused by the disk") from error


def _save_keras(model: keras.Model, path: Path) -> None:
    """As `model.save`, uncompiled and compressed: half the size where the weights are rounded. `load_model` reads both."""
    import keras

    plain = path.with_suffix(".plain.keras")
    with as_meant():
        bare = keras.Model.from_config(model.get_config())
        bare.set_weights(model.get_weights())
        bare.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    plain.unlink()


def openvino_model(model: keras.Model) -> ov.Model:
    """For CPUs: uint8 in. Numbers that half precision holds exactly are written so (`compress_to_fp16` would round all, 1/255 too)."""
    from models.inference.openvino_quiet import PrePostProcessor, ops, ov

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The structure of `inputs`", UserWarning)  # OpenVINO calls the model with a list of one input
        network = ov.convert_model(model)
    steps = PrePostProcessor(network)
    steps.input().tensor().set_element_type(ov.Type.u8)
    network = steps.build()
    for constant in [node for node in network.get_ops() if node.get_type_name() == "Constant" and node.get_element_type() == ov.Type.f32]:
        half = constant.data.astype(np.float16)
        if np.array_equal(half.astype(np.float32), constant.data):
            constant.output(0).replace(ops.convert(ops.constant(half), "f32").output(0))
    return network
