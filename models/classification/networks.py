"""The networks, as Keras 3 functional models: `keras.layers` and `keras.ops` only, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.imaging.crops import CROP_PX
from models.inference.keras_as_meant import as_meant

if TYPE_CHECKING:
    import keras


@as_meant()
def create_cnn_model(classes: int = 2) -> keras.Model:
    """The original network: four convolutions, two dense layers, untrained and compiled for training.

    Input (N, CROP_PX, CROP_PX, 3): RGB, 0..255, uint8 or float; scaling to [0, 1] is the network's first layer.
    Output (N, 1) sigmoid, the probability of the second class, for two classes; (N, classes) softmax for more.
    3,453,121 parameters and 472 MFLOP a face with two classes.

    Raises:
        ValueError: fewer than two classes.
    """
    import keras
    from keras import layers

    inputs = keras.Input((CROP_PX, CROP_PX, 3), name="faces")
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 64, 128, 128):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    return _compiled(keras.Model(inputs, _answer(x, classes), name="face_cnn"))


@as_meant()
def create_compact_model(classes: int = 2) -> keras.Model:
    """A smaller network with batch normalisation: same input and output as the original, an eighth of its work.

    It looks at half the resolution: 75 pixels are enough for a face, and each convolution there costs a quarter.
    748,529 parameters and 56 MFLOP a face with two classes.

    Raises:
        ValueError: fewer than two classes.
    """
    import keras
    from keras import layers

    inputs = keras.Input((CROP_PX, CROP_PX, 3), name="faces")
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


@as_meant()
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
