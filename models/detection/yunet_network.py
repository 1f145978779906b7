"""YuNet's network (Wu, Peng, Yu, 2023), from an ONNX file that the user brings, on OpenVINO.

For each cell of three grids, 8, 16 and 32 px apart, it tells how sure it is of a face with its centre there, the face's box and landmarks.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.errors import ModelError
from models.inference.any_size import AnySizeNetwork
from models.inference.network import Network, Precision
from models.inference.openvino_backend import load_openvino, read_onnx
from models.places import is_file, is_folder

if TYPE_CHECKING:
    from models.inference.openvino_quiet import ov

STRIDES = (8, 16, 32)
"""px between the cells of each grid."""
MULTIPLE_PX = 32
"""Sides of what the network takes are multiples of this, or the grids would not fit onto one another."""
COLUMNS = 15
"""Of an answer: score, then box (centre and logarithms of the sides) and five landmarks in strides from the cell's corner."""
CROP_BATCH_SIZES = (1, 4, 16)
_NAMES = [f"{part}_{stride}" for stride in STRIDES for part in ("cls", "obj", "bbox", "kps")]


def load_for_pictures(weights: Path, precision: Precision) -> AnySizeNetwork:
    """(1, H, W, 3) uint8 RGB, H and W multiples of MULTIPLE_PX -> (1, cells, COLUMNS), row by row of each grid, the finest grid first.

    Raises:
        ModelError: the file is missing, damaged, or holds another network.
    """
    try:
        network = AnySizeNetwork(_build(weights, None), precision)
        ((answer,),) = network.each([np.zeros((1, 2 * MULTIPLE_PX, 4 * MULTIPLE_PX, 3), np.uint8)], several=False)
    except RuntimeError as error:  # of a network that was written for one size for good
        raise _foreign(weights, str(error).strip().splitlines()[-1]) from error
    expected = sum(8 * MULTIPLE_PX**2 // stride**2 for stride in STRIDES)
    if answer.shape != (1, expected, COLUMNS) or not np.isfinite(answer).all():
        raise _foreign(weights, f"it answers a picture with {answer.shape} numbers, not (1, {expected}, {COLUMNS})")
    return network


def load_for_crops(weights: Path, precision: Precision, side_px: int) -> Network:
    """The same for many crops at a time: (N, side_px, side_px, 3) uint8 RGB -> (N, cells, COLUMNS)."""
    return load_openvino(_build(weights, side_px), precision=precision, batch_sizes=CROP_BATCH_SIZES, side_by_side=True)


def cells(height: int, width: int, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the cells of some numbers are in a picture of that size: corners (N, 2) float32, x and y in px, and strides (N,)."""
    counts = [(height // stride) * (width // stride) for stride in STRIDES]
    grid = np.searchsorted(np.cumsum(counts), numbers, side="right")
    stride = np.array(STRIDES)[grid]
    row, column = np.divmod(numbers - np.concatenate([[0], np.cumsum(counts)])[grid], width // stride)
    return np.asarray(np.stack([column, row], axis=1) * stride[:, None], np.float32), stride.astype(np.float32)


def _build(weights: Path, side_px: int | None) -> ov.Model:
    """The network with pixels as they come and all answers in one array; `side_px`: for any number of crops of that side."""
    from models.inference.openvino_quiet import PrePostProcessor, ops, ov

    model = _read(weights)
    model.reshape([1 if side_px is None else -1, 3, side_px or -1, side_px or -1])
    outputs = {name: output for output in model.outputs for name in output.get_names()}
    parts = []
    for stride in STRIDES:
        answers = [outputs[f"{part}_{stride}"].get_node().input_value(0) for part in ("cls", "obj", "bbox", "kps")]
        if side_px is not None:  # some files join the crops of a batch: (1, N * cells, columns)
            shapes = [np.array([-1, (side_px // stride) ** 2, columns]) for columns in (1, 1, 4, 10)]
            answers = [ops.reshape(answer, shape, special_zero=False) for answer, shape in zip(answers, shapes, strict=True)]
        face, there, box, landmarks = answers
        score = ops.sqrt(ops.multiply(ops.clamp(face, 0.0, 1.0), ops.clamp(there, 0.0, 1.0)))  # as in OpenCV's FaceDetectorYN
        parts.append(ops.concat([score, box, landmarks], 2))
    joined = ov.Model([ops.concat(parts, 1)], model.get_parameters(), "yunet")
    scaled = PrePostProcessor(joined)
    scaled.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    scaled.input().preprocess().convert_element_type(ov.Type.f32).reverse_channels()  # it learnt from BGR
    scaled.input().model().set_layout(ov.Layout("NCHW"))
    return scaled.build()


def _read(weights: Path) -> ov.Model:
    if is_folder(weights):
        raise ModelError(f"{weights}: is a folder; detector.weights names the ONNX file of a YuNet.")
    if not is_file(weights):
        raise ModelError(f"{weights}: there is no such file; detector.weights names the ONNX file of a YuNet.")
    if weights.suffix.lower() != ".onnx":
        raise ModelError(f"{weights}: is not an ONNX file by its name (.onnx); detector.weights names that of a YuNet.")
    model = read_onnx(weights)
    missing = sorted(set(_NAMES) - {name for output in model.outputs for name in output.get_names()})
    if missing or len(model.inputs) != 1:
        raise _foreign(weights, f"it has no output {missing[0]}" if missing else f"it has {len(model.inputs)} inputs")
    return model


def _foreign(weights: Path, why: str) -> ModelError:
    return ModelError(f"{weights}: is not a YuNet that takes pictures of any size ({why}); OpenCV's model zoo has one, of March 2023.")


def padded(side: int) -> int:
    """The next multiple of MULTIPLE_PX."""
    return math.ceil(side / MULTIPLE_PX) * MULTIPLE_PX
