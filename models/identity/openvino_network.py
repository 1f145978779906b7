"""The network that describes faces, out of OpenVINO's own operations, so that a CPU needs no Keras.

A test holds it equal to `keras_network`.
"""

from __future__ import annotations

import numpy as np

from models.identity.weights import LEVELS, DescriptorWeights
from models.imaging.crops import CROP_PX
from models.inference.openvino_quiet import ops, ov


def build_network(weights: DescriptorWeights) -> ov.Model:
    """(N, CROP_PX, CROP_PX, 3) uint8 RGB -> (N, FEATURES), not of unit length."""
    images = ops.parameter([-1, CROP_PX, CROP_PX, 3], np.uint8, name="chips")
    x = ops.transpose(ops.convert(images, "f32"), _constant(np.array([0, 3, 1, 2])))
    x = ops.relu(_convolve(x, *weights.for_pixels(), stride=2))
    x = ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [3, 3], rounding_type="floor", auto_pad="valid", index_element_type="i64").output(0)
    convolutions = zip(weights.kernels[1:], weights.biases[1:], strict=True)
    for level, (_, blocks) in enumerate(LEVELS):
        for block in range(blocks):
            halves = level > 0 and block == 0
            first = ops.relu(_convolve(x, *next(convolutions), stride=2 if halves else 1))
            second = _convolve(first, *next(convolutions))
            x = ops.relu(_add(second, _halved(x)) if halves else ops.add(second, x))
    x = ops.reduce_mean(x, _constant(np.array([2, 3])), keep_dims=False)
    return ov.Model([ops.matmul(x, _constant(weights.dense), False, False)], [images], "descriptor")


def _convolve(x: ov.Node, kernel: np.ndarray, bias: np.ndarray, stride: int = 1) -> ov.Node:
    """Those that halve have no padding, as in dlib."""
    around = [0, 0] if stride > 1 else [kernel.shape[-1] // 2] * 2
    moved = ops.convolution(x, _constant(kernel), [stride] * 2, around, around, [1, 1])
    return ops.add(moved, _constant(bias.reshape(1, -1, 1, 1)))


def _halved(x: ov.Node) -> ov.Node:
    return ops.avg_pool(x, [2, 2], [0, 0], [0, 0], [2, 2], exclude_pad=True, rounding_type="floor", auto_pad="valid")


def _add(a: ov.Node, b: ov.Node) -> ov.Node:
    """Where one has fewer rows, columns or channels, it is 0 there, as in dlib."""
    sizes = [[side.get_length() for side in list(node.get_output_partial_shape(0))[1:]] for node in (a, b)]
    target = np.max(sizes, axis=0)
    return ops.add(*(_grown(node, target - size) for node, size in zip((a, b), sizes, strict=True)))


def _grown(x: ov.Node, by: np.ndarray) -> ov.Node:
    if not by.any():
        return x
    return ops.pad(
        x, _constant(np.zeros(4, np.int64)), _constant(np.array([0, *by], np.int64)), "constant", _constant(np.array(0, np.float32))
    )


def _constant(array: np.ndarray) -> ov.Node:
    return ops.constant(np.asarray(array, order="C"))
