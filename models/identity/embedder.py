"""Faces as vectors: those of one person are close to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np

from models.errors import ModelError
from models.identity.chips import ARCFACE, OURS, Template, cut_chips, sharpness
from models.identity.network_file import NetworkFile
from models.identity.weights import FEATURES, SHIPPED, DescriptorWeights, read_weights
from models.imaging.checked import FURTHEST_PX, checked_image
from models.inference.device import Device, choose_device
from models.inference.keras_backend import forbid_tf32, load_keras, prepare_tensorflow
from models.inference.network import Network, Precision, checked_precision
from models.inference.openvino_backend import load_openvino
from models.places import checked_path

CPU_BATCH_SIZES = (1, 2, 4, 16)
GPU_BATCH_SIZES = (2, 8, 32)
"""Chips that a call carries; a face is two, as it is and mirrored."""


class FaceEmbedder:
    """Describes faces by numbers: 128, or as many as another network has. It knows no people: how close two vectors must be for one
    person is for others to decide."""

    def __init__(self, network: Network, *, template: Template = OURS, features: int = FEATURES, mirror: bool = True) -> None:
        """Use `load`."""
        self._network = network
        self._template = template
        self.features = features
        """Numbers that describe a face."""
        self._mirror = mirror

    @classmethod
    def load(
        cls, weights: str | Path | NetworkFile = SHIPPED, *, device: Device = "auto", precision: Precision = "auto", mirror: bool = True
    ) -> Self:
        """The network that ships, the one in dlib's own file, or one of the ArcFace kind in an ONNX file.

        Args:
            weights: a file of weights, known by its checksum, or of another network, known by its name (.onnx).
            device: "auto" takes the GPU where there is one. An ONNX file runs on the CPU.
            precision: "auto" computes in bfloat16 where the processor has it, which changes vectors by about 0.01; "f32" never does.
            mirror: describe each face by the mean with its mirror image, for twice the time; it errs less.

        Raises:
            ModelError: there is no such file, or it is damaged or foreign.
            TypeError, ValueError: an argument is something else.
        """
        checked_precision(precision)
        file = weights if isinstance(weights, NetworkFile) else NetworkFile(checked_path(weights, "the file of weights"))
        if file.is_onnx:
            from models.identity.onnx_network import load_onnx

            network, features = load_onnx(file, precision)
            return cls(network, template=ARCFACE, features=features, mirror=mirror)
        read = read_weights(file.path)
        if choose_device(device)[0] == "cpu":
            return cls(load_on_openvino(read, precision), mirror=mirror)
        if precision == "f32":
            forbid_tf32()
        return cls(load_as_keras(read), mirror=mirror)

    def embed(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The faces of one picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            landmarks: (N, 5, 2) px: left eye, right eye, nose, left and right mouth corner, as seen in the picture; N may be 0.

        Returns:
            (N, features) float32 vectors of unit length.

        Raises:
            TypeError, ValueError: image or landmarks are something else.
        """
        return self.describe(self.cut(image, landmarks))

    def cut(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The chips of the faces of one picture, for `describe`: (N, side, side, 3) uint8 RGB. Arguments and errors as in `embed`."""
        return cut_chips(checked_image(image), _checked_landmarks(landmarks), self._template)

    def sharpness(self, chips: np.ndarray) -> np.ndarray:
        """How much chips show: (N, side, side, 3) -> (N,). The same number means the same, whatever the network."""
        return sharpness(chips, self._template)

    def describe(self, chips: np.ndarray) -> np.ndarray:
        """(N, side, side, 3) uint8 RGB chips, also of several pictures, in one call -> (N, features) float32 vectors of unit length.

        Raises:
            TypeError, ValueError: they are something else.
            ModelError: a network that a user has brought answers with what are no numbers.
        """
        side_px = self._template.side_px
        if not isinstance(chips, np.ndarray) or chips.dtype != np.uint8:
            came = f"an array of {chips.dtype}" if isinstance(chips, np.ndarray) else type(chips).__name__
            raise TypeError(f"chips must be a uint8 array of RGB 0..255, not {came}")
        if chips.shape[1:] != (side_px, side_px, 3):
            raise ValueError(f"chips must be (N, {side_px}, {side_px}, 3), not {chips.shape}; FaceEmbedder.cut makes them")
        if not self._mirror:
            return _unit(self._network(chips)[0])
        both = _unit(self._network(np.concatenate([chips, chips[:, :, ::-1]]))[0])
        return _unit(both[: len(chips)] + both[len(chips) :])


def load_on_openvino(weights: DescriptorWeights, precision: Precision) -> Network:
    """(N, 150, 150, 3) uint8 -> (N, FEATURES), not of unit length, on the CPU."""
    from models.identity.openvino_network import build_network

    return load_openvino(build_network(weights), precision=precision, batch_sizes=CPU_BATCH_SIZES)


def load_as_keras(weights: DescriptorWeights) -> Network:
    """The same as compiled Keras."""
    prepare_tensorflow()
    from models.identity.keras_network import create_descriptor_model, set_weights

    model = create_descriptor_model()
    set_weights(model, weights)
    return load_keras(model, batch_sizes=GPU_BATCH_SIZES)


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Of length 1. The network that ships gives 1.40 to 1.43."""
    if not np.isfinite(vectors).all():
        raise ModelError("identity.network: says of a face what is no number; have it made anew, or leave it out.")
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)


def _checked_landmarks(landmarks: object) -> np.ndarray:
    try:
        array = np.asarray(landmarks)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"landmarks are an array of numbers: {error}") from error
    if array.shape == (0,):
        return np.zeros((0, 5, 2))
    if array.dtype.kind not in "iuf":
        raise TypeError(f"landmarks are numbers, not {array.dtype}")
    if array.ndim != 3 or array.shape[1:] != (5, 2):
        raise ValueError(f"landmarks have shape (N, 5, 2), x and y in pixels, not {array.shape}")
    if not (np.abs(array) <= FURTHEST_PX).all():
        raise ValueError("landmarks must be finite, and not further away than any picture is large")
    return array.astype(np.float64)
