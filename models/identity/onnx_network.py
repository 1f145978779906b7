"""A network that the user brings, as an ONNX file of the ArcFace kind, on OpenVINO: 112 px in, any number of numbers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.errors import ModelError
from models.identity.chips import ARCFACE
from models.identity.network_file import NetworkFile
from models.inference.network import Network, Precision
from models.inference.openvino_backend import load_openvino, read_onnx
from models.places import is_file, is_folder

if TYPE_CHECKING:
    from models.inference.openvino_quiet import ov

BATCH_SIZES = (2, 8)
"""Chips that a call carries; a face is two, as it is and mirrored."""
SMALLEST_LENGTH = 1e-6
"""Of a vector that tells something."""
TIMES_LARGER = 8
"""Than its file are the weights of a network that keeps them in another: two for half precision, the rest for those that are packed."""


def load_onnx(file: NetworkFile, precision: Precision) -> tuple[Network, int]:
    """(N, 112, 112, 3) uint8 RGB -> (N, D), not of unit length; and D.

    Raises:
        ModelError: the file is missing, damaged, or holds another kind of network.
    """
    model = _read(file)
    try:
        network, features = _loaded(file, model, precision)
        answers = network(_patterns())[0]
    except RuntimeError as error:  # OpenVINO's, of operations that it does not know or sizes that do not fit
        raise _foreign(file, f"OpenVINO says: {str(error).strip().splitlines()[-1]}") from error
    if answers.shape != (len(_patterns()), features):
        raise _foreign(file, f"it answers {len(_patterns())} faces with an array of {answers.shape}")
    if not np.isfinite(answers).all():
        raise _foreign(file, "its numbers are not finite: identity.network_mean and network_scale say how it takes pixels")
    if np.linalg.norm(answers, axis=1).min() < SMALLEST_LENGTH or np.ptp(answers, axis=0).max() < SMALLEST_LENGTH:
        raise _foreign(file, "it says the same of everything: identity.network_mean and network_scale say how it takes pixels")
    return network, features


def _patterns() -> np.ndarray:
    """(2, 112, 112, 3) uint8: light and dark in two ways."""
    y, x = np.mgrid[0 : ARCFACE.side_px, 0 : ARCFACE.side_px]
    first = np.stack([(x * 7 + y * 3) % 256, (x * x // 40 + y * 5) % 256, (x * y // 60) % 256], axis=-1)
    return np.stack([first, first[::-1]]).astype(np.uint8)


def _read(file: NetworkFile) -> ov.Model:
    if not is_file(file.path):
        what = "is a folder" if is_folder(file.path) else "there is no such file"
        raise ModelError(f"{file.path}: {what}; identity.network names the ONNX file of a network that describes faces.")
    model = read_onnx(file.path)
    weights = sum(node.data.nbytes for node in model.get_ops() if node.get_type_name() == "Constant")
    if weights > TIMES_LARGER * file.path.stat().st_size:
        raise ModelError(f"{file.path}: has its weights in another file; save the network as one file, by which it is known again.")
    return model


def _loaded(file: NetworkFile, model: ov.Model, precision: Precision) -> tuple[Network, int]:
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise _foreign(file, f"it has {len(model.inputs)} inputs and {len(model.outputs)} outputs, not one each")
    side, shape = ARCFACE.side_px, model.inputs[0].get_partial_shape()
    layouts = {"NCHW": [3, side, side], "NHWC": [side, side, 3]}
    layout = next((name for name, sizes in layouts.items() if _fits(shape, [-1, *sizes])), None)
    if layout is None:
        raise _foreign(file, f"its input is {shape}")
    for batch_sizes in (BATCH_SIZES, (1,)):
        try:
            features = _features(file, model, [batch_sizes[-1], *layouts[layout]])
        except RuntimeError:
            if batch_sizes == (1,):
                raise
            continue  # it was written for one face at a time
        model.reshape([1 if batch_sizes == (1,) else -1, *layouts[layout]])
        return load_openvino(_with_pixels(model, layout, file), precision=precision, batch_sizes=batch_sizes), features
    raise AssertionError("one at a time was tried")


def _features(file: NetworkFile, model: ov.Model, shape: list[int]) -> int:
    """How many numbers describe a face.

    Raises:
        RuntimeError: the network does not take so many at a time.
    """
    sized = model.clone()
    sized.reshape(shape)
    answer = sized.outputs[0].get_partial_shape()
    if answer.is_dynamic:
        raise _foreign(file, f"how many numbers it answers with is not fixed: {answer}")
    found = list(answer.to_shape())
    if len(found) == 2 and found[0] == shape[0] and found[1] > 1:
        return int(found[1])
    if shape[0] > 1:
        raise RuntimeError("more than one are joined")
    raise _foreign(file, f"its output for one face is {found}")


def _with_pixels(model: ov.Model, layout: str, file: NetworkFile) -> ov.Model:
    """Takes chips as they are cut."""
    from models.inference.openvino_quiet import PrePostProcessor, ov

    taken = model.inputs[0].get_element_type()
    scaled = PrePostProcessor(model)
    scaled.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps = scaled.input().preprocess().convert_element_type(ov.Type.f32).mean(list(file.means)).scale(list(file.scales))
    if file.channels == "bgr":
        steps.reverse_channels()
    steps.convert_element_type(taken)
    scaled.input().model().set_layout(ov.Layout(layout))
    scaled.output().tensor().set_element_type(ov.Type.f32)
    return scaled.build()


def _fits(shape: ov.PartialShape, wanted: list[int]) -> bool:
    if shape.rank.is_dynamic:
        return True
    sides = list(shape)
    return len(sides) == len(wanted) and all(
        size == -1 or side.is_dynamic or side.get_length() == size for side, size in zip(sides, wanted, strict=True)
    )


def _foreign(file: NetworkFile, why: str) -> ModelError:
    return ModelError(
        f"{file.path}: describes no faces of 112 px ({why}); identity.network names an ONNX file whose one input is N×3×112×112 or "
        "N×112×112×3, and whose one output is N×D."
    )
