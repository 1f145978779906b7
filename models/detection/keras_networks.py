"""P-, R- and O-Net as Keras models: for GPUs, and the definition that `openvino_networks` is held equal to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.detection.cascade import ONET_PX, RNET_PX
from models.inference.keras_as_meant import as_meant

if TYPE_CHECKING:
    import keras


@as_meant()
def create_pnet() -> keras.Model:
    """P-Net, which proposes: input (N, H, W, 3), RGB 0..255; H and W even, at least 12.

    Output (N, h, w, 5) for the 12-px windows 2 px apart, h = (H - 10) / 2: the score's logit, then the box's offsets of x1, y1, x2, y2 in
    window sides.
    This and the two below take the weights of the package `mtcnn` through `set_mtcnn_weights`.
    """
    import keras
    from keras import layers

    inputs = keras.Input((None, None, 3), name="tiles")
    x = _conv_prelu(_minus_one_to_one(inputs), 10, 3)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = _conv_prelu(x, 16, 3)
    x = _conv_prelu(x, 32, 3)
    offsets = layers.Conv2D(4, 1, name="offsets")(x)
    background_and_face = layers.Conv2D(2, 1, name="scores")(x)
    logit = background_and_face[..., 1:] - background_and_face[..., :1]
    return keras.Model(inputs, layers.Concatenate()([logit, offsets]), name="pnet")


@as_meant()
def create_rnet() -> keras.Model:
    """R-Net, which refines: input (N, RNET_PX, RNET_PX, 3), RGB 0..255; output scores (N,) and box offsets (N, 4) in sides of the crop."""
    import keras
    from keras import layers

    inputs = keras.Input((RNET_PX, RNET_PX, 3), name="crops")
    x = _conv_prelu(_minus_one_to_one(inputs), 28, 3)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = _conv_prelu(x, 48, 3)
    x = layers.MaxPooling2D(3, 2)(x)
    x = _conv_prelu(x, 64, 2)
    x = _columns_first_dense(x, 128)
    offsets = layers.Dense(4, name="offsets")(x)
    return keras.Model(inputs, [layers.Dense(2, activation="softmax", name="scores")(x)[..., 1], offsets], name="rnet")


@as_meant()
def create_onet() -> keras.Model:
    """O-Net, which decides: input (N, ONET_PX, ONET_PX, 3), RGB 0..255.

    Output scores (N,), box offsets (N, 4) and landmarks (N, 5, 2), x and y in sides of the crop from its top left corner.
    """
    import keras
    from keras import layers

    inputs = keras.Input((ONET_PX, ONET_PX, 3), name="crops")
    x = _conv_prelu(_minus_one_to_one(inputs), 32, 3)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = _conv_prelu(x, 64, 3)
    x = layers.MaxPooling2D(3, 2)(x)
    x = _conv_prelu(x, 64, 3)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = _conv_prelu(x, 128, 2)
    x = _columns_first_dense(x, 256)
    offsets = layers.Dense(4, name="offsets")(x)
    landmarks = layers.Permute((2, 1))(layers.Reshape((2, 5))(layers.Dense(10, name="landmarks")(x)))
    return keras.Model(inputs, [layers.Dense(2, activation="softmax", name="scores")(x)[..., 1], offsets, landmarks], name="onet")


def set_mtcnn_weights(model: keras.Model, arrays: Sequence[np.ndarray]) -> None:
    """Gives P-, R- or O-Net the arrays of the package `mtcnn`, which come layer by layer, the outputs last: offsets, landmarks, scores."""
    names = ("offsets", "landmarks", "scores")
    outputs = sorted((layer for layer in model.layers if layer.name in names), key=lambda layer: names.index(layer.name))
    waiting = list(arrays)
    for layer in [layer for layer in model.layers if layer not in outputs] + outputs:
        count = len(layer.weights)
        layer.set_weights(waiting[:count])
        del waiting[:count]
    if waiting:
        raise ValueError(f"{model.name} has no place for the last {len(waiting)} of {len(arrays)} arrays")


def _minus_one_to_one(inputs: keras.KerasTensor) -> keras.KerasTensor:
    from keras import layers

    return layers.Rescaling(1 / 128, offset=-127.5 / 128)(inputs)


def _conv_prelu(x: keras.KerasTensor, filters: int, side: int) -> keras.KerasTensor:
    from keras import layers

    return layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(filters, side)(x))


def _columns_first_dense(x: keras.KerasTensor, units: int) -> keras.KerasTensor:
    """A dense layer and its PReLU over pixels taken column by column, as the weights have them."""
    from keras import layers

    return layers.PReLU()(layers.Dense(units)(layers.Flatten()(layers.Permute((2, 1, 3))(x))))
