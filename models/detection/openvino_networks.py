"""P-, R- and O-Net out of OpenVINO's own operations, so that a CPU needs no Keras.

`keras_networks` defines them; a test holds the two equal.
"""

from __future__ import annotations

import numpy as np

from models.detection.cascade import ONET_PX, RNET_PX
from models.inference.openvino_quiet import ops, ov

Weights = list[np.ndarray]


def build_pnet(weights: Weights, height_px: int, width_px: int) -> ov.Model:
    """P-Net on (N, height, width, 3) uint8: (N, h, w, 5) for the 12-px windows 2 px apart: the score's logit, then the box offsets."""
    images, x = _images(height_px, width_px)
    x = _block(x, *_fold_scaling(*weights[0:3]))
    x = _pool(x, 2, "same_upper")
    x = _block(x, *weights[3:6])
    x = _block(x, *weights[6:9])
    face_kernel, face_bias = _face_minus_background(*weights[11:13])
    # one convolution and one result for both answers: taking them apart in here costs a tenth of the network more
    both = _convolve(x, np.concatenate([face_kernel, weights[9]], axis=-1), np.concatenate([face_bias, weights[10]]))
    return ov.Model([_transpose(both, 0, 2, 3, 1)], [images], "pnet")


def build_rnet(weights: Weights) -> ov.Model:
    """R-Net on (N, RNET_PX, RNET_PX, 3) uint8: scores (N,) and box offsets (N, 4)."""
    images, x = _images(RNET_PX, RNET_PX)
    x = _block(x, *_fold_scaling(*weights[0:3]))
    x = _pool(x, 3, "same_upper")
    x = _block(x, *weights[3:6])
    x = _pool(x, 3, "valid")
    x = _block(x, *weights[6:9])
    x = ops.prelu(_dense(_flatten(x), *_rows_by_channel(3, *weights[9:11])), _constant(weights[11]))
    scores = ops.sigmoid(_dense(x, *_face_minus_background(*weights[14:16])))
    return ov.Model([_squeeze(scores, 1), _dense(x, *weights[12:14])], [images], "rnet")


def build_onet(weights: Weights) -> ov.Model:
    """O-Net on (N, ONET_PX, ONET_PX, 3) uint8: scores (N,), box offsets (N, 4) and landmarks (N, 5, 2), shares of the crop's side."""
    images, x = _images(ONET_PX, ONET_PX)
    x = _block(x, *_fold_scaling(*weights[0:3]))
    x = _pool(x, 3, "same_upper")
    x = _block(x, *weights[3:6])
    x = _pool(x, 3, "valid")
    x = _block(x, *weights[6:9])
    x = _pool(x, 2, "same_upper")
    x = _block(x, *weights[9:12])
    x = ops.prelu(_dense(_flatten(x), *_rows_by_channel(3, *weights[12:14])), _constant(weights[14]))
    scores = ops.sigmoid(_dense(x, *_face_minus_background(*weights[19:21])))
    landmarks = ops.reshape(_dense(x, *weights[17:19]), _constant(np.array([0, 2, 5])), special_zero=True)
    return ov.Model([_squeeze(scores, 1), _dense(x, *weights[15:17]), _transpose(landmarks, 0, 2, 1)], [images], "onet")


def _images(height_px: int, width_px: int) -> tuple[ov.Node, ov.Node]:
    """The input and its pixels as float, channels first as OpenVINO wants them.

    The input holds the pixels of a row in one dimension: (N, height, width * 3). Were it (N, height, width, 3), OpenVINO would move them
    into planes and back again before the first convolution, a twentieth of the network's time.
    """
    images = ops.parameter([-1, height_px, width_px * 3], np.uint8, name="images")
    pixels = ops.reshape(images, _constant(np.array([-1, height_px, width_px, 3])), special_zero=False)
    return images, _transpose(ops.convert(pixels, "f32"), 0, 3, 1, 2)


def _fold_scaling(kernel: np.ndarray, bias: np.ndarray, slope: np.ndarray) -> Weights:
    """A first layer that takes pixels 0..255 where the original takes (pixel - 127.5) / 128."""
    scaled = kernel.astype(np.float64) / 128
    return [scaled.astype(np.float32), (bias - 127.5 * scaled.sum(axis=(0, 1, 2))).astype(np.float32), slope]


def _face_minus_background(kernel: np.ndarray, bias: np.ndarray) -> Weights:
    """The softmax over (background, face) is the sigmoid of the difference: half the work, and no exponent overflows."""
    return [kernel[..., 1:] - kernel[..., :1], bias[1:] - bias[:1]]


def _block(x: ov.Node, kernel: np.ndarray, bias: np.ndarray, slope: np.ndarray) -> ov.Node:
    return ops.prelu(_convolve(x, kernel, bias), _constant(slope.reshape(-1)))


def _convolve(x: ov.Node, kernel: np.ndarray, bias: np.ndarray) -> ov.Node:
    moved = ops.convolution(x, _constant(kernel.transpose(3, 2, 0, 1)), [1, 1], [0, 0], [0, 0], [1, 1])
    return ops.add(moved, _constant(bias.reshape(1, -1, 1, 1)))


def _pool(x: ov.Node, side: int, auto_pad: str) -> ov.Node:
    pooled = ops.max_pool(
        x, [2, 2], [1, 1], [0, 0], [0, 0], [side, side], rounding_type="floor", auto_pad=auto_pad, index_element_type="i64"
    )
    return pooled.output(0)


def _dense(x: ov.Node, kernel: np.ndarray, bias: np.ndarray) -> ov.Node:
    return ops.add(ops.matmul(x, _constant(kernel), False, False), _constant(bias))


def _rows_by_channel(side: int, kernel: np.ndarray, bias: np.ndarray) -> Weights:
    """A dense layer over (side, side) pixels whose rows go by column, row, channel, made to go by channel, row, column."""
    rows = kernel.reshape(side, side, -1, kernel.shape[-1])
    return [rows.transpose(2, 1, 0, 3).reshape(kernel.shape), bias]


def _flatten(x: ov.Node) -> ov.Node:
    return ops.reshape(x, _constant(np.array([0, -1])), special_zero=True)


def _transpose(x: ov.Node, *axes: int) -> ov.Node:
    return ops.transpose(x, _constant(np.array(axes)))


def _squeeze(x: ov.Node, axis: int) -> ov.Node:
    return ops.squeeze(x, _constant(np.array([axis])))


def _constant(array: np.ndarray) -> ov.Node:
    return ops.constant(np.ascontiguousarray(array))
