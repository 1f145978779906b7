"""The network that describes faces as a Keras model: for GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.identity.weights import FEATURES, LEVELS, STEM_PX, DescriptorWeights
from models.imaging.crops import CROP_PX
from models.inference.keras_as_meant import as_meant

if TYPE_CHECKING:
    import keras


@as_meant()
def create_descriptor_model() -> keras.Model:
    """The face recognition ResNet of dlib with its convolutions and scalings joined; made of plain layers, so that it can be saved safely.

    Input (N, CROP_PX, CROP_PX, 3): RGB, 0..255. Output (N, FEATURES), not of unit length. Takes the weights through `set_weights`.
    """
    import keras
    from keras import layers

    inputs = keras.Input((CROP_PX, CROP_PX, 3), name="chips")
    x = layers.Conv2D(LEVELS[0][0], STEM_PX, strides=2, activation="relu")(inputs)
    x = layers.MaxPooling2D(3, 2)(x)
    for level, (filters, blocks) in enumerate(LEVELS):
        for block in range(blocks):
            x = _block(x, filters, halves=level > 0 and block == 0)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(FEATURES, use_bias=False)(x), name="descriptor")


def set_weights(model: keras.Model, weights: DescriptorWeights) -> None:
    """Gives it the weights: its convolutions lie in the order that pixels pass them."""
    from keras import layers

    kernels, biases = list(weights.kernels), list(weights.biases)
    kernels[0], biases[0] = weights.for_pixels()
    waiting = iter(zip(kernels, biases, strict=True))
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            kernel, bias = next(waiting)
            layer.set_weights([kernel.transpose(2, 3, 1, 0), bias])
    model.layers[-1].set_weights([weights.dense])


def _block(x: keras.KerasTensor, filters: int, *, halves: bool) -> keras.KerasTensor:
    """Two convolutions beside a shortcut. Those that halve have no padding, as in dlib."""
    from keras import layers

    first = layers.Conv2D(filters, 3, strides=2 if halves else 1, padding="valid" if halves else "same", activation="relu")(x)
    second = layers.Conv2D(filters, 3, padding="same")(first)
    shortcut = layers.AveragePooling2D(2)(x) if halves else x
    return layers.ReLU()(layers.Add()(_same_size(second, shortcut)))


def _same_size(a: keras.KerasTensor, b: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Where one has fewer rows, columns or channels, it is 0 there, as in dlib: behind the last one, each."""
    from keras import layers

    side, channels = max(a.shape[1], b.shape[1]), max(a.shape[3], b.shape[3])
    grown = []
    for x in (a, b):
        if missing := side - x.shape[1]:
            x = layers.ZeroPadding2D(((0, missing), (0, missing)))(x)
        if missing := channels - x.shape[3]:
            x = layers.Concatenate()([x, *[_zeros(x)] * (missing // x.shape[3])])
        grown.append(x)
    return grown


def _zeros(x: keras.KerasTensor) -> keras.KerasTensor:
    from keras import layers

    return layers.Rescaling(0.0)(x)
