"""The networks, as Keras 3 functional models: `keras.layers` and `keras.ops` only, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

CNN_INPUT_PX = 150
"""Side of the square the face CNN looks at (the original notebook's)."""


def create_cnn_model(classes: int = 2) -> keras.Model:
    """The original network: four convolutions, two dense layers, untrained and compiled for training.

    Input (N, 150, 150, 3): RGB, 0..255, uint8 or float; scaling to [0, 1] is the network's first layer.
    Output (N, 1) sigmoid, the probability of the second class, for two classes; (N, classes) softmax for more.
    3,453,121 parameters and 472 MFLOP a face with two classes.

    Raises:
        ValueError: fewer than two classes.
    """
    import keras
    from keras import layers

    inputs = keras.Input((CNN_INPUT_PX, CNN_INPUT_PX, 3), name="faces")
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 64, 128, 128):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    return _compiled(keras.Model(inputs, _answer(x, classes), name="face_cnn"))


def create_compact_model(classes: int = 2) -> keras.Model:
    """A smaller network with batch normalisation: same input and output as the original, an eighth of its work.

    It looks at half the resolution: 75 pixels are enough for a face, and each convolution there costs a quarter.
    748,529 parameters and 56 MFLOP a face with two classes.

    Raises:
        ValueError: fewer than two classes.
    """
    import keras
    from keras import layers

    inputs = keras.Input((CNN_INPUT_PX, CNN_INPUT_PX, 3), name="faces")
    x = layers.Rescaling(2 / 255, offset=-1)(inputs)
    x = layers.AveragePooling2D(2)(x)
    for filters in (16, 32, 64, 96):
        x = layers.MaxPooling2D(2, padding="same")(_conv_norm(x, filters))
    x = _conv_norm(x, 128)
    x = layers.Add()([x, _conv_norm(x, 128)])
    x = layers.Dropout(0.3)(layers.Flatten()(x))  # detected faces lie alike: where something is tells as much as what it is
    x = layers.Dense(128, activation="relu")(x)
    return _compiled(keras.Model(inputs, _answer(x, classes), name="face_compact"))


ARCHITECTURES = {"original": create_cnn_model, "compact": create_compact_model}
"""By the name in `model.json`."""


def with_new_answer(model: keras.Model, classes: int) -> keras.Model:
    """A trained network's features under a new, untrained last layer."""
    import keras

    features = model.layers[-1].input
    return _compiled(keras.Model(model.inputs, _answer(features, classes), name=model.name))


def _answer(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """The last layer, in float32 whatever the others compute in."""
    from keras import layers

    if classes < 2:
        raise ValueError(f"a classifier needs at least 2 classes, not {classes}")
    units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    return layers.Dense(units, activation=activation, dtype="float32", name="answer")(x)


def _compiled(model: keras.Model) -> keras.Model:
    loss = "binary_crossentropy" if model.output_shape[1] == 1 else "sparse_categorical_crossentropy"
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


def _conv_norm(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    from keras import layers

    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


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


def create_rnet() -> keras.Model:
    """R-Net, which refines: input (N, 24, 24, 3), RGB 0..255; output scores (N,) and box offsets (N, 4) in sides of the crop."""
    import keras
    from keras import layers

    inputs = keras.Input((24, 24, 3), name="crops")
    x = _conv_prelu(_minus_one_to_one(inputs), 28, 3)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = _conv_prelu(x, 48, 3)
    x = layers.MaxPooling2D(3, 2)(x)
    x = _conv_prelu(x, 64, 2)
    x = _columns_first_dense(x, 128)
    offsets = layers.Dense(4, name="offsets")(x)
    return keras.Model(inputs, [layers.Dense(2, activation="softmax", name="scores")(x)[..., 1], offsets], name="rnet")


def create_onet() -> keras.Model:
    """O-Net, which decides: input (N, 48, 48, 3), RGB 0..255.

    Output scores (N,), box offsets (N, 4) and landmarks (N, 5, 2), x and y in sides of the crop from its top left corner.
    """
    import keras
    from keras import layers

    inputs = keras.Input((48, 48, 3), name="crops")
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
