"""The networks, as Keras 3 functional models: `keras.layers` and `keras.ops` only, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

    if classes < 2:
        raise ValueError(f"a classifier needs at least 2 classes, not {classes}")
    inputs = keras.Input((CNN_INPUT_PX, CNN_INPUT_PX, 3), name="faces")
    x = layers.Rescaling(1 / 255)(inputs)
    for filters in (32, 64, 128, 128):
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(512, activation="relu")(x)
    x = layers.Dense(1, activation="sigmoid")(x) if classes == 2 else layers.Dense(classes, activation="softmax")(x)
    model = keras.Model(inputs, x, name="face_cnn")
    model.compile(
        optimizer="adam",
        loss="binary_crossentropy" if classes == 2 else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
