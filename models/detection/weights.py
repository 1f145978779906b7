"""The weights of P-, R- and O-Net out of the installed `mtcnn` package (MIT), without importing it: that would import TensorFlow."""

from __future__ import annotations

import importlib.util
import io
import pickle
from pathlib import Path
from typing import Any, ClassVar, Literal

import lz4.frame  # type: ignore[import-untyped]
import numpy as np

from models.errors import ModelError


def read_mtcnn_weights(name: Literal["pnet", "rnet", "onet"]) -> list[np.ndarray]:
    """The arrays of one network in the order of its layers: kernel (height, width, in, out), bias and slope of each.

    Raises:
        ModelError: the package or its file is missing or is not what it was in mtcnn 1.0.0.
    """
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or spec.origin is None:
        raise ModelError("the package mtcnn, which carries the detector's weights, is not installed: run pip install 'mtcnn>=1.0.0'")
    path = Path(spec.origin).parent / "assets" / "weights" / f"{name}.lz4"
    try:
        content = lz4.frame.decompress(path.read_bytes())
        arrays = _ArrayReader(content).load()
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(f"cannot read the detector's weights {path}: {error}; run pip install --force-reinstall 'mtcnn>=1.0.0'") from error
    return [np.asarray(array, np.float32) for array in arrays]


class _ArrayHeader:
    """Stands where joblib has its NumpyArrayWrapper: says what array follows in the stream."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: str
    numpy_array_alignment_bytes: int | None = None


_Unpickler: Any = pickle._Unpickler  # joblib's own base: the one in C cannot skip bytes in the stream


class _ArrayReader(_Unpickler):  # type: ignore[misc]
    """Reads a list of arrays as joblib writes it. Knows no other type, so that a file can do nothing but hold numbers."""

    dispatch: ClassVar[dict[int, Any]] = dict(_Unpickler.dispatch)

    def __init__(self, content: bytes) -> None:
        self.stream = io.BytesIO(content)
        super().__init__(self.stream)

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("joblib.numpy_pickle", "NumpyArrayWrapper"): _ArrayHeader,
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a list of arrays")
        return known[module, name]

    def load_build(self) -> None:
        """Sets an object's state; after an array's header its bytes follow, behind a count of padding bytes and the padding."""
        _Unpickler.load_build(self)
        header = self.stack[-1]
        if not isinstance(header, _ArrayHeader):
            return
        if header.numpy_array_alignment_bytes is not None:
            self.stream.seek(self.stream.read(1)[0], io.SEEK_CUR)
        data = self.stream.read(int(np.prod(header.shape)) * header.dtype.itemsize)
        self.stack[-1] = np.frombuffer(data, header.dtype).reshape(header.shape, order="F" if header.order == "F" else "C")

    dispatch[pickle.BUILD[0]] = load_build
