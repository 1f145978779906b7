"""Networks of the ArcFace kind that really know people: the one that ships, as ONNX files that take 112 px."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.identity.weights import FEATURES, LEVELS, DescriptorWeights, read_weights

SIDE_PX = 112
_GROWN_PX, _LEFT_PX, _TOP_PX, _CHIP_PX = 170, 10, 32, 150
"""Grown so that eyes are as far apart as on the chips that ship, such a chip begins there, and ends 12 px below what there is."""


def write_network(
    place: Path,
    *,
    projection: np.ndarray | None = None,
    middle: np.ndarray | None = None,
    mean: float = 127.5,
    scale: float = 128.0,
    bgr: bool = False,
    nhwc: bool = False,
    batch: int | str = "N",
) -> Path:
    """
    Args:
        projection: (FEATURES, D): what of the answer is told; None: all of it.
        middle: (FEATURES,): what is taken off before.
        mean, scale: pixels come as (pixel - mean) / scale.
    """
    made = _Graph()
    shape: list[int | str] = [batch, SIDE_PX, SIDE_PX, 3] if nhwc else [batch, 3, SIDE_PX, SIDE_PX]
    x = made.add("Transpose", "faces", perm=[0, 3, 1, 2]) if nhwc else "faces"
    x = made.add("Add", made.add("Mul", x, made.constant(np.float32(scale))), made.constant(np.float32(mean)))
    if bgr:
        x = made.add("Gather", x, made.constant(np.array([2, 1, 0])), axis=1)
    sizes = made.constant(np.array([1, 1, _GROWN_PX / SIDE_PX, _GROWN_PX / SIDE_PX], np.float32))
    x = made.add("Resize", x, "", sizes, mode="linear", coordinate_transformation_mode="half_pixel")
    begins, ends = np.array([_TOP_PX, _LEFT_PX]), np.array([_GROWN_PX, _LEFT_PX + _CHIP_PX])
    x = made.add("Slice", x, *(made.constant(array) for array in (begins, ends, np.array([2, 3]))))
    missing = _TOP_PX + _CHIP_PX - _GROWN_PX
    x = made.add("Pad", x, made.constant(np.array([0, 0, 0, 0, 0, 0, missing, 0])), mode="edge")
    x = _descriptor(made, x, read_weights())
    if middle is not None:
        x = made.add("Sub", x, made.constant(middle.astype(np.float32)))
    if projection is not None:
        x = made.add("MatMul", x, made.constant(projection.astype(np.float32)))
    features = FEATURES if projection is None else projection.shape[1]
    made.nodes[-1].output[0] = "vectors"
    graph = helper.make_graph(
        made.nodes,
        "descriptor",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, [batch, features])],
        made.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, place)
    return place


def projection(features: int, seed: int = 0) -> np.ndarray:
    """(FEATURES, features): onto directions drawn by chance, at right angles to each other."""
    directions, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(FEATURES, FEATURES)))
    return np.asarray(directions[:, :features], np.float32)


def _descriptor(made: _Graph, x: str, weights: DescriptorWeights) -> str:
    """(N, 3, 150, 150) RGB 0..255 -> (N, FEATURES), as `models.identity.keras_network` says it."""
    x = made.add("Relu", made.convolve(x, *weights.for_pixels(), halves=True))
    x = made.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2])
    convolutions = zip(weights.kernels[1:], weights.biases[1:], strict=True)
    side_px, channels = 35, LEVELS[0][0]
    for level, (filters, blocks) in enumerate(LEVELS):
        for block in range(blocks):
            halves = level > 0 and block == 0
            first = made.add("Relu", made.convolve(x, *next(convolutions), halves=halves))
            second = made.convolve(first, *next(convolutions))
            if halves:
                x = made.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
                own, beside = (side_px - 1) // 2, side_px // 2
                side_px = max(own, beside)
                second = made.grow(second, 0, side_px - own)
                x = made.grow(x, filters - channels, side_px - beside)
                channels = filters
            x = made.add("Relu", made.add("Add", second, x))
    x = made.add("Flatten", made.add("GlobalAveragePool", x))
    return made.add("MatMul", x, made.constant(weights.dense))


class _Graph:
    """Grows by one operation after the other."""

    def __init__(self) -> None:
        self.nodes = list[onnx.NodeProto]()
        self.constants = list[onnx.TensorProto]()

    def constant(self, array: np.ndarray | np.generic) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, operation: str, *inputs: str, **attributes: object) -> str:
        name = f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [name], **attributes))
        return name

    def convolve(self, x: str, kernel: np.ndarray, bias: np.ndarray, *, halves: bool = False) -> str:
        around = [0] * 4 if halves else [kernel.shape[-1] // 2] * 4
        return self.add("Conv", x, self.constant(kernel), self.constant(bias), strides=[2 if halves else 1] * 2, pads=around)

    def grow(self, x: str, channels: int, px: int) -> str:
        """With zeros behind the last channels, rows and columns."""
        return self.add("Pad", x, self.constant(np.array([0, 0, 0, 0, 0, channels, px, px]))) if channels or px else x
