"""The weights of the network that describes faces: ours in half precision, or dlib's own file. Each is known by its checksum first.

    python -m models.identity.weights dlib_face_recognition_resnet_model_v1.dat descriptor.npz

made the file that ships. There is no pickle in it.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from models.atomic import file_written_whole
from models.errors import FacestreamError, ModelError
from models.identity.dlib_file import read_dlib_arrays
from models.identity.stored import content_of
from models.places import checked_path

DLIB_SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
"""Of dlib_face_recognition_resnet_model_v1.dat (Davis King, CC0), as it lies in the package face_recognition_models 0.3.0."""
SHIPPED_SHA256 = "46d3998ccf19d40dce71eddc068a9b960e566093769609f1edb2cc87c1f37041"
SHIPPED = Path(__file__).parents[1] / "trained" / "identity" / "descriptor.npz"

FEATURES = 128
"""Numbers that describe a face."""
LEVELS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
"""Filters, and residual blocks, from the input on. All levels but the first begin with a block that halves the picture."""
STEM_PX, BLOCK_PX = 7, 3
"""Sides of the first kernel, which sees the pixels, and of all others."""


@dataclass(frozen=True, slots=True, eq=False)  # eq=False: == on arrays has no single answer
class DescriptorWeights:
    """The 29 convolutions in the order that pixels pass them (two in each block), and the last layer. float32, read-only."""

    kernels: tuple[np.ndarray, ...]
    """Each (filters, channels, side, side). The first takes (pixel - mean) / 256."""
    biases: tuple[np.ndarray, ...]
    """Each (filters,)."""
    dense: np.ndarray
    """(channels, FEATURES), without a bias."""
    mean: np.ndarray
    """(3,) of red, green and blue, 0..255."""

    def for_pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """The first kernel and bias, as they take pixels 0..255. Exact, as that convolution has no padding."""
        kernel = self.kernels[0].astype(np.float64) / 256
        bias = self.biases[0] - (kernel * self.mean[None, :, None, None]).sum(axis=(1, 2, 3))
        return kernel.astype(np.float32), bias.astype(np.float32)


def read_weights(path: str | Path = SHIPPED) -> DescriptorWeights:
    """The weights in our file or in dlib's.

    Raises:
        TypeError: this is no path.
        ModelError: there is no such file, or it is damaged or foreign.
    """
    path, content = content_of(path, "the file of weights", "the weights of the network that describes faces")
    found = hashlib.sha256(content).hexdigest()
    if found == SHIPPED_SHA256:
        return _unpacked(content)
    if found == DLIB_SHA256:
        return _of_dlib(content)
    raise ModelError(
        f"{path}: is damaged, or neither dlib_face_recognition_resnet_model_v1.dat nor what ships here, nor an ONNX file by its name "
        f"(.onnx); its sha256 is {found[:12]}..."
    )


def convert(dlib_file: str | Path, place: str | Path) -> None:
    """Writes the weights in dlib's file in our own form: kernels in half precision, half the size.

    Raises:
        TypeError: one of the two is no path.
        ModelError: there is no such file, or it is damaged or foreign; or ours cannot be written.
    """
    place = checked_path(place, "the new file")
    weights = read_weights(dlib_file)
    arrays: dict[str, np.ndarray] = {"mean": weights.mean, "dense": weights.dense.astype(np.float16)}
    for number, (kernel, bias) in enumerate(zip(weights.kernels, weights.biases, strict=True)):
        arrays |= {f"kernel_{number}": kernel.astype(np.float16), f"bias_{number}": bias}
    try:
        with file_written_whole(place) as file:
            np.savez(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise ModelError(f"{place}: cannot be written ({error.strerror}).") from error


def kernel_shapes() -> Iterator[tuple[int, int, int, int]]:
    """Of each convolution, in order: (filters, channels, side, side)."""
    before = LEVELS[0][0]
    yield before, 3, STEM_PX, STEM_PX
    for filters, blocks in LEVELS:
        for _ in range(blocks):
            yield filters, before, BLOCK_PX, BLOCK_PX
            yield filters, filters, BLOCK_PX, BLOCK_PX
            before = filters


def _unpacked(content: bytes) -> DescriptorWeights:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        count = sum(name.startswith("kernel_") for name in arrays.files)
        kernels = [arrays[f"kernel_{number}"] for number in range(count)]
        biases = [arrays[f"bias_{number}"] for number in range(count)]
        return _checked(kernels, biases, arrays["dense"], arrays["mean"])


def _of_dlib(content: bytes) -> DescriptorWeights:
    """Each convolution is followed by a layer that scales and shifts its channels: folded into it."""
    mean, layers = read_dlib_arrays(content)
    kernels, biases = list[np.ndarray](), list[np.ndarray]()
    for layer, after in pairwise(layers):
        if layer[0] == "convolution":
            assert after[0] == "affine"
            (kernel, bias), (scale, shift) = layer[1:], after[1:]
            kernels.append(kernel * scale[:, None, None, None])
            biases.append(bias * scale + shift)
    (dense,) = layers[-1][1:]
    return _checked(kernels, biases, dense, mean)


def _checked(kernels: list[np.ndarray], biases: list[np.ndarray], dense: np.ndarray, mean: np.ndarray) -> DescriptorWeights:
    """In float32. What fails here is a mistake in this file: contents were known by their checksum."""
    shapes = list(kernel_shapes())
    assert [kernel.shape for kernel in kernels] == shapes
    assert [bias.shape for bias in biases] == [shape[:1] for shape in shapes]
    assert dense.shape == (LEVELS[-1][0], FEATURES)
    ready = [np.ascontiguousarray(array, np.float32) for array in (*kernels, *biases, dense, mean)]
    for array in ready:
        array.flags.writeable = False
    count = len(kernels)
    return DescriptorWeights(tuple(ready[:count]), tuple(ready[count : 2 * count]), *ready[2 * count :])


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: python -m models.identity.weights dlib_face_recognition_resnet_model_v1.dat NEW.npz", file=sys.stderr)
        return 2
    try:
        convert(*arguments)
    except FacestreamError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
